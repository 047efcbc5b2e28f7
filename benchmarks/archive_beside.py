"""Minutes of the KPI engine by the clock, in turns alone and beside a run of the archive at its default pace."""

import time
from dataclasses import dataclass
from datetime import datetime, timedelta
from statistics import median

from benchmarks.archive_pass import result_of, start_pass
from benchmarks.kpi_measures import say
from benchmarks.kpi_sale import PAIRS, BenchSale
from benchmarks.report import Figure
from embedded.stack import Stack
from flashsale.errors import FlashsaleError
from flashsale.minutes import MINUTE, floor_minute, utc_now
from flashsale.settings import Settings
from flashsale.snapshot import interval_end_of
from flashsale.stores.mongo import Client
from flashsale.stores.redis_client import redis_client
from flashsale.stores.snapshots import current_snapshot_id
from spark_jobs import minute_kpis

OLD_MINUTES, ROWS_A_MINUTE = 10, 200_000
STARTED_AGO = 20
"""Minutes the sale has run for: none of what is archived is younger than the policy ever lets go."""
LIVE_ORDERS, LIVE_EVENTS = 30_000, 5_000
ONE_BATCH, WRITING_SECONDS = 4_000_000, 8
AHEAD_SECONDS = 20
"""How long before a minute's end the archive starts: it is in the middle of its work when the minute comes."""


@dataclass(frozen=True, slots=True)
class Minute:
    """One live minute: seconds from its end to its snapshot, and whether that stood within the next minute."""

    seconds: float
    missed: bool


def beside(stack: Stack, settings: Settings, owner: Client, writer: Client, turns: int) -> list[Figure]:
    """`turns` minutes alone and as many beside the archive, one after the other."""
    bench = BenchSale.open("bench_beside", floor_minute(utc_now()) - STARTED_AGO * MINUTE, settings, owner, writer)
    say(f"storing {OLD_MINUTES * ROWS_A_MINUTE:,} orders of minutes that may be archived")
    for minute in range(OLD_MINUTES):
        bench.add_orders(minute, ROWS_A_MINUTE)
    bench.write(0, 0, PAIRS)
    # As an engine that has run all along would have left them: no gap is filled while minutes are timed.
    computed = (floor_minute(utc_now()) - bench.sale.sale_start) // MINUTE - 1
    bench.acked_through(computed)
    say(f"computing {computed} minutes")
    minute_kpis.backfill(
        settings,
        bench.sale.sale_start,
        bench.end_of(computed - 1),
        bench.sale.sale_id,
        lambda done, _: say(f"  {done} of {computed}"),
    )
    _minute(bench, settings)
    alone, with_archive, passes = [], [], []
    for turn in range(turns):
        # The minutes that went by while the archive ended its work are not what is measured.
        _minute(bench, settings)
        alone.append(_minute(bench, settings))
        _sleep_until(_next_boundary() - timedelta(seconds=AHEAD_SECONDS))
        pace, age = settings.archive_rows_per_second, _age_of(bench, turn, turns)
        process = start_pass(stack.config, bench.sale.sale_id, ONE_BATCH, pace, age)
        with_archive.append(_minute(bench, settings))
        if process.poll() is not None:
            raise FlashsaleError("the archive had ended before the minute: this machine needs more rows for it")
        passes.append(result_of(process))
    say("  " + ", ".join(f"{a.seconds:.2f} / {b.seconds:.2f} s" for a, b in zip(alone, with_archive, strict=True)))
    quiet, busy = median(m.seconds for m in alone), median(m.seconds for m in with_archive)
    rows, seconds = sum(p.rows for p in passes), sum(p.seconds for p in passes)
    return [
        Figure("archive_kpi_beside", busy / quiet, "", "KPI run beside the archive ÷ alone", "<=1.5"),
        Figure("archive_minutes_missed", sum(m.missed for m in with_archive), "", "minutes missed meanwhile", "<=0"),
        Figure("archive_kpi_alone_seconds", quiet, "s", "the KPI run alone, from the minute's end"),
        Figure("archive_kpi_beside_seconds", busy, "s", "the same beside the archive"),
        Figure("archive_beside_rows_per_s", rows / seconds, "rows/s", "the archive meanwhile, at its default pace"),
        Figure("archive_gave_way", sum(p.gave_way_seconds for p in passes) / turns, "s", "it waited for a minute"),
    ]


def _age_of(bench: BenchSale, turn: int, turns: int) -> int:
    """Age in minutes beyond which only this turn's share of the old minutes, and what came before it, lies."""
    share_end = bench.end_of((turn + 1) * (OLD_MINUTES // turns) - 1)
    return (floor_minute(utc_now()) - share_end) // MINUTE


def _minute(bench: BenchSale, settings: Settings) -> Minute:
    """The minute that is running, worked out by the whole job once it has ended."""
    end = _next_boundary()
    minute = (end - bench.sale.sale_start) // MINUTE - 1
    _sleep_until(end - timedelta(seconds=WRITING_SECONDS))
    bench.write(minute, LIVE_ORDERS, LIVE_EVENTS)
    bench.acked_through(minute)
    _sleep_until(end)
    minute_kpis.run(settings, end, bench.sale.sale_id)
    seconds = (utc_now() - end).total_seconds()
    with redis_client(settings, "dashboard_read") as redis:
        current = current_snapshot_id(redis, bench.sale.sale_id)
    missed = current is None or interval_end_of(current) != end or seconds >= MINUTE.total_seconds()
    return Minute(seconds, missed)


def _next_boundary() -> datetime:
    return floor_minute(utc_now() + timedelta(seconds=WRITING_SECONDS)) + MINUTE


def _sleep_until(moment: datetime) -> None:
    time.sleep(max(0.0, (moment - utc_now()).total_seconds()))
