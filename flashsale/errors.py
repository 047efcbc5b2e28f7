"""Errors a user may meet: each prints as one line that names the way out."""

import sys
from collections.abc import Callable


class FlashsaleError(Exception):
    """A failure with a message fit for the user: the thing, the value, the way out."""


class SettingsError(FlashsaleError):
    """A setting is missing or outside its range."""


class ScenarioError(FlashsaleError):
    """A sale scenario file cannot be used."""


class ServiceUnavailableError(FlashsaleError):
    """A service did not answer; retrying can help."""


class StoreNotReadyError(FlashsaleError):
    """A store lacks a validator, an index or a document it must have."""


class SupersededRunError(FlashsaleError):
    """A newer run already published what this one was about to publish."""


class NothingToDoError(FlashsaleError):
    """There is nothing this run could do yet; not a failure."""


class ReadBackError(FlashsaleError):
    """What was read back differs from what was written; nothing may be called done."""


def one_line(error: BaseException) -> str:
    """First sentence of an error, without line breaks, at most 300 characters."""
    text = " ".join(str(error).split()) or type(error).__name__
    return text if len(text) <= 300 else text[:297] + "..."


def exit_with_one_line(main: Callable[[], int]) -> int:
    """Run a command's `main`; turn a known failure into one line on stderr and exit code 1.

    Failures of the services behind us (MongoDB, Redis, HDFS, Spark) reach the user
    the same way.  Anything else is a defect and keeps its traceback in the log.
    """
    try:
        return main()
    except FlashsaleError as error:
        print(f"error: {one_line(error)}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("stopped", file=sys.stderr)
        return 130
