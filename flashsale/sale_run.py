"""A sale run: one scenario, one seed, one start; its name keys every store."""

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

from flashsale import CONTRACT_VERSION
from flashsale.errors import FlashsaleError, StoreNotReadyError

Phase = Literal["planned", "live", "ended"]

STOP_LEAD = timedelta(seconds=15)
"""How long before its new end a running sale must learn of it: the generator looks every few ticks."""
_SECOND = timedelta(seconds=1)

_SALE_ID = re.compile(r"[a-z0-9][a-z0-9_]{0,39}")


@dataclass(frozen=True, slots=True)
class SaleRun:
    """Identity and life of a sale.

    `scenario_toml` is the scenario's whole text: a sale stays what it was when the
    file is edited later.  No fact lies at or after `sale_end`, which is earlier than
    `planned_end` (the scenario's; None: the same) when the sale was stopped, and equals
    `sale_start` when it was cancelled before it began.  Times are UTC.
    """

    sale_id: str
    scenario: str
    scenario_toml: str
    seed: int
    sale_start: datetime
    sale_end: datetime
    phase: Phase = "planned"
    first_order_ts: datetime | None = None
    contract_version: int = CONTRACT_VERSION
    planned_end: datetime | None = None

    def __post_init__(self) -> None:
        if not _SALE_ID.fullmatch(self.sale_id):
            raise FlashsaleError(
                f"sale_id {self.sale_id!r}: must be 1 to 40 of a-z, 0-9 and _, starting with a letter or digit"
            )
        if self.sale_end < self.sale_start:
            raise FlashsaleError(f"sale {self.sale_id}: sale_end must not be before sale_start")

    @property
    def database(self) -> str:
        """Name of the sale's MongoDB database."""
        return f"flashsale_{self.sale_id}"

    @property
    def minutes(self) -> int:
        """Minutes from start to end, one that was begun counts."""
        return -((self.sale_start - self.sale_end) // timedelta(minutes=1))

    @property
    def seconds(self) -> int:
        """Whole seconds from start to end."""
        return (self.sale_end - self.sale_start) // _SECOND

    @property
    def stopped_early(self) -> bool:
        """Whether it was given an earlier end than its scenario's."""
        return self.planned_end is not None and self.sale_end < self.planned_end

    def ending(self, now: datetime) -> datetime:
        """The end of the sale when somebody ends it at `now`.

        Its start, if it has not begun; otherwise the next whole second of the sale at least
        `STOP_LEAD` from now, so that no fact at or after it is written yet; never a later end
        than it has.
        """
        if now < self.sale_start:
            return self.sale_start
        seconds = -((self.sale_start - now - STOP_LEAD) // _SECOND)
        return min(self.sale_end, self.sale_start + seconds * _SECOND)

    def to_document(self) -> dict[str, Any]:
        """Document of ``flashsale_registry.sales``."""
        return {
            "_id": self.sale_id,
            "scenario": self.scenario,
            "scenario_toml": self.scenario_toml,
            "seed": self.seed,
            "sale_start": self.sale_start,
            "sale_end": self.sale_end,
            "phase": self.phase,
            "first_order_ts": self.first_order_ts,
            "contract_version": self.contract_version,
            "planned_end": self.planned_end or self.sale_end,
        }

    @classmethod
    def from_document(cls, document: dict[str, Any]) -> "SaleRun":
        """Inverse of `to_document`, also for older contracts; fields of the registry alone are ignored.

        Raises StoreNotReadyError when a newer version wrote it.
        """
        if document["contract_version"] > CONTRACT_VERSION:
            raise StoreNotReadyError(
                f"sale {document['_id']} was written by a newer version (contract {document['contract_version']}, "
                f"this one knows {CONTRACT_VERSION}); start that one"
            )
        names = (
            "scenario",
            "scenario_toml",
            "seed",
            "sale_start",
            "sale_end",
            "phase",
            "first_order_ts",
            "contract_version",
        )
        planned_end = document.get("planned_end", document["sale_end"])
        return cls(sale_id=document["_id"], planned_end=planned_end, **{name: document[name] for name in names})
