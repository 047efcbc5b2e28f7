"""Rows of a CSV file with their true line numbers, also behind a quote that nobody closed."""

import csv
import re
from collections import deque
from collections.abc import Iterator, Sequence
from io import TextIOWrapper
from operator import itemgetter
from pathlib import Path
from typing import Any, Self

from generator.importing.bad_cells import ImportFileError
from generator.importing.mapping import File
from generator.importing.row_source import BATCH_ROWS, Batch, BrokenRow

_UNDECODED = re.compile("[\udc80-\udcff]")
"""What `surrogateescape` makes of bytes that are not text in the file's encoding."""


class CsvSource:
    """An open CSV file whose first line holds the titles; `close` it, or use it as a context."""

    def __init__(self, path: Path, rules: File) -> None:
        self.path, self._rules, self.encoding = path, rules, rules.encoding
        self._size = max(path.stat().st_size, 1)
        encoding = "utf-8-sig" if rules.encoding.lower().replace("_", "-") in ("utf-8", "utf8") else rules.encoding
        # The file's own line ends are kept: a line break inside quotes belongs to the value.
        self._bytes = path.open("rb")
        self._file = TextIOWrapper(self._bytes, encoding=encoding, errors="surrogateescape", newline="")
        self._lines = _Lines(self._file)
        self._reader = csv.reader(
            self._lines,
            delimiter=rules.delimiter,
            quotechar=rules.quote or None,
            quoting=csv.QUOTE_MINIMAL if rules.quote else csv.QUOTE_NONE,
            escapechar=rules.escape or None,
            strict=True,
        )
        self.titles = self._read_titles()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    @property
    def position(self) -> float:
        return min(self._bytes.tell() / self._size, 1.0)

    def batches(self, wanted: Sequence[str]) -> Iterator[Batch]:
        indices = [self.titles.index(title) for title in wanted]
        # One index alone would make itemgetter return no tuple.
        pick = itemgetter(*indices, indices[0])
        rows: list[list[str]] = []
        lines: list[int] = []
        broken: list[BrokenRow] = []
        for line, row in self._rows():
            if isinstance(row, BrokenRow):
                broken.append(row)
            else:
                rows.append(row)
                lines.append(line)
            if len(rows) + len(broken) >= BATCH_ROWS:
                yield _batch(rows, lines, broken, pick, len(indices))
                rows, lines, broken = [], [], []
        if rows or broken:
            yield _batch(rows, lines, broken, pick, len(indices))

    def _rows(self) -> Iterator[tuple[int, list[str] | BrokenRow]]:
        """(line, row) of every row that is not blank."""
        width = len(self.titles)
        while (found := self._next()) is not None:
            line, row, problem = found
            if problem is None and not row:
                continue
            if problem is None and len(row) != width:
                problem = "field_count", f"has {len(row)} values, the header has {width}"
            if problem is not None:
                text = self._lines.text
                if self._lines.give_back_all_but_first():
                    problem = "quoting", "opens a quote, and up to where it ends there is no row of the header's width"
                    text = self._lines.text
                yield line, BrokenRow(line, *problem, row if problem[0] == "field_count" else [text.rstrip("\r\n")])
            elif byte := self._lines.undecoded():
                yield line, BrokenRow(line, "encoding", self._not_text(byte), row)
            else:
                yield line, row

    def _next(self) -> tuple[int, list[str], tuple[str, str] | None] | None:
        """(line, values, (code, problem) or None) of the next record; None at the end of the file."""
        self._lines.begin_record()
        try:
            return self._lines.first, next(self._reader), None
        except StopIteration:
            return None
        except csv.Error as error:
            return self._lines.first, [], ("quoting", f"is not valid CSV: {error}")
        except UnicodeError as error:
            raise ImportFileError(
                f"{self.path}: is not {self._rules.encoding} text ({error}); set `encoding` in [file] of the mapping"
            ) from error

    def _not_text(self, byte: str) -> str:
        return f"is not {self._rules.encoding} text: byte {byte}"

    def _read_titles(self) -> list[str]:
        while (found := self._next()) is not None:
            line, row, problem = found
            if problem is not None:
                raise ImportFileError(f"{self.path}:{line}: the header {problem[1]}")
            if byte := self._lines.undecoded():
                raise ImportFileError(
                    f"{self.path}:{line}: the header {self._not_text(byte)}; set `encoding` in [file] of the mapping"
                )
            if row:
                return [title.strip() for title in row]
        raise ImportFileError(f"{self.path}: is empty; the first line must hold the titles of the columns")


class _Lines:
    """The file's physical lines, counted; the lines of the current record can be given back."""

    def __init__(self, file: TextIOWrapper) -> None:
        self._file = file
        self._returned: deque[str] = deque()
        self._record: list[str] = []
        self._before = 0

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> str:
        line = self._returned.popleft() if self._returned else next(self._file)
        self._record.append(line)
        return line

    def begin_record(self) -> None:
        self._before += len(self._record)
        self._record.clear()

    @property
    def first(self) -> int:
        """Line number of the current record's first line."""
        return self._before + 1

    @property
    def text(self) -> str:
        """The current record as it stands in the file."""
        return "".join(self._record)

    def undecoded(self) -> str:
        """The first byte of the record that is not text, as 0xE9; empty when all is."""
        for line in self._record:
            if not line.isascii() and (found := _UNDECODED.search(line)):
                return f"0x{ord(found.group()) - 0xDC00:02X}"
        return ""

    def give_back_all_but_first(self) -> bool:
        """Let the lines after the first be read again; whether there were any."""
        rest = self._record[1:]
        self._returned.extendleft(reversed(rest))
        del self._record[1:]
        return bool(rest)


def _batch(rows: list[list[str]], lines: list[int], broken: list[BrokenRow], pick: Any, width: int) -> Batch:
    columns = list(zip(*map(pick, rows), strict=True))[:width] if rows else [()] * width
    return Batch(lines, columns, rows.__getitem__, broken)
