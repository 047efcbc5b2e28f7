"""Numbers as people and programs write them, read exactly: no binary fraction touches an amount."""

import re
from collections.abc import Callable
from decimal import Decimal
from typing import Any

from flashsale.schema import INVENTORY, MAX_ORDER_VALUE, ORDERS
from generator.importing.bad_cells import BadCellError, bad, is_empty, missing
from generator.importing.mapping import File, Money

MINOR_PARTS = 10_000
"""Amounts are kept in ten-thousandths of a minor unit until a line's value is known."""
MAX_QUANTITY = ORDERS.field("order_qty").maximum or 0
MAX_ON_HAND = INVENTORY.field("inventory_on_hand").maximum or 0

_LONGEST = 60
_BLANKS = str.maketrans({"\u00a0": " ", "\u202f": " ", "\u2009": " "})

NumberReader = Callable[[Any], Decimal]


def number_reader(file: File) -> NumberReader:
    """A function from a cell to its exact, finite value; it raises BadCellError.

    With thousands marks, groups must be whole ("1,250" or, the Indian way, "1,25,000"): in "1,50"
    the comma is more likely a decimal mark, and 150 would be a costly guess.
    """
    thousands = " " if file.thousands.isspace() else file.thousands
    grouped = rf"|\d{{1,3}}(?:{re.escape(thousands)}\d{{2,3}})*{re.escape(thousands)}\d{{3}}" if thousands else ""
    pattern = re.compile(
        rf"[+-]?(?:(?:\d+{grouped})(?:{re.escape(file.decimal)}\d*)?|{re.escape(file.decimal)}\d+)(?:[eE][+-]?\d{{1,3}})?",
        re.ASCII,
    )

    def read(cell: Any) -> Decimal:
        if is_empty(cell):
            raise missing()
        if isinstance(cell, str):
            text = cell.strip().translate(_BLANKS)
            if len(text) > _LONGEST or not pattern.fullmatch(text):
                raise bad("type", cell, "is not a number")
            if thousands:
                text = text.replace(thousands, "")
            return Decimal(text.replace(file.decimal, "."))
        if isinstance(cell, bool) or not isinstance(cell, int | float | Decimal):
            raise bad("type", cell, "is not a number")
        # The shortest text that gives a float again is what its writer meant.
        value = Decimal(repr(cell)) if isinstance(cell, float) else Decimal(cell)
        if not value.is_finite():
            raise bad("type", cell, "is not a finite number")
        return value

    return read


def whole_reader(numbers: NumberReader, least: int, most: int) -> Callable[[Any], int]:
    """A function from a cell to a whole number in ``least..most``."""

    def read(cell: Any) -> int:
        try:
            value = numbers(cell)
        except BadCellError as error:
            if error.code == "type":
                raise bad("type", cell, "is not a whole number") from None
            raise
        if value != value.to_integral_value():
            raise bad("type", cell, "is not a whole number")
        if not least <= value <= most:
            raise bad("range", cell, f"must be {least}..{most}")
        return int(value)

    return read


def amount_reader(numbers: NumberReader, money: Money) -> Callable[[Any], int]:
    """A function from a cell to an amount in ten-thousandths of a minor unit, 0..`MAX_ORDER_VALUE` minor units.

    What is finer than that is rounded half to even when ``money.round``, and else refused.
    """
    scale = MINOR_PARTS * (money.minor_per_major if money.unit == "major" else 1)
    most = Decimal(MAX_ORDER_VALUE) * MINOR_PARTS

    def read(cell: Any) -> int:
        value = numbers(cell)
        # Compared before it is multiplied: the context's 28 digits hold every amount in range.
        if not 0 <= value <= most / scale:
            raise bad("range", cell, f"must be 0..{Decimal(MAX_ORDER_VALUE) * MINOR_PARTS / scale:f}")
        parts = value * scale
        whole = parts.to_integral_value()
        if whole != parts and not money.round:
            raise bad("range", cell, FRACTION)
        return int(whole)

    return read


FRACTION = "is not a whole number of minor units; `round = true` in [money] rounds"
