"""Every Redis key of the pipeline: its pattern, type and purpose.

No key is spelled anywhere else.  All keys of a sale start with ``fs:{sale_id}:``,
so that two sales, a rehearsal and a test never touch each other.
"""

from dataclasses import dataclass
from datetime import datetime

from flashsale.minutes import compact

ACTIVE_SALE = "fs:active_sale"
"""string: sale_id of the live sale; the first key a reader asks for."""

KEY_PATTERN = "fs:*"
"""What the users' ACLs are restricted to."""


@dataclass(frozen=True, slots=True)
class SaleKeys:
    """Keys of one sale."""

    sale_id: str

    def _key(self, tail: str) -> str:
        return f"fs:{self.sale_id}:{tail}"

    @property
    def current(self) -> str:
        """string: id of the published snapshot; moves atomically, only forward in time."""
        return self._key("current")

    @property
    def current_watermark(self) -> str:
        """string: watermark (epoch ms) `current` was computed at; fences overlapping runs."""
        return self._key("current:watermark")

    def snapshot(self, snapshot_id: str, part: str) -> str:
        """string: immutable canonical JSON of one part of a snapshot."""
        return self._key(f"snapshot:{snapshot_id}:{part}")

    def snapshot_details(self, snapshot_id: str) -> str:
        """hash: ``product_id:warehouse_id`` or ``warehouse:warehouse_id`` -> JSON of the drill-down."""
        return self._key(f"snapshot:{snapshot_id}:details")

    @property
    def dimensions(self) -> str:
        """string: JSON of the places and categories the page shows."""
        return self._key("dimensions")

    @property
    def products(self) -> str:
        """hash: product_id -> JSON of its name and category; only those that are shown are read."""
        return self._key("products")

    @property
    def sale(self) -> str:
        """string: JSON of phase, plan and first_order_ts."""
        return self._key("sale")

    def history(self, minute: datetime) -> str:
        """string: JSON of headline and alerts of a minute, kept 24 hours."""
        return self._key(f"history:{compact(minute)}")

    def health(self, part: str) -> str:
        """string: JSON of a part's last good result; expires after 3 periods."""
        return self._key(f"health:{part}")

    def health_dag(self, dag_id: str) -> str:
        """string: JSON of a DAG's last outcome; expires after 3 periods."""
        return self._key(f"health:dag:{dag_id}")

    @property
    def health_pattern(self) -> str:
        """SCAN pattern of this sale's health keys."""
        return self._key("health:*")

    @property
    def alert_commands(self) -> str:
        """stream: what managers clicked, until `minute_kpis` drained it."""
        return self._key("alert_commands")
