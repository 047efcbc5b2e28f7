"""The alerts of the live sale as MongoDB has them, read only when the minute job changed them."""

from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from pymongo.database import Database

from flashsale.alerts.record import Alert
from flashsale.minutes import parse_iso
from flashsale.sale_run import SaleRun
from flashsale.schema import PRODUCTS, WAREHOUSES
from flashsale.settings import Settings
from flashsale.snapshot import Severity
from flashsale.stores.alert_book import book_mark, read_ringing
from flashsale.stores.mongo import Client, Document
from notifier.alerts import Names, alert_messages, told_of
from notifier.message import Message
from notifier.outbox import Outbox
from notifier.sight import Sight

PUBLICATION_WAIT = timedelta(seconds=20)
"""How long the rows that say what to do are waited for: a minute stores its alerts before it publishes them."""


@dataclass
class AlertFeed:
    """Gives the messages of what changed since the last look."""

    client: Client
    outbox: Outbox
    settings: Settings
    _done: tuple[str, int] | None = None
    _waiting_since: datetime | None = field(default=None)

    def messages(self, sale: SaleRun, seen: Sight) -> tuple[list[Message], tuple[str, int] | None]:
        """New messages, and a mark for `done` once they are stored."""
        database = self.client[sale.database]
        revision, taken_through = book_mark(database)
        mark = (sale.sale_id, revision)
        if mark == self._done:
            return [], None
        if self._rows_are_to_come(seen, taken_through):
            return [], None
        least: Severity = self.settings.notify_severity
        alerts = read_ringing(database, least)
        told = told_of(self.outbox.of_alerts([alert.alert_id for alert in alerts]))
        found = alert_messages(
            alerts,
            told,
            least,
            _names(database, alerts),
            seen.alert_rows,
            sale.sale_id,
            seen.now,
            ZoneInfo(self.settings.shop_time_zone),
        )
        return found, mark

    def done(self, mark: tuple[str, int] | None) -> None:
        """What `messages` gave with this mark is stored."""
        if mark is not None:
            self._done, self._waiting_since = mark, None

    def _rows_are_to_come(self, seen: Sight, taken_through: datetime | None) -> bool:
        if seen.redis_problem is not None or taken_through is None:
            return False
        if seen.meta is not None and parse_iso(seen.meta["data_interval_end"]) >= taken_through:
            return False
        self._waiting_since = self._waiting_since or seen.now
        return seen.now - self._waiting_since < PUBLICATION_WAIT


def _names(database: Database[Document], alerts: Collection[Alert]) -> Names:
    def of(collection: str, ids: set[int]) -> dict[int, str]:
        return {d["_id"]: d["name"] for d in database[collection].find({"_id": {"$in": list(ids)}}, {"name": 1})}

    products = of(PRODUCTS.name, {alert.product_id for alert in alerts})
    return Names(products, of(WAREHOUSES.name, {alert.warehouse_id for alert in alerts}))
