"""What was still to come at a past moment, from ``inbound_shipments`` as it stands now.

A shipment was open at T unless it had been received by then.  Received times are event times, written
before the facts of their tick are acknowledged, so live runs and replays see the same.
"""

import hashlib
from dataclasses import dataclass
from datetime import datetime

import numpy as np
from pymongo.database import Database

from flashsale.calibration import Calibration
from flashsale.demand.inbound import Arrivals
from flashsale.minutes import epoch_ms
from flashsale.schema import INBOUND_SHIPMENTS
from flashsale.stores.mongo import Document
from spark_jobs.pair_columns import NULL, Ints, pair_key

_FIELDS = ("product_id", "warehouse_id", "qty", "due_at", "received_at")


@dataclass(frozen=True)
class OpenShipments:
    """K shipments, (K,): `pair`, `due_ms`, `qty`, `received_ms` (NULL: not yet), sorted by pair, due time, quantity."""

    pair: Ints
    due_ms: Ints
    qty: Ints
    received_ms: Ints

    @classmethod
    def read(cls, database: Database[Document]) -> "OpenShipments":
        """All that were not cancelled."""
        found = database[INBOUND_SHIPMENTS.name].find({"status": {"$ne": "cancelled"}}, dict.fromkeys(_FIELDS, 1))
        rows = [
            (
                d["product_id"],
                d["warehouse_id"],
                epoch_ms(d["due_at"]),
                d["qty"],
                epoch_ms(d["received_at"]) if d["received_at"] else NULL,
            )
            for d in found
        ]
        product, warehouse, due_ms, qty, received_ms = np.array(rows, dtype=np.int64).reshape(-1, 5).T
        pair = pair_key(product, warehouse)
        order = np.lexsort((received_ms, qty, due_ms, pair))
        return cls(pair[order], due_ms[order], qty[order], received_ms[order])

    def at(self, end: datetime) -> "OpenShipments":
        """Those that were open at `end`."""
        still = (self.received_ms == NULL) | (self.received_ms >= epoch_ms(end))
        return OpenShipments(self.pair[still], self.due_ms[still], self.qty[still], self.received_ms[still])

    def arrivals(self, end: datetime, pairs: Ints, calibration: Calibration) -> Arrivals:
        """Those open at `end` to `pairs` (sorted), as they are expected."""
        still = self.at(end)
        row = np.minimum(np.searchsorted(pairs, still.pair), max(len(pairs) - 1, 0))
        known = pairs[row] == still.pair if len(pairs) else np.zeros(len(still.pair), dtype=np.bool_)
        due_in = (still.due_ms[known] - epoch_ms(end)) / 60_000
        return Arrivals.expected(row[known], due_in, still.qty[known].astype(np.float64), calibration)

    def digest(self, end: datetime) -> str:
        """SHA-256 (hex) of what was open at `end`."""
        still = self.at(end)
        return hashlib.sha256(still.pair.tobytes() + still.due_ms.tobytes() + still.qty.tobytes()).hexdigest()
