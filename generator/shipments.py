"""Tell `inbound_shipments` what set out and what arrived."""

from datetime import datetime

from pymongo import UpdateOne
from pymongo.database import Database

from flashsale.schema import INBOUND_SHIPMENTS
from flashsale.stores.mongo import Document
from generator.shard_state import ShipmentUpdate


def update_shipments(database: Database[Document], updates: list[ShipmentUpdate], now: datetime) -> None:
    """Set status, time and quantity; repeating it changes nothing, and nothing goes back in state."""
    operations = [
        UpdateOne(
            {"_id": update.shipment_id, "status": "planned"},
            {"$set": {"status": "in_transit"}},
        )
        if update.received_qty is None
        else UpdateOne(
            {"_id": update.shipment_id, "status": {"$ne": "received"}},
            {"$set": {"status": "received", "received_at": now, "received_qty": update.received_qty}},
        )
        for update in updates
    ]
    if operations:
        database[INBOUND_SHIPMENTS.name].bulk_write(operations, ordered=False)
