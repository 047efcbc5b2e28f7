"""What is wrong with a value of the file: a short code that is counted by, and words for a person."""

from typing import Any

from flashsale.errors import FlashsaleError
from flashsale.scenario_messages import shown


class ImportFileError(FlashsaleError):
    """The file or its mapping cannot be imported at all."""


class BadCellError(Exception):
    """One cell cannot be used.  `code` names the kind: type, range, missing, unknown; `text` says it without column."""

    def __init__(self, code: str, text: str) -> None:
        super().__init__(text)
        self.code, self.text = code, text


def missing() -> BadCellError:
    return BadCellError("missing", "is empty")


def bad(code: str, cell: Any, problem: str) -> BadCellError:
    """``"abc" is not a whole number``."""
    # What a file holds must not steer the terminal it is shown on.
    text = "".join(c if c.isprintable() else f"\\u{ord(c):04x}" for c in shown(cell))
    return BadCellError(code, f"{text} {problem}")


def is_empty(cell: Any) -> bool:
    """No value: nothing, blanks, or the NaN that data frames write for nothing."""
    return cell is None or (isinstance(cell, str) and not cell.strip()) or (isinstance(cell, float) and cell != cell)
