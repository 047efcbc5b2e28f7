"""The durable life of alerts: ``alert_events``, one document an episode, keyed by alert_id."""

from collections.abc import Iterable
from dataclasses import asdict
from typing import Any

from pymongo import ReplaceOne
from pymongo.database import Database

from flashsale.alerts import Alert, Pair
from flashsale.schema import ALERT_EVENTS
from flashsale.stores.mongo import Document


def latest_alerts(database: Database[Document]) -> dict[Pair, Alert]:
    """The newest alert of each (product, warehouse)."""
    alerts = [_alert(document) for document in database[ALERT_EVENTS].find().sort("episode", 1)]
    return {alert.pair: alert for alert in alerts}


def save_alerts(database: Database[Document], alerts: Iterable[Alert]) -> None:
    """Store alerts as they are now; repeating it changes nothing."""
    writes: list[ReplaceOne[Document]] = []
    for alert in alerts:
        document: dict[str, Any] = asdict(alert)
        document["_id"] = document.pop("alert_id")
        writes.append(ReplaceOne({"_id": document["_id"]}, document, upsert=True))
    if writes:
        database[ALERT_EVENTS].bulk_write(writes, ordered=False)


def _alert(document: Document) -> Alert:
    return Alert(alert_id=document["_id"], **{key: value for key, value in document.items() if key != "_id"})
