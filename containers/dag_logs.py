"""The last error a DAG's tasks logged, from Airflow's log folder.

A try's log is ``dag_id=<d>/run_id=<r>/task_id=<t>/attempt=<n>.log``, a JSON object per line.
"""

import json
import os
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from flashsale.minutes import parse_iso

RUNS_READ = 10
TAIL_BYTES = 256 * 1024


@dataclass(frozen=True, slots=True)
class DagError:
    """`of_newest_try` says whether nothing was tried since."""

    line: str
    at: datetime
    of_newest_try: bool


def log_folder() -> Path | None:
    """Where this Airflow's tasks log; None outside an Airflow."""
    folder = os.environ.get("AIRFLOW__LOGGING__BASE_LOG_FOLDER")
    home = os.environ.get("AIRFLOW_HOME")
    return Path(folder) if folder else Path(home) / "logs" if home else None


def last_error(folder: Path, dag_id: str) -> DagError | None:
    """The newest error in the tries of the DAG's last runs; None when they logged none."""
    for index, path in enumerate(_newest_tries(folder / f"dag_id={dag_id}")):
        entry = _error_entry(path)
        if entry is not None:
            return DagError(_line(entry), _time(entry, path), of_newest_try=index == 0)
    return None


def _newest_tries(folder: Path) -> list[Path]:
    runs = _by_age(folder.glob("run_id=*"))[:RUNS_READ]
    return _by_age(path for run in runs for path in run.glob("task_id=*/attempt=*.log"))


def _by_age(paths: Any) -> list[Path]:
    """Newest first; one that a clean-up takes away meanwhile is left out."""
    aged = []
    for path in paths:
        try:
            aged.append((path.stat().st_mtime, path))
        except OSError:
            continue
    return [path for _, path in sorted(aged, reverse=True)]


def _error_entry(path: Path) -> dict[str, Any] | None:
    """The last error line, one of ours before one of Airflow's."""
    errors = [entry for entry in _entries(path) if entry.get("level") in ("error", "critical")]
    ours = [entry for entry in errors if entry.get("logger") == "flashsale"]
    return ours[-1] if ours else errors[-1] if errors else None


def _entries(path: Path) -> list[dict[str, Any]]:
    try:
        with path.open("rb") as file:
            file.seek(max(0, path.stat().st_size - TAIL_BYTES))
            lines = file.read().decode(errors="replace").splitlines()
    except OSError:
        return []
    entries = []
    for line in lines:
        try:
            entry = json.loads(line)
        except ValueError:
            continue  # the cut first line, or one being written
        if isinstance(entry, dict):
            entries.append(entry)
    return entries


def _line(entry: dict[str, Any]) -> str:
    details = entry.get("error_detail")
    text = str(entry.get("event") or "")
    if isinstance(details, list) and details and isinstance(details[-1], dict):
        text = f"{text}: {details[-1].get('exc_type')}: {details[-1].get('exc_value')}"
    return " ".join(text.split())[:300]


def _time(entry: dict[str, Any], path: Path) -> datetime:
    try:
        return parse_iso(str(entry["timestamp"]))
    except (KeyError, ValueError):
        return datetime.fromtimestamp(path.stat().st_mtime, UTC)
