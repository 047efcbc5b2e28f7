"""HDFS for readers that fetch parts of files: what DuckDB and pyarrow need of a Parquet file, and no more.

An fsspec file system over our own client: no Hadoop library on this machine, and no extension that DuckDB
would have to load from the network.
"""

from datetime import UTC, datetime
from typing import Any

from fsspec import AbstractFileSystem
from fsspec.spec import AbstractBufferedFile

from flashsale.stores.hdfs import HdfsStore

SCHEME = "webhdfs"
_READ_AHEAD = 1 << 20
"""Bytes fetched at once at least: a column of a row group, not the whole file."""


class RangedFiles(AbstractFileSystem):  # type: ignore[misc]  # fsspec has no types
    """Files of HDFS by absolute path, with or without ``webhdfs://`` before it; they are read, never written."""

    protocol = SCHEME
    cachable = False

    def __init__(self, hdfs: HdfsStore) -> None:
        super().__init__()
        self.hdfs = hdfs

    @classmethod
    def _strip_protocol(cls, path: str) -> str:
        return path.removeprefix(f"{SCHEME}://")

    def info(self, path: str, **_: Any) -> dict[str, Any]:
        """{name, size, type} of a file; raises FileNotFoundError."""
        name = self._strip_protocol(path)
        return {"name": name, "size": self.hdfs.size(name), "type": "file"}

    def ls(self, path: str, detail: bool = True, **_: Any) -> list[Any]:
        """The files below `path`."""
        sizes = self.hdfs.walk_sizes(self._strip_protocol(path))
        return [{"name": name, "size": size, "type": "file"} if detail else name for name, size in sizes.items()]

    def modified(self, *_: Any) -> datetime:
        """A published file never changes: one moment for all."""
        return datetime.fromtimestamp(0, UTC)

    def _open(self, path: str, mode: str = "rb", **_: Any) -> "_RangedFile":
        return _RangedFile(self, path, mode, block_size=_READ_AHEAD)


class _RangedFile(AbstractBufferedFile):  # type: ignore[misc]
    def _fetch_range(self, start: int, end: int) -> bytes:
        content: bytes = self.fs.hdfs.read_range(self.path, start, end - start)
        return content


def address(path: str) -> str:
    """The absolute `path` as DuckDB asks `RangedFiles` for it."""
    return f"{SCHEME}://{path}"
