"""A folder of Parquet files that belongs to one run, and says to which."""

import hashlib
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

from flashsale import CONTRACT_VERSION
from flashsale.errors import FlashsaleError
from flashsale.minutes import iso, parse_iso
from flashsale.sale_run import SaleRun
from flashsale.scenario import Scenario
from flashsale.schema import Table

LABEL = "run.json"
SCENARIO = "scenario.toml"
UNFINISHED = ".tmp"


class ParquetFolder:
    """``<table>/date=YYYY-MM-DD/hour=HH/shard-SS.parquet`` by arrival time, UTC; `LABEL`, and the scenario."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def start_of(self, scenario: Scenario) -> datetime | None:
        """Start of the sale whose files lie here, if it is one of this scenario."""
        label = self._label()
        if label is None or label.get("scenario_sha256") != _sha256(scenario.text):
            return None
        return parse_iso(str(label["sale_start"]))

    def claim(self, sale: SaleRun) -> None:
        """Say that the folder holds this sale's files, and clear away what an interrupted run left half written.

        Raises FlashsaleError when it holds anything else, or cannot be written.
        """
        wanted = _identity(sale)
        with file_errors(self.path):
            found = self._label()
            if found is not None and {name: found.get(name) for name in wanted} != wanted:
                raise FlashsaleError(
                    f"{self.path}: holds the files of another run (scenario {found.get('scenario')}, "
                    f"seed {found.get('seed')}, start {found.get('sale_start')}); choose another folder"
                )
            self.path.mkdir(parents=True, exist_ok=True)
            if found is None and any(self.path.iterdir()):
                raise FlashsaleError(f"{self.path}: is not empty, and no run of this command filled it")
            for rest in self.path.rglob(f"*{UNFINISHED}"):
                rest.unlink()
            (self.path / SCENARIO).write_text(sale.scenario_toml, encoding="utf-8")
            self._write_label({**wanted, "complete": False})

    def complete(self) -> None:
        """Say that all files are there."""
        with file_errors(self.path):
            self._write_label({**(self._label() or {}), "complete": True})

    def file(self, table: Table, hour: datetime, shard: int) -> Path:
        """Where the facts of a shard lie that arrived in `hour`."""
        return self.path / table.name / f"date={hour:%Y-%m-%d}" / f"hour={hour:%H}" / f"shard-{shard:02d}.parquet"

    def _label(self) -> dict[str, Any] | None:
        try:
            label: dict[str, Any] = json.loads((self.path / LABEL).read_text(encoding="utf-8"))
        except (FileNotFoundError, NotADirectoryError):
            return None
        except ValueError as error:
            raise FlashsaleError(f"{self.path / LABEL}: is not JSON; choose another folder") from error
        return label

    def _write_label(self, label: dict[str, Any]) -> None:
        unfinished = self.path / (LABEL + UNFINISHED)
        unfinished.write_text(json.dumps(label, indent=1) + "\n", encoding="utf-8")
        put_in_place(unfinished, self.path / LABEL)


def put_in_place(unfinished: Path, final: Path) -> None:
    """Rename a file that is whole: who sees the final name sees all of it, also after a power cut."""
    with unfinished.open("rb") as file:
        os.fsync(file.fileno())
    unfinished.replace(final)


@contextmanager
def file_errors(path: Path) -> Iterator[None]:
    """Turn the system's errors into one line that names the path."""
    try:
        yield
    except OSError as error:
        raise FlashsaleError(f"{path}: cannot be written ({error.strerror or error})") from error


def _identity(sale: SaleRun) -> dict[str, Any]:
    return {
        "scenario": sale.scenario,
        "scenario_sha256": _sha256(sale.scenario_toml),
        "seed": sale.seed,
        "sale_start": iso(sale.sale_start),
        "sale_end": iso(sale.sale_end),
        "contract_version": CONTRACT_VERSION,
    }


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
