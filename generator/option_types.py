"""Types of command line options; what is wrong with a value is said in one line."""

import argparse
from datetime import datetime

from flashsale.minutes import parse_iso


def moment(text: str) -> datetime:
    """A time, UTC unless it says otherwise."""
    try:
        return parse_iso(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"must be a time such as 2026-11-11T09:00Z, got {text!r}") from error


def whole_number(text: str) -> int:
    """A number from 0 on."""
    if not text.isascii() or not text.isdecimal():
        raise argparse.ArgumentTypeError(f"must be a whole number from 0 on, got {text!r}")
    return int(text)
