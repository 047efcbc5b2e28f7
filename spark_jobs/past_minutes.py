"""Past minutes from the command line: a whole rehearsal or a stretch of a sale, with a line on how far it is."""

import sys
import time
from datetime import datetime

from flashsale.minutes import MINUTE, iso
from flashsale.sale_run import SaleRun
from flashsale.settings import Settings
from flashsale.stores.mongo import mongo_client, mongo_errors
from flashsale.stores.sales import active_sale, find_sale
from spark_jobs.hot_facts import refuse_archived
from spark_jobs.kpi_arguments import Asked, refuse_outside
from spark_jobs.minute_kpis import backfill


def find_sale_of(settings: Settings, sale_id: str | None, asked: Asked) -> SaleRun:
    """The sale called `sale_id`, or the live one, after a look at whether what is asked for can be computed.

    Raises FlashsaleError when a minute lies outside the sale or its facts are archived.
    """
    with mongo_errors("flashsale-kpi"), mongo_client(settings, "jobs") as mongo:
        sale = find_sale(mongo, sale_id) if sale_id is not None else active_sale(mongo)
        refuse_outside(sale, asked)
        if asked.start is not None and asked.end is not None:
            refuse_archived(mongo[sale.database], asked.start, asked.end)
    return sale


def compute_range(settings: Settings, sale: SaleRun, start: datetime, end: datetime) -> int:
    """Compute the minutes in ``[start, end)`` again; returns their number.  Raises as `backfill`.

    On a terminal a line after each stretch says how far it is.
    """
    total, began = (end - start) // MINUTE, time.monotonic()

    def tell(done: int, until: datetime) -> None:
        each = (time.monotonic() - began) / done
        left = (total - done) * each
        sys.stderr.write(
            f"{done} of {total} minutes, up to {iso(until)}; {each:.2f} s each, {left / 60:.1f} min left\n"
        )

    return backfill(settings, start, end, sale.sale_id, tell if sys.stderr.isatty() else None)
