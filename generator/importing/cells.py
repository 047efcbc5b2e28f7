"""Turn a column of cells into whole numbers at once, and know which cells could not be."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from generator.importing.bad_cells import BadCellError

IntArray = npt.NDArray[np.int64]

BAD = np.iinfo(np.int64).min
EMPTY = BAD + 1
_MOST_REMEMBERED = 200_000


class _Remembered(dict[Any, int]):
    """Cell -> number, asked once for each different cell."""

    def __init__(self, read: Callable[[Any], int], optional: bool) -> None:
        self._read, self._optional = read, optional

    def __missing__(self, cell: Any) -> int:
        try:
            number = self._read(cell)
        except BadCellError as error:
            number = EMPTY if self._optional and error.code == "missing" else BAD
        self[cell] = number
        return number


class NumberColumn:
    """A column by its `role` in the mapping and its `title` in the file; `read` makes a number of one cell.

    `optional`: an empty cell is `EMPTY` and not bad.
    """

    def __init__(self, role: str, title: str, read: Callable[[Any], int], *, optional: bool = False) -> None:
        self.role, self.title, self._read = role, title, read
        self._known = _Remembered(read, optional)

    def numbers(self, cells: Sequence[Any]) -> IntArray:
        """(cells,): a number for each, `BAD` where there is none."""
        if len(self._known) > _MOST_REMEMBERED:
            self._known.clear()
        return np.fromiter(map(self._known.__getitem__, cells), np.int64, len(cells))

    def problem(self, cell: Any) -> BadCellError:
        """What is wrong with a bad cell."""
        try:
            self._read(cell)
        except BadCellError as error:
            return error
        raise AssertionError(f"{cell!r} was bad and is not any more")
