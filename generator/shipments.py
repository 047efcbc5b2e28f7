"""Tell `inbound_shipments` what set out and what arrived."""

from collections.abc import Iterable
from datetime import datetime

from pymongo import UpdateOne
from pymongo.database import Database

from flashsale.schema import INBOUND_SHIPMENTS
from flashsale.stores.mongo import Document
from generator.shard_state import ShipmentUpdate


def update_shipments(database: Database[Document], updates: Iterable[tuple[ShipmentUpdate, datetime]]) -> None:
    """Set status, time and quantity of each update and its moment.

    Repeating it changes nothing, nothing goes back in state, and the order does not matter.
    """
    operations = [
        UpdateOne(
            {"_id": update.shipment_id, "status": "planned"},
            {"$set": {"status": "in_transit"}},
        )
        if update.received_qty is None
        else UpdateOne(
            {"_id": update.shipment_id, "status": {"$ne": "received"}},
            {"$set": {"status": "received", "received_at": moment, "received_qty": update.received_qty}},
        )
        for update, moment in updates
    ]
    if operations:
        database[INBOUND_SHIPMENTS.name].bulk_write(operations, ordered=False)
