"""Open a file of rows as what it is, and know it again later."""

from hashlib import sha256
from pathlib import Path

from generator.importing.bad_cells import ImportFileError
from generator.importing.csv_rows import CsvSource
from generator.importing.mapping import File
from generator.importing.parquet_rows import ParquetSource
from generator.importing.row_source import RowSource

_PARQUET = b"PAR1"
_OTHERS = {b"PK\x03\x04": "an Excel workbook or a zip file", b"\x1f\x8b": "compressed with gzip"}
_BLOCK = 1 << 20


def open_rows(path: Path, rules: File) -> RowSource:
    """`path` as Parquet where its first bytes say so, else as CSV; raises ImportFileError."""
    start = _first_bytes(path)
    if start == _PARQUET:
        return ParquetSource(path)
    if path.suffix.lower() in (".parquet", ".pq"):
        raise ImportFileError(f"{path}: is not a Parquet file, whatever its name says")
    for magic, what in _OTHERS.items():
        if start.startswith(magic):
            raise ImportFileError(f"{path}: is {what}; give the CSV or Parquet file itself")
    return CsvSource(path, rules)


def content_digest(path: Path) -> str:
    """SHA-256 of the file's bytes, in hexadecimal; raises ImportFileError."""
    digest = sha256()
    try:
        with path.open("rb") as file:
            while block := file.read(_BLOCK):
                digest.update(block)
    except OSError as error:
        raise _unreadable(path, error) from error
    return digest.hexdigest()


def version_of(path: Path) -> tuple[int, int]:
    """(size, time of the last change in ns): other than before when the file was written meanwhile."""
    try:
        found = path.stat()
    except OSError as error:
        raise _unreadable(path, error) from error
    return found.st_size, found.st_mtime_ns


def _first_bytes(path: Path) -> bytes:
    try:
        if not path.is_file():
            # A pipe cannot be read twice, and its content has to be known before.
            raise ImportFileError(f"{path}: {'is not a file' if path.exists() else 'does not exist'}")
        with path.open("rb") as file:
            return file.read(4)
    except OSError as error:
        raise _unreadable(path, error) from error


def _unreadable(path: Path, error: OSError) -> ImportFileError:
    return ImportFileError(f"{path}: cannot be read ({error.strerror})")
