"""What the readers of both file types hand on: batches of rows, with their place in the file."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Protocol, Self

from generator.importing.bad_cells import ImportFileError

BATCH_ROWS = 16_384


@dataclass(frozen=True, slots=True)
class BrokenRow:
    """A row that does not even fall into cells: where, why (code and words), and how it stands in the file."""

    line: int
    code: str
    problem: str
    raw: list[str]


@dataclass(frozen=True, slots=True)
class Batch:
    """R whole rows: `lines` (R), `columns[j]` the R cells of the j-th column asked for, `raw(i)` row i as it
    stands in the file; and the rows that were broken among them."""

    lines: Sequence[int]
    columns: Sequence[Sequence[Any]]
    raw: Callable[[int], list[str]]
    broken: list[BrokenRow] = field(default_factory=list)


class RowSource(Protocol):
    """An open file of rows under titles; `position` is the share of it that was read, 0..1."""

    path: Path
    titles: list[str]
    encoding: str

    def __enter__(self) -> Self: ...

    def __exit__(self, *_: object) -> None: ...

    def batches(self, wanted: Sequence[str]) -> Iterator[Batch]:
        """All rows, once, with the cells of the `wanted` titles."""

    @property
    def position(self) -> float: ...


def require_titles(source: RowSource, wanted: dict[str, str]) -> None:
    """Raise ImportFileError when one of `wanted` (title -> key of the mapping) is not exactly one of the titles."""
    for title, key in wanted.items():
        count = source.titles.count(title)
        if count > 1:
            raise ImportFileError(f"{source.path}: the title {title!r} ({key}) stands {count} times; rename one")
    missing = [title for title in wanted if title not in source.titles]
    if missing:
        listed = ", ".join(_with_hint(title, wanted[title], source.titles) for title in missing)
        there = ", ".join(map(repr, source.titles))
        raise ImportFileError(f"{source.path}: has no column {listed}; its columns are {there}")


def _with_hint(title: str, key: str, titles: Sequence[str]) -> str:
    near = get_close_matches(title, titles, n=1)
    return f"{title!r} ({key}" + (f", perhaps {near[0]!r})" if near else ")")
