"""Write the truth of a sale into a folder: three tables, and a manifest that appears last."""

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from datetime import timedelta
from importlib.metadata import version
from pathlib import Path
from typing import Any

from flashsale import CONTRACT_VERSION
from flashsale.minutes import iso
from generator.facts import TICK_MS
from generator.running.parquet_folder import UNFINISHED, file_errors, put_in_place
from generator.shard_state import TickFacts
from generator.truth.actual_intensity import intensity_minutes
from generator.truth.again import Replay
from generator.truth.ledger_check import Agreement
from generator.truth.log import TruthLog
from generator.truth.tables import TABLES, TableFile, intensity_columns, latent_columns, stockout_columns

MANIFEST = "manifest.json"


def export(
    replay: Replay, count: int, folder: Path, ticks: Iterable[list[TickFacts]], agreed: Callable[[], Agreement | None]
) -> tuple[TruthLog, Agreement | None]:
    """Write the truth of the first `count` ticks, which `ticks` gives one by one.

    `agreed` is asked when all were taken, and may raise: then nothing in the folder has
    changed.  Returns what was seen, and its answer.  A folder without a manifest is one
    that an interrupted export left.  Raises FlashsaleError when it cannot be written.
    """
    log = TruthLog(replay.worlds)
    with file_errors(folder):
        folder.mkdir(parents=True, exist_ok=True)
        with _unfinished(folder) as files:
            for tick in ticks:
                if (minute := log.add(tick)) is not None:
                    files["latent_demand"].add(latent_columns(minute))
            if (minute := log.finish()) is not None:
                files["latent_demand"].add(latent_columns(minute))
            files["stockouts"].add(stockout_columns(log.stockouts()))
            minutes = -(-count * TICK_MS // 60_000)
            files["intensity"].add(intensity_columns(replay, intensity_minutes(replay, minutes)))
            for file in files.values():
                file.close()
            agreement = agreed()
            manifest = _manifest(replay, count, log, files, agreement)
            (folder / MANIFEST).unlink(missing_ok=True)
            for name, file in files.items():
                put_in_place(file.path, folder / f"{name}.parquet")
        unfinished = folder / (MANIFEST + UNFINISHED)
        unfinished.write_text(json.dumps(manifest, indent=1) + "\n", encoding="utf-8")
        put_in_place(unfinished, folder / MANIFEST)
    return log, agreement


@contextmanager
def _unfinished(folder: Path) -> Iterator[dict[str, TableFile]]:
    """A file for each table under a temporary name, which is gone afterwards."""
    paths = {name: folder / f"{name}.parquet{UNFINISHED}" for name in TABLES}
    try:
        yield {name: TableFile(path, TABLES[name]) for name, path in paths.items()}
    finally:
        for path in paths.values():
            path.unlink(missing_ok=True)


def _manifest(
    replay: Replay, count: int, log: TruthLog, files: dict[str, TableFile], agreement: Agreement | None
) -> dict[str, Any]:
    """What the files are, and of what; `ledger` is None when no MongoDB was asked."""
    sale = replay.sale
    return {
        "sale_id": sale.sale_id,
        "scenario": sale.scenario,
        "scenario_sha256": hashlib.sha256(sale.scenario_toml.encode()).hexdigest(),
        "seed": sale.seed,
        "sale_start": iso(sale.sale_start),
        "sale_end": iso(sale.sale_end),
        "through_tick": count - 1,
        "through": iso(sale.sale_start + count * timedelta(milliseconds=TICK_MS)),
        "complete": count == sale.seconds,
        "code_version": version("flashsale-war-room"),
        "contract_version": CONTRACT_VERSION,
        "ledger": None
        if agreement is None
        else {"minutes_compared": agreement.compared, "minutes_different": len(agreement.differing)},
        "totals": asdict(log.totals),
        "files": {
            f"{name}.parquet": {"rows": file.rows, "sha256": hashlib.sha256(file.path.read_bytes()).hexdigest()}
            for name, file in files.items()
        },
    }
