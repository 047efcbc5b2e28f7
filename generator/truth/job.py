"""What `truth export` and `truth summary` do: find the sale, simulate it again, write or show what it was."""

import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from tqdm import tqdm

from flashsale.errors import FlashsaleError
from flashsale.imported_sale import is_imported
from flashsale.minutes import MINUTE, floor_minute, iso, utc_now
from flashsale.sale_opening import new_sale
from flashsale.sale_run import SaleRun
from flashsale.scenario import load_scenario, parse_scenario
from flashsale.settings import Settings, load_settings
from flashsale.stores.mongo import mongo_client, mongo_errors
from flashsale.stores.sales import active_sale, find_sale, require_contract
from generator.facts import TICK_MS
from generator.shard_state import TickFacts
from generator.truth.again import Replay
from generator.truth.ledger_check import Agreement, SentCounter, StoredLedger, compare, read_stored_ledger
from generator.truth.log import TruthLog

_USER = "generator"


@dataclass(frozen=True, slots=True)
class Request:
    """Which sale: by its id (None: the live one), or of a scenario file that starts at `start`, without MongoDB."""

    sale_id: str | None
    scenario: Path | None
    start: datetime | None
    until: datetime | None


def run_export(request: Request, to: Path | None, *, force: bool) -> int:
    """Write the files; with MongoDB only if it holds this very sale, or with `force`."""
    from generator.truth.export import export

    if request.scenario is not None and (request.start is None or to is None):
        raise FlashsaleError("--scenario needs --start T and --to DIR: no MongoDB tells when the sale was")
    settings = load_settings()
    replay, stored = _found(settings, request)
    count = _ticks(replay.sale, request)
    folder = to or settings.home / "runs" / replay.sale.sale_id / "truth"
    counter = SentCounter(replay)

    def agreed() -> Agreement | None:
        if stored is None:
            return None
        agreement = compare(counter, stored, replay.sale, count)
        if agreement.differing and not force:
            raise FlashsaleError(_disagreement(replay.sale, agreement))
        return agreement

    ticks = _watched(replay, count)
    log, agreement = export(replay, count, folder, ticks if stored is None else counter.counting(ticks), agreed)
    sys.stdout.write(
        f"truth of {replay.sale.sale_id}: {log.totals.orders:,} orders, {log.totals.lost_units:,} units lost; "
        f"{folder}; {_verdict(agreement)}\n"
    )
    return 0


def run_summary(request: Request, *, top: int, as_json: bool) -> int:
    """Show the totals."""
    from generator.truth.summary import figures, lines

    settings = load_settings()
    replay, _ = _found(settings, request)
    count = _ticks(replay.sale, request)
    log = TruthLog(replay.worlds)
    for tick in _watched(replay, count):
        log.add(tick)
    log.finish()
    if as_json:
        text = json.dumps(figures(replay, count, log, settings.currency, top))
    else:
        text = "\n".join(lines(replay, count, log, settings.currency, top))
    sys.stdout.write(f"{text}\n")
    return 0


def _found(settings: Settings, request: Request) -> tuple[Replay, StoredLedger | None]:
    """The sale that is asked for, and what MongoDB's ledger says of it (None without MongoDB)."""
    if request.scenario is not None:
        scenario = load_scenario(request.scenario)
        ends_now = floor_minute(utc_now()) - scenario.duration_minutes * MINUTE
        return Replay.of(new_sale(scenario, request.start or ends_now), scenario), None
    if request.start is not None:
        raise FlashsaleError("--start goes with --scenario FILE; a sale in MongoDB has its own")
    with mongo_errors("read the sale"), mongo_client(settings, _USER) as client:
        sale = find_sale(client, request.sale_id) if request.sale_id else active_sale(client)
        if is_imported(sale):
            raise FlashsaleError(f"sale {sale.sale_id} was imported: nobody knows what its customers did not get")
        require_contract(sale)
        stored = read_stored_ledger(client[sale.database])
    return Replay.of(sale, parse_scenario(sale.scenario_toml, f"of sale {sale.sale_id}")), stored


def _ticks(sale: SaleRun, request: Request) -> int:
    """How many ticks to simulate, at least one: of a sale in MongoDB what has happened by now."""
    latest = sale.sale_end if request.scenario is not None else utc_now()
    end = min(request.until or latest, sale.sale_end)
    count = (end - sale.sale_start) // timedelta(milliseconds=TICK_MS)
    if count < 1:
        raise FlashsaleError(
            f"sale {sale.sale_id} runs from {iso(sale.sale_start)} to {iso(sale.sale_end)}: "
            f"nothing of it has happened by {iso(end)}"
        )
    return count


def _watched(replay: Replay, count: int) -> Iterator[list[TickFacts]]:
    """The ticks, with a bar for somebody at a terminal."""
    yield from tqdm(replay.ticks(count), total=count, unit=" ticks", file=sys.stderr, disable=None, leave=False)


def _disagreement(sale: SaleRun, agreement: Agreement) -> str:
    minute, here, there = agreement.differing[0]
    return (
        f"sale {sale.sale_id}: MongoDB holds another sale than this version simulates; {len(agreement.differing)} of "
        f"{agreement.compared} minutes differ, first {iso(minute)} ({there:,} facts stored, {here:,} simulated); "
        "export with the version that wrote it, or with --force"
    )


def _verdict(agreement: Agreement | None) -> str:
    if agreement is None:
        return "not compared with any MongoDB"
    if agreement.differing:
        return f"{len(agreement.differing)} of {agreement.compared} minutes differ from what MongoDB was sent"
    if agreement.compared:
        return f"all {agreement.compared} whole minutes agree with what MongoDB was sent"
    return "MongoDB holds no whole minute to compare with"
