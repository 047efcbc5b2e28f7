"""The life of an alert, as a pure step from one minute to the next.

An alert opens in the first minute its (product, warehouse) is at risk or sold out and is
resolved in the first in which it is neither.  An episode is one such stretch; its number
makes the next alert of the same pair a new one.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from flashsale.actions import ACTIONABLE
from flashsale.snapshot import AlertState, ProductRow

Pair = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Alert:
    """One episode of one (product, warehouse); minutes are interval ends."""

    alert_id: str
    product_id: int
    warehouse_id: int
    episode: int
    raised_at: datetime
    state: AlertState = "open"
    owner: str | None = None
    resolved_at: datetime | None = None

    @property
    def pair(self) -> Pair:
        return self.product_id, self.warehouse_id


def alert_id(sale_id: str, product_id: int, warehouse_id: int, episode: int) -> str:
    """16 hex digits; the same episode has the same id on every run."""
    text = f"{sale_id}:{product_id}:{warehouse_id}:{episode}"
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def advance(
    sale_id: str,
    latest: Mapping[Pair, Alert],
    rows: Sequence[ProductRow],
    minute_end: datetime,
) -> list[Alert]:
    """Alerts that change at `minute_end`: newly open ones and newly resolved ones.

    `latest` is the newest alert of each pair, open or resolved.  Taking the same minute
    again gives nothing new.
    """
    bad = {(row["product_id"], row["warehouse_id"]) for row in rows if row["status"] in ACTIONABLE}
    changed = []
    for pair in sorted(bad):
        last = latest.get(pair)
        if last is None or last.state == "resolved":
            episode = 1 if last is None else last.episode + 1
            changed.append(Alert(alert_id(sale_id, *pair, episode), *pair, episode, minute_end))
    for pair, alert in sorted(latest.items()):
        if alert.state != "resolved" and pair not in bad:
            changed.append(replace(alert, state="resolved", resolved_at=minute_end))
    return changed
