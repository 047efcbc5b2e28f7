"""The retention job: drop what the live sale's minutes need no more, and say what waits for the archive.

``kpi_rollup_pwc`` goes by age.  ``kpi_rollup_pw``, ``kpi_history``, the quarantines and the facts leave MongoDB
by the archive job alone, which deletes what it has read back.  ``kpi_state`` stays (`retention_bounds` tells why).
"""

import logging
import time
from dataclasses import dataclass
from datetime import datetime, timedelta

from flashsale.minutes import floor_minute, utc_now
from flashsale.redis_keys import SaleKeys
from flashsale.schema import KPI_HISTORY, ROLLUP_PW, ROLLUP_PWC
from flashsale.settings import Settings
from flashsale.stores.health import write_health
from flashsale.stores.mongo import mongo_client, mongo_errors
from flashsale.stores.provision import check_sale
from flashsale.stores.redis_client import redis_client, redis_errors
from flashsale.stores.sales import active_sale, find_sale
from spark_jobs import retention_documents
from spark_jobs.health import failure_shown
from spark_jobs.retention_documents import Outcome, drop_aged
from spark_jobs.retention_needs import needed_from

_LOG = logging.getLogger(__name__)
PERIOD_SECONDS = 600
# A backfill goes through its range in pieces and reads the fine rollups of the piece before.
RECENTLY_COMPUTED = timedelta(minutes=15)


@dataclass(frozen=True, slots=True)
class RetentionReport:
    """What a run did; `waiting`: collection -> documents that nothing needs and the archive has yet to take."""

    aged: Outcome
    waiting: dict[str, int]
    seconds: float

    def line(self) -> str:
        unfinished = self.aged.dropped >= retention_documents.MOST_PER_RUN
        more = f", {self.aged.kept:,} are left for the next run" if unfinished else ""
        waiting = ", ".join(f"{count:,} {name}" for name, count in self.waiting.items())
        return (
            f"dropped {self.aged.dropped:,} {self.aged.collection}{more}; "
            f"{waiting} wait for the archive; {self.seconds:.1f} s"
        )


def run(settings: Settings, sale_id: str | None = None, now: datetime | None = None) -> RetentionReport:
    """Drop what has aged of a sale (default: the live one); `now` defaults to the clock.

    Raises FlashsaleError when a service says no; whatever was dropped by then was free to go.
    """
    started = time.monotonic()
    with (
        failure_shown(settings, "retention", PERIOD_SECONDS),
        redis_errors("retention"),
        mongo_errors("retention"),
        mongo_client(settings, "jobs") as mongo,
    ):
        sale = find_sale(mongo, sale_id) if sale_id else active_sale(mongo)
        check_sale(mongo, sale)
        database = mongo[sale.database]
        now = now or utc_now()
        needed = needed_from(database, floor_minute(sale.sale_start), floor_minute(now), settings)
        report = RetentionReport(
            drop_aged(database[ROLLUP_PWC], needed.city_rollups, now - RECENTLY_COMPUTED),
            {
                name: database[name].count_documents({"_id": {"$lt": edge}})
                for name, edge in ((ROLLUP_PW, needed.rollups), (KPI_HISTORY, needed.history))
            },
            time.monotonic() - started,
        )
        with redis_client(settings, "publisher") as redis:
            write_health(redis, SaleKeys(sale.sale_id).health("retention"), "ok", report.line(), PERIOD_SECONDS)
        _LOG.info(report.line())
        return report
