"""A sale run: one scenario, one seed, one start; its name keys every store."""

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

from flashsale import CONTRACT_VERSION
from flashsale.errors import FlashsaleError

Phase = Literal["planned", "live", "ended"]

_SALE_ID = re.compile(r"[a-z0-9][a-z0-9_]{0,39}")


@dataclass(frozen=True, slots=True)
class SaleRun:
    """Identity and life of a sale.

    `scenario_toml` is the scenario's whole text: a sale stays what it was when the
    file is edited later.  Times are UTC.
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

    def __post_init__(self) -> None:
        if not _SALE_ID.fullmatch(self.sale_id):
            raise FlashsaleError(
                f"sale_id {self.sale_id!r}: must be 1 to 40 of a-z, 0-9 and _, starting with a letter or digit"
            )
        if self.sale_end <= self.sale_start:
            raise FlashsaleError(f"sale {self.sale_id}: sale_end must be after sale_start")

    @property
    def database(self) -> str:
        """Name of the sale's MongoDB database."""
        return f"flashsale_{self.sale_id}"

    @property
    def minutes(self) -> int:
        """Whole minutes from start to end."""
        return (self.sale_end - self.sale_start) // timedelta(minutes=1)

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
        }

    @classmethod
    def from_document(cls, document: dict[str, Any]) -> "SaleRun":
        """Inverse of `to_document`; fields of the registry alone are ignored."""
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
        return cls(sale_id=document["_id"], **{name: document[name] for name in names})
