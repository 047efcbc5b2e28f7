"""HDFS through WebHDFS: the few operations the archive needs, with one-line errors."""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import requests
from hdfs import InsecureClient
from hdfs.util import HdfsError

from flashsale.errors import FlashsaleError, ServiceUnavailableError, one_line
from flashsale.settings import Settings

TIMEOUT_SECONDS = 30
UNFINISHED_SUFFIX = ".unfinished"
"""Of a file that is being written, beside the place it will have."""
_CHUNK = 1 << 20

_SAFE_MODE = ("SafeModeException", "RetriableException", "StandbyException")
_QUOTA = ("DSQuotaExceededException", "NSQuotaExceededException")
_NO_ROOM = ("could only be written to", "Failed to find datanode")
"""What the NameNode says of a block it can place nowhere, and of a file it does not begin."""


@contextmanager
def hdfs_errors(doing: str) -> Iterator[None]:
    """Turn client errors raised while `doing` something into one-line errors.

    ServiceUnavailableError where waiting helps: a part is down, or the NameNode takes nothing yet.
    """
    try:
        yield
    except requests.exceptions.RequestException as error:
        address = urlsplit(getattr(error.request, "url", "") or "").netloc
        raise ServiceUnavailableError(
            f"{doing}: HDFS does not answer at {address} ({type(error).__name__}); is that NameNode or DataNode up?"
        ) from error
    except HdfsError as error:
        # What follows the first line is Java's stack.
        said, kind = one_line(Exception(str(error).split("\n", 1)[0])), getattr(error, "exception", None)
        if kind in _SAFE_MODE:
            raise ServiceUnavailableError(
                f"{doing}: HDFS is in safe mode and takes nothing; it leaves by itself when its DataNodes have "
                "reported, or by hdfs dfsadmin -safemode leave"
            ) from error
        if kind in _QUOTA:
            raise FlashsaleError(
                f"{doing}: {said[:200]}; raise it (hdfs dfsadmin -setQuota, -setSpaceQuota)"
            ) from error
        if any(words in str(error) for words in _NO_ROOM):
            raise FlashsaleError(
                f"{doing}: no DataNode takes it, for none has room or none is up ({said[:160]}); free space or add one"
            ) from error
        raise FlashsaleError(f"{doing}: HDFS refused ({said[:200]})") from error


class HdfsStore:
    """A WebHDFS client for one user; paths are absolute."""

    def __init__(self, settings: Settings) -> None:
        session = requests.Session()
        # A proxy of the environment must not see, or break, traffic between our own services.
        session.trust_env = False
        self._client = InsecureClient(
            settings.hdfs_http, user=settings.hdfs_user, timeout=TIMEOUT_SECONDS, session=session
        )

    def exists(self, path: str) -> bool:
        return self._client.status(path, strict=False) is not None

    def files(self, folder: str, suffix: str) -> list[str]:
        """Names in `folder` that end in `suffix`, sorted; empty when there is no such folder."""
        if not self.exists(folder):
            return []
        return sorted(name for name in self._client.list(folder) if name.endswith(suffix))

    def download(self, path: str, target: Path) -> str:
        """Copy a file to local disk; returns the SHA-256 (hex) of its bytes."""
        sha = hashlib.sha256()
        with self._client.read(path, chunk_size=_CHUNK) as chunks, target.open("wb") as out:
            for chunk in chunks:
                sha.update(chunk)
                out.write(chunk)
        return sha.hexdigest()

    def upload(self, source: Path, path: str) -> None:
        """Write a local file to `path`, replacing what an earlier attempt left there."""
        with source.open("rb") as file:
            self._client.write(path, file, overwrite=True)

    def read_text(self, path: str) -> str:
        with self._client.read(path, encoding="utf-8") as reader:
            text: str = reader.read()
        return text

    def write_text(self, path: str, text: str) -> None:
        """Write a whole file; it appears under `path` only when complete."""
        unfinished = path + UNFINISHED_SUFFIX
        self._client.write(unfinished, text.encode(), overwrite=True)
        self.rename(unfinished, path, overwrite=True)

    def rename(self, source: str, target: str, *, overwrite: bool = False) -> None:
        """Rename a file, creating the target's folder.

        Raises HdfsError when the target exists, unless `overwrite`.  The plain rename would
        move into an existing folder instead and say nothing; this form has typed errors.
        """
        self._client.makedirs(target.rsplit("/", 1)[0])
        options = "OVERWRITE" if overwrite else "NONE"
        rename: Any = self._client._rename
        rename(source, destination=target, renameoptions=options)

    def delete(self, path: str) -> None:
        """Delete a file or a folder with all in it; nothing happens when there is none."""
        self._client.delete(path, recursive=True)

    def walk_files(self, folder: str) -> list[str]:
        """Absolute paths of all files below `folder`, sorted."""
        if not self.exists(folder):
            return []
        return sorted(f"{path}/{name}" for path, _, names in self._client.walk(folder) for name in names)

    def walk_sizes(self, folder: str) -> dict[str, int]:
        """Absolute path -> bytes of all files below `folder`, sorted by path; empty when there is no such folder."""
        if not self.exists(folder):
            return {}
        walk = self._client.walk(folder, status=True)
        sizes = {f"{path}/{name}": status["length"] for (path, _), _, names in walk for name, status in names}
        return dict(sorted(sizes.items()))

    def read_range(self, path: str, offset: int, length: int) -> bytes:
        """`length` bytes of a file from `offset` on; fewer where it ends."""
        with self._client.read(path, offset=offset, length=length) as reader:
            content: bytes = reader.read()
        return content

    def size(self, path: str) -> int:
        """Bytes of a file; raises FileNotFoundError when there is none."""
        status = self._client.status(path, strict=False)
        if status is None or status["type"] != "FILE":
            raise FileNotFoundError(f"HDFS holds no file {path}")
        return int(status["length"])
