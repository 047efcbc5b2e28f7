"""Bound what Airflow itself leaves behind: the log files of its tasks and DAG files, and the rows of old runs."""

import logging
import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from flashsale.errors import FlashsaleError
from flashsale.minutes import iso, utc_now
from flashsale.settings import Settings

_LOG = logging.getLogger(__name__)
MB = 1_000_000
IN_USE = timedelta(hours=1)
"""A log written to lately is never dropped, however large the folder has become."""
METADATA_PERIOD = timedelta(hours=6)
"""Each clean-up of the rows starts Airflow's own command, some seconds of a core."""
STAMP = ".metadata_cleaned"
# Airflow's other tables are small, or hold what is no run's: paused DAGs, users.
TABLES = ("dag_run", "job", "log", "callback")
_BATCH_ROWS = 5_000
_COMMAND_SECONDS = 100


@dataclass(frozen=True, slots=True)
class LogReport:
    """Log files dropped and kept, sizes in bytes."""

    dropped: int
    dropped_bytes: int
    kept: int
    kept_bytes: int

    def line(self) -> str:
        return (
            f"dropped {self.dropped:,} logs ({self.dropped_bytes / MB:.1f} MB), "
            f"kept {self.kept:,} ({self.kept_bytes / MB:.1f} MB)"
        )


def run(settings: Settings, log_folder: Path, now: datetime | None = None) -> str:
    """Clean Airflow's logs below `log_folder` and, every few hours, its metadata; returns what was done.

    Raises FlashsaleError when the folder is missing or Airflow's command fails.
    """
    now = now or utc_now()
    keep = timedelta(days=settings.airflow_keep_days)
    logs = clean_logs(log_folder, now, keep, settings.airflow_logs_mb * MB)
    line = f"{logs.line()}; {_clean_metadata_when_due(settings, log_folder / STAMP, now, keep)}"
    _LOG.info(line)
    return line


def clean_logs(folder: Path, now: datetime, keep: timedelta, most_bytes: int) -> LogReport:
    """Drop ``*.log`` files last written before `now` - `keep`, then the oldest ones beyond `most_bytes` in total.

    Links are not followed.  Raises FlashsaleError when there is no such folder.
    """
    if not folder.is_dir():
        raise FlashsaleError(f"Airflow's log folder {folder} is no folder; see [logging] base_log_folder")
    files = sorted(_log_files(folder))
    total = kept_bytes = sum(size for _, size, _ in files)
    aged, in_use = (now - keep).timestamp(), (now - IN_USE).timestamp()
    dropped = 0
    for written, size, path in files:
        if written >= in_use or (written >= aged and kept_bytes <= most_bytes):
            break
        Path(path).unlink(missing_ok=True)
        dropped += 1
        kept_bytes -= size
    _remove_empty_folders(folder, in_use)
    return LogReport(dropped, total - kept_bytes, len(files) - dropped, kept_bytes)


def _log_files(folder: Path) -> Iterator[tuple[float, int, str]]:
    """(last written, bytes, path) of each log file; one that goes away meanwhile is left out."""
    for parent, _, names in os.walk(folder):
        for name in names:
            path = Path(parent) / name
            if path.suffix != ".log" or path.is_symlink():
                continue
            try:
                status = path.stat()
            except FileNotFoundError:
                continue
            yield status.st_mtime, status.st_size, str(path)


def _remove_empty_folders(folder: Path, unchanged_since: float) -> None:
    """Remove empty folders below those of the DAGs; a fresh one is about to get its log."""
    for parent, _, _ in os.walk(folder, topdown=False):
        path = Path(parent)
        if len(path.relative_to(folder).parts) < 2:
            continue
        try:
            if path.stat().st_mtime < unchanged_since:
                path.rmdir()
        except OSError:
            continue  # not empty, or gone


def _clean_metadata_when_due(settings: Settings, stamp: Path, now: datetime, keep: timedelta) -> str:
    if not settings.airflow_database:
        return "kept Airflow's rows: FLASHSALE_AIRFLOW_DATABASE is not set"
    if not stamp.exists():
        stamp.touch()  # a stack that just started has better to do
    due = datetime.fromtimestamp(stamp.stat().st_mtime, now.tzinfo) + METADATA_PERIOD
    if now < due:
        return f"Airflow's rows are next cleaned at {iso(due)}"
    started = time.monotonic()
    rows = clean_metadata(settings.airflow_database, now - keep)
    os.utime(stamp, (now.timestamp(), now.timestamp()))
    return f"dropped {rows:,} of Airflow's rows in {time.monotonic() - started:.1f} s"


def clean_metadata(address: str, before: datetime) -> int:
    """Drop rows of runs, jobs and events before `before` from Airflow's database at `address` (SQLAlchemy URL).

    By Airflow's own command: it knows which rows hang together, and keeps the last run of each
    DAG.  Returns the number of rows found in the cleaned tables.  Raises FlashsaleError.
    """
    environment = _environment(os.environ, address)
    options = ("--skip-archive", "--error-on-cleanup-failure", "--batch-size", str(_BATCH_ROWS), "--yes")
    output = _airflow(
        environment, "db", "clean", "--clean-before-timestamp", iso(before), "--tables", ",".join(TABLES), *options
    )
    # The command moves rows through tables of its own: one that was killed leaves such a table.
    _airflow(environment, "db", "drop-archived", "--yes")
    return sum(int(count) for count in re.findall(r"Found (\d+) rows", output))


def _environment(variables: Mapping[str, str], address: str) -> dict[str, str]:
    """A task's environment with the address of the database, which Airflow withholds from tasks."""
    withheld = ("AIRFLOW__CORE__SQL_ALCHEMY_CONN", "_AIRFLOW_PROCESS_CONTEXT")
    kept = {name: value for name, value in variables.items() if name not in withheld}
    return {**kept, "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": address}


def _airflow(environment: Mapping[str, str], *arguments: str) -> str:
    """Output of one of Airflow's commands."""
    told = f"airflow {' '.join(arguments[:2])}"
    try:
        # The same interpreter, and arguments of our own.
        done = subprocess.run(  # noqa: S603
            [sys.executable, "-m", "airflow", *arguments],
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=_COMMAND_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise FlashsaleError(f"{told} took more than {_COMMAND_SECONDS} s; is its PostgreSQL well?") from error
    if done.returncode != 0:
        raise FlashsaleError(f"{told} failed with exit code {done.returncode}: {_why(done.stderr or done.stdout)}")
    return done.stdout


def _why(output: str) -> str:
    """The last line that names an exception, else the last one."""
    lines = [line.strip() for line in output.splitlines() if line.strip()] or ["no reason given"]
    named = [line for line in lines if re.match(r"[\w.]+(Error|Exception): ", line)]
    return (named or lines)[-1][:200]
