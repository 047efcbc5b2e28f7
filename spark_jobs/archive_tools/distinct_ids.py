"""Which ids stand in more than one place, of any number of ids, in bounded memory.

Ids go to buckets on disk, by their value, so that equal ones meet in one bucket; then bucket after bucket is sorted.
"""

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType

import numpy as np
import numpy.typing as npt

Ids = npt.NDArray[np.int64]
_PLACED = np.dtype([("id", "<i8"), ("place", "<i4")])
_IDS_PER_BUCKET = 2_000_000
_MOST_BUCKETS = 256


class DistinctIds:
    """Ids and the places they stand in; a context, for its files below `folder` are open."""

    def __init__(self, folder: Path, expected: int) -> None:
        """`expected`: about how many ids will come."""
        self._buckets = min(_MOST_BUCKETS, expected // _IDS_PER_BUCKET + 1)
        self._paths = [folder / f"{number}.ids" for number in range(self._buckets)]
        self._places: list[str] = []
        self._open = ExitStack()

    def __enter__(self) -> "DistinctIds":
        self._files = [self._open.enter_context(path.open("wb")) for path in self._paths]
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._open.close()

    def place(self, name: str) -> int:
        """A number for a new place."""
        self._places.append(name)
        return len(self._places) - 1

    def add(self, ids: Ids, place: int) -> None:
        """Ids that stand in `place`; one that comes twice stands there twice."""
        placed = np.empty(len(ids), _PLACED)
        placed["id"], placed["place"] = ids, place
        bucket = ids % self._buckets
        for number in np.unique(bucket).tolist():
            self._files[number].write(placed[bucket == number].tobytes())

    def repeated(self) -> Iterator[tuple[int, tuple[str, ...]]]:
        """(id, its places) of every id that stands in more than one place, or twice in one."""
        self._open.close()
        for path in self._paths:
            placed = np.fromfile(path, _PLACED)
            placed = placed[np.argsort(placed["id"], kind="stable")]
            same = placed["id"][1:] == placed["id"][:-1]
            for value in np.unique(placed["id"][1:][same]):
                low, high = np.searchsorted(placed["id"], [value, value + 1])
                yield int(value), tuple(self._places[number] for number in placed["place"][low:high].tolist())
