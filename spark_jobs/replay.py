"""`flashsale-kpi replay`: archived minutes computed again from Parquet, and compared with what was published.

The same rollups, passes and digests as ever, over facts read from HDFS.  State and rollups stay in memory:
the live store is only read.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from flashsale.errors import FlashsaleError
from flashsale.minutes import MINUTE, floor_minute, iso, minutes_between
from flashsale.schema import ARCHIVE_BATCHES, FACTS
from flashsale.settings import Settings
from flashsale.stores.ingest import read_watermark
from flashsale.stores.provision import check_sale
from spark_jobs.archive_tools.archived_minutes import SettledMinute, closing_stock, settled_history
from spark_jobs.archive_tools.opened import Archive, opened
from spark_jobs.archived_facts import ArchivedFacts
from spark_jobs.kpi_arguments import Asked, refuse_outside
from spark_jobs.minute_engine import MinuteEngine
from spark_jobs.minute_store import MinuteStore
from spark_jobs.replayed_minutes import ReplayedMinutes, minute_before_window, state_before
from spark_jobs.session import spark_session


class Verdict(StrEnum):
    """What a minute's digest says; a minute that was never settled has none to compare with."""

    OK = "ok"
    DIFFERS = "differs"
    NOT_SETTLED = "not settled"


@dataclass(frozen=True, slots=True)
class Replayed:
    """The minute that ends at `end`; `why` tells a difference apart as far as the headline shows it."""

    end: datetime
    verdict: Verdict
    why: str = ""

    def line(self) -> str:
        return f"{iso(self.end)}  {self.verdict}{'  ' + self.why if self.why else ''}"


def replay(settings: Settings, sale_id: str | None, start: datetime, end: datetime) -> Iterator[Replayed]:
    """Compute the minutes of ``[start, end)`` again from the archive, oldest first; each as it is done.

    Facts still in MongoDB count too, each id once.  Raises FlashsaleError when the state or the stock before
    `start` stands nowhere, or when facts moved while they were read.
    """
    with opened(settings, sale_id, "replay") as archive:
        refuse_outside(archive.sale, Asked(start=start, end=end))
        check_sale(archive.client, archive.sale)
        watermark = read_watermark(archive.database)
        if watermark is None or end > watermark:
            known = iso(watermark) if watermark else "nowhere"
            raise FlashsaleError(f"replay: facts are complete up to {known}, asked for {iso(end)}")
        store = _store(archive, start)
        with spark_session(settings, "replay") as spark:
            engine = MinuteEngine(
                spark,
                archive.database,
                archive.sale,
                settings,
                watermark,
                store=store,
                facts=lambda hot: ArchivedFacts(spark, archive, hot),
            )
            while start < end:
                # In stretches as long as a run rebuilds at once, so that memory does not grow with the range.
                until = min(end, start + settings.rebuild_limit_minutes * MINUTE)
                yield from _stretch(archive, engine, store, start, until)
                store.forget_before(until - settings.window)
                start = until


def _store(archive: Archive, start: datetime) -> ReplayedMinutes:
    first_minute = floor_minute(archive.sale.sale_start)
    state = state_before(MinuteStore(archive.database), start, first_minute)
    minute = minute_before_window(start, first_minute, archive.settings.window_minutes)
    stock = closing_stock(archive, minute) if minute else None
    if minute and stock is None:
        raise FlashsaleError(
            f"replay: the rollup of {iso(minute)}, whose closing stock the first window carries on, is neither in "
            f"MongoDB nor archived; start at {iso(first_minute)}"
        )
    return ReplayedMinutes(
        archive.database, (start, *state) if state else None, (minute, stock) if minute and stock else None
    )


def _stretch(
    archive: Archive, engine: MinuteEngine, store: ReplayedMinutes, start: datetime, until: datetime
) -> Iterator[Replayed]:
    window_from = start - archive.settings.window
    before = _batches(archive, window_from, until)
    engine.update(until, start=start, force=True)
    if _batches(archive, window_from, until) != before:
        raise FlashsaleError(
            f"replay: the archive took facts of {iso(window_from)} to {iso(until)} while they were read; run it again"
        )
    expected = settled_history(archive, start, until)
    for minute_end in minutes_between(start + MINUTE, until + MINUTE):
        headline, digest = store.computed.pop(minute_end)
        yield _compared(minute_end, expected.get(minute_end), headline, digest)


def _batches(archive: Archive, start: datetime, end: datetime) -> dict[str, str]:
    query = {"table": {"$in": [table.name for table in FACTS]}, "start": {"$lt": end}, "end": {"$gt": start}}
    return {d["_id"]: d["state"] for d in archive.database[ARCHIVE_BATCHES].find(query, {"state": 1})}


def _compared(end: datetime, settled: SettledMinute | None, headline: dict[str, Any], digest: str) -> Replayed:
    if settled is None:
        return Replayed(end, Verdict.NOT_SETTLED)
    if settled.digest == digest:
        return Replayed(end, Verdict.OK)
    other = [
        f"{name} is {value}, was {settled.headline.get(name)}"
        for name, value in sorted(headline.items())
        if settled.headline.get(name) != value
    ]
    return Replayed(end, Verdict.DIFFERS, "; ".join(other) or "the headline is the same, rows below it are not")
