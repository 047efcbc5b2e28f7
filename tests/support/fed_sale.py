"""A sale of random facts that come in minute by minute, as a writer would send them."""

from collections.abc import Callable
from datetime import datetime

from flashsale.minutes import MINUTE
from flashsale.sale_run import SaleRun
from flashsale.schema import KPI_HISTORY
from flashsale.settings import Settings
from spark_jobs import minute_kpis
from tests.support.random_sale import Facts, arrived_before
from tests.support.shop import Pipeline, Shop, at

START = "09:00"
SETTLING = 3
"""So many minutes after the last one with orders comes the last run, which makes all of those final."""
_SHOP = Shop(products=4, capacities=(20, 30, 1000))

Open = Callable[..., SaleRun]


class FedSale:
    """A sale whose facts come in minute by minute."""

    def __init__(self, settings: Settings, open_test_sale: Open, facts: Facts) -> None:
        self.pipeline = Pipeline(settings, open_test_sale(settings, sale_start=at(START), sale_end=at("12:00")), _SHOP)
        self._settings, self._facts = settings, facts
        self._known: Facts = ([], [])
        self.end = at(START)

    def next_minute(self) -> datetime:
        """Its facts are there and acknowledged; returns its end."""
        self.end += MINUTE
        clock = f"{self.end:%H:%M}"
        orders, inventory = arrived_before(self._facts, clock)
        known_orders, known_inventory = self._known
        self.pipeline.add(
            [o for o in orders if o not in known_orders], [e for e in inventory if e not in known_inventory]
        )
        self._known = orders, inventory
        self.pipeline.acked_through(clock)
        return self.end

    def run(self, end: datetime) -> None:
        minute_kpis.run(self._settings, end, self.pipeline.sale.sale_id)

    def run_next(self) -> None:
        self.run(self.next_minute())

    def run_last(self) -> None:
        self.end += (SETTLING - 1) * MINUTE
        self.run_next()

    def settled(self) -> dict[str, str]:
        """Clock -> digest of each final minute."""
        cursor = self.pipeline.database[KPI_HISTORY].find({"settled": True})
        return {f"{document['_id']:%H:%M}": document["digest"] for document in cursor}
