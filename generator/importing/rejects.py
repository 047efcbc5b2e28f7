"""Rows that are not imported: told, counted by reason, and all of them kept in a file."""

import csv
import sys
from collections import Counter
from io import TextIOWrapper
from pathlib import Path
from typing import Any

from generator.importing.bad_cells import ImportFileError
from generator.importing.row_source import BrokenRow

TOLD = 20
"""Rows named on stderr; the file has all."""


class Rejects:
    """Rejected rows of one `source` file; written to `path` as CSV: line, reason, and the row under its own titles.

    The file appears with the first rejected row.  Bytes that were no text stand in it as they were.
    """

    def __init__(self, source: Path, path: Path, titles: list[str], encoding: str = "utf-8") -> None:
        self.path, self._source, self._titles, self._encoding = path, source, titles, encoding
        self.by_reason: Counter[str] = Counter()
        self._file: TextIOWrapper | None = None
        if path.exists() and path.samefile(source):
            raise ImportFileError(f"{path}: is the file to import; give another path with --rejects")

    def __enter__(self) -> "Rejects":
        return self

    def __exit__(self, *_: object) -> None:
        if self._file is not None:
            self._file.close()

    @property
    def count(self) -> int:
        return self.by_reason.total()

    def add(self, row: BrokenRow) -> None:
        """Keep one row; the first `TOLD` are told as ``FILE:LINE: problem``."""
        if self.count < TOLD:
            _tell(f"{self._source}:{row.line}: {row.problem}")
        elif self.count == TOLD:
            _tell(f"more rejected rows stand in {self.path}")
        self.by_reason[row.code] += 1
        try:
            if self._file is None:
                self._file = self._open()
            _writer(self._file).writerow([str(row.line), row.problem, *row.raw])
        except OSError as error:
            raise ImportFileError(
                f"{self.path}: rejected rows cannot be written ({error.strerror}); give another path with --rejects"
            ) from error

    def _open(self) -> TextIOWrapper:
        file = self.path.open("w", encoding=self._encoding, errors="surrogateescape", newline="")
        _writer(file).writerow(["line", "reason", *self._titles])
        return file

    def forget_older(self) -> None:
        """Without a rejected row, remove what an earlier import of the file left at `path`."""
        if self._file is None and self.path.is_file():
            with self.path.open(encoding=self._encoding, errors="surrogateescape") as file:
                own = file.readline().startswith("line,reason,")
            if own:
                self.path.unlink()


def _tell(line: str) -> None:
    if not sys.stderr.isatty():
        sys.stderr.write(line + "\n")
        return
    from tqdm import tqdm  # a bar may stand on the last line

    tqdm.write(line, file=sys.stderr)


def _writer(file: TextIOWrapper) -> Any:
    return csv.writer(file, lineterminator="\n")
