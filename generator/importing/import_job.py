"""Import a file: read it, open its sale, replay it."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np

from flashsale.errors import FlashsaleError
from flashsale.log_setup import configure_logging
from flashsale.minutes import epoch_ms, from_epoch_ms, iso, utc_now
from flashsale.sale_run import SaleRun
from flashsale.settings import Settings, load_settings
from flashsale.stores.ingest import ledger_totals, read_watermark
from flashsale.stores.mongo import Client, mongo_client, mongo_errors
from flashsale.stores.sales import set_phase
from generator.importing.dimensions import dimension_documents
from generator.importing.import_checkpoint import SHARD, load_import
from generator.importing.mapping import load_mapping
from generator.importing.opening import earlier_sale, open_sale, put_dimensions, require_no_live_sale
from generator.importing.pace import AtOnce, Pace, Times, start_of_replay
from generator.importing.reading import Inputs, Read, inputs_of, read_inputs
from generator.importing.replay import COMPLETED, Outcome, Replay
from generator.importing.replay_ticks import ReplayTicks
from generator.importing.told import reading_told, tell_dry, tell_earlier, tell_read, tell_stored
from generator.running.disk import DiskGuard, free_at_mongodb
from generator.running.progress import Progress
from generator.running.sale_record import MongoSaleRecord
from generator.running.tellers import teller

INTERRUPTED = 130


def run_import(
    file: Path,
    mapping_file: Path,
    speed: float | None,
    rejects: Path,
    *,
    dry_run: bool = False,
    switch: bool = False,
    as_json: bool = False,
) -> int:
    """Exit code 0 when all good rows are stored, `INTERRUPTED` when told to stop before.

    `speed` None: at the orders' own times, as fast as possible; else so many times the original pace, as the live
    sale.  Raises FlashsaleError, among others when no row is good.
    """
    configure_logging("generator")
    mapping = load_mapping(mapping_file)
    if dry_run:
        return _dry_run(inputs_of(file, mapping, speed), rejects, as_json)
    settings = load_settings()
    with mongo_errors("import orders"), mongo_client(settings, "owner") as owner:
        inputs = inputs_of(file, mapping, speed)
        return _Import(owner, settings, inputs, rejects, as_json=as_json, switch=switch).run()


def _dry_run(inputs: Inputs, rejects: Path, as_json: bool) -> int:
    until_ms = epoch_ms(utc_now()) if inputs.speed is None else None
    with reading_told(inputs.orders, as_json) as seen:
        read = read_inputs(inputs, rejects, until_ms, seen)
    start, end = from_epoch_ms(read.table.start_ms), from_epoch_ms(read.table.end_ms)
    _, derived = dimension_documents(read.rows, read.table, inputs.mapping, start)
    tell_read(inputs.orders, read, derived, as_json)
    tell_dry(read, iso(start), iso(end), as_json)
    return 0


class _Import:
    def __init__(
        self, owner: Client, settings: Settings, inputs: Inputs, rejects: Path, *, as_json: bool, switch: bool
    ) -> None:
        self._owner, self._settings, self._inputs = owner, settings, inputs
        self._rejects, self._json, self._switch = rejects, as_json, switch
        self._live = inputs.speed is not None

    def run(self) -> int:
        earlier = earlier_sale(self._owner, self._inputs)
        if earlier is not None and self._is_complete(earlier):
            # Its facts may be archived by now: what is not in MongoDB any more must not be stored again.
            set_phase(self._owner, earlier.sale_id, "ended")
            tell_earlier(earlier, self._json)
            return 0
        if self._live and earlier is None and not self._switch:
            require_no_live_sale(self._owner, self._settings, utc_now())
        with reading_told(self._inputs.orders, self._json) as seen:
            read = read_inputs(self._inputs, self._rejects, self._until_ms(earlier), seen)
        span = self._span(read)
        if earlier is not None:
            span = earlier.sale_start, earlier.planned_end or earlier.sale_end
        dimensions, derived = dimension_documents(read.rows, read.table, self._inputs.mapping, span[0])
        tell_read(self._inputs.orders, read, derived, self._json)
        sale = open_sale(self._owner, self._settings, self._inputs, earlier, span)
        put_dimensions(self._settings, sale, dimensions, live=self._live)
        outcome = self._replay(sale, read)
        if outcome is Outcome.LEFT:
            raise FlashsaleError(f"sale {sale.sale_id} was ended before its last order: another sale is live now")
        self._tell_stored(sale, read, outcome)
        return 0 if outcome is Outcome.COMPLETE else INTERRUPTED

    def _until_ms(self, earlier: SaleRun | None) -> int | None:
        """Orders from then on have not happened yet; at any speed but max they are moved into the past."""
        if self._live:
            return None
        return epoch_ms(utc_now() if earlier is None else earlier.sale_end)

    def _span(self, read: Read) -> tuple[datetime, datetime]:
        """[start, end) of a new sale."""
        table, now = read.table, utc_now()
        if self._inputs.speed is None:
            end = from_epoch_ms(table.end_ms)
            if end > now:
                raise FlashsaleError(
                    f"the sale would end at {iso(end)}, which is in the future; set an earlier `ends_at` in [sale], "
                    "or replay it with --speed 1"
                )
            return from_epoch_ms(table.start_ms), end
        length = timedelta(milliseconds=table.end_ms - table.start_ms)
        start = start_of_replay(self._inputs.speed, now, length)
        return start, start + length

    def _pace(self, sale: SaleRun) -> Pace:
        if self._inputs.speed is None:
            return AtOnce()
        return Times(self._inputs.speed, sale.sale_start, sale.planned_end or sale.sale_end)

    def _replay(self, sale: SaleRun, read: Read) -> Outcome:
        ticks = ReplayTicks(read.table, read.events, epoch_ms(sale.sale_start))
        with (
            _stop_on_signal() as stop,
            mongo_client(self._settings, "generator") as client,
            teller(self._json) as told,
        ):
            database = client[sale.database]
            record = MongoSaleRecord(client, sale, [SHARD], stop, only_live=self._live)
            progress = Progress(sale, told, "MongoDB", writers=1, clock=self._inputs.speed == 1)
            disk = DiskGuard(lambda: free_at_mongodb(database), self._settings, "MongoDB")
            replay = Replay(
                database,
                self._settings,
                record,
                ticks,
                self._pace(sale),
                disk,
                progress,
                self._inputs.content,
                stop,
            )
            return replay.run()

    def _is_complete(self, sale: SaleRun) -> bool:
        watermark = read_watermark(self._owner[sale.database])
        return watermark is not None and watermark >= sale.sale_end + COMPLETED

    def _tell_stored(self, sale: SaleRun, read: Read, outcome: Outcome) -> None:
        database = self._owner[sale.database]
        counts = ledger_totals(database)
        tick, _ = load_import(database, sale, self._inputs.content)
        # Not counted in the store, where the oldest of a long replay may be archived by now.
        orders = counts.acked - int(np.searchsorted(read.events[1], tick, side="right"))
        tell_stored(sale, orders, counts, "imported" if outcome is Outcome.COMPLETE else "stopped", self._json)


@contextmanager
def _stop_on_signal() -> Iterator[threading.Event]:
    """An event that SIGTERM and SIGINT set; afterwards they do what they did before."""
    stop = threading.Event()
    # From a thread: the handler may interrupt this very event's own lock, and would wait for itself.
    before = {
        number: signal.signal(number, lambda *_: threading.Thread(target=stop.set).start())
        for number in (signal.SIGTERM, signal.SIGINT)
    }
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
