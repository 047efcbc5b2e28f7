"""A file whose age tells a health check, without a login, that the generator is at work.

It is touched with every acknowledged write, with every move of the watermark before and after
the sale, and while a full disk keeps the generator from writing: a restart would not help then.
"""

import logging
from pathlib import Path

_LOG = logging.getLogger("generator")


class Heartbeat:
    """Touches `file`; without one it does nothing."""

    def __init__(self, file: Path | None) -> None:
        self._file = file

    def beat(self) -> None:
        """Set the file's time to now.  A file that cannot be written is told once, and harms nothing."""
        if self._file is None:
            return
        try:
            self._file.touch()
        except OSError as error:
            _LOG.warning("heartbeat file %s cannot be written (%s); going on without", self._file, error.strerror)
            self._file = None
