"""Names in the file (products, sellers, cities ...) as numbers: codes while reading, ids in the end."""

import unicodedata
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from typing import Any

import numpy as np
import numpy.typing as npt

from generator.importing.bad_cells import bad, is_empty, missing
from generator.importing.places import folded

IntArray = npt.NDArray[np.int64]

MAX_NAME = 200
_NOT_TEXT = ("Cc", "Cs", "Co")
"""Control characters, halves of surrogate pairs, private use: no font shows them."""


def text_of(cell: Any) -> str:
    """The cell as a name: blanks at the ends cut, others single; raises BadCellError.

    Numbers of Parquet files become the text a person would write; so does the 1001.0 that a data frame makes of
    1001 where another row is empty.
    """
    if is_empty(cell):
        raise missing()
    if isinstance(cell, bool | bytes) or not isinstance(cell, str | int | float | Decimal):
        raise bad("type", cell, "is not text")
    if isinstance(cell, float | Decimal):
        if not Decimal(cell).is_finite():
            raise bad("type", cell, "is not text")
        cell = str(int(cell)) if cell == int(cell) else str(cell)
    text = " ".join(str(cell).split())
    if len(text) > MAX_NAME:
        raise bad("range", cell, f"must have at most {MAX_NAME} characters, has {len(text)}")
    if not text.isascii() or not text.isprintable():
        for character in text:
            if unicodedata.category(character) in _NOT_TEXT:
                raise bad("type", cell, f"holds U+{ord(character):04X}, which is no text")
    return text


class Vocabulary:
    """Names -> codes from 0 in order of first sight."""

    def __init__(self) -> None:
        self.names: list[str] = []
        self._codes: dict[str, int] = {}

    def code(self, cell: Any) -> int:
        """The code of a cell's name; raises BadCellError."""
        name = text_of(cell)
        code = self._codes.setdefault(name, len(self.names))
        if code == len(self.names):
            self.names.append(name)
        return code

    def find(self, name: str) -> int | None:
        return self._codes.get(name)


def known_reader(known: Mapping[str, int], unknown: str) -> Callable[[Any], int]:
    """A function from a cell to the number that `known` has for its folded name; `unknown` says what to do else."""

    def read(cell: Any) -> int:
        number = known.get(folded(text_of(cell)))
        if number is None:
            raise bad("unknown", cell, unknown)
        return number

    return read


def ids_of(names: Sequence[str], used: IntArray, largest: int) -> IntArray:
    """An id for each code, (names,); -1 where the code is not among `used`.

    Where every used name is a whole number of 1..`largest`, without leading zeros, the numbers are the ids: people
    know them.  Otherwise ids count from 1 in the order of the sorted names.
    """
    ids = np.full(len(names), -1, np.int64)
    texts = [names[code] for code in used.tolist()]
    if all(plain_number(text, largest) is not None for text in texts):
        ids[used] = [int(text) for text in texts]
    else:
        rank = {text: i for i, text in enumerate(sorted(texts), 1)}
        ids[used] = [rank[text] for text in texts]
    return ids


def plain_number(text: str, largest: int) -> int | None:
    """`text` as a number of 1..`largest` if it is written as such a number is, else None."""
    if not (text.isascii() and text.isdecimal()) or text[0] == "0" or len(text) > len(str(largest)):
        return None
    number = int(text)
    return number if number <= largest else None
