"""What is read and told of the sale as a whole while it runs: its end, its phase, its watermark."""

import threading
from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Protocol

from flashsale.minutes import floor_minute
from flashsale.sale_run import Phase, SaleRun
from flashsale.stores.ingest import LedgerEntry, move_watermark
from flashsale.stores.mongo import Client
from flashsale.stores.sales import active_sale, find_sale, require_contract, set_phase
from generator.retry import one_try, until_acknowledged


class SaleRecord(Protocol):
    """`sale` is what is known of it now; its end may come nearer."""

    sale: SaleRun

    def look(self) -> str | None:
        """Read the sale anew; the id of another that is to be written instead of it.

        Raises ServiceUnavailableError when the store does not answer, FlashsaleError when
        the sale is not this version's any more.
        """

    def set_phase(self, phase: Phase) -> None:
        """Tell that the sale is live, or has ended."""

    def move_watermark(self, moment: datetime) -> None:
        """Say that everything that arrives before `moment` is stored; never back."""


class MongoSaleRecord:
    """The registry and the checkpoints in MongoDB; with `only_live` another live sale takes the place of this one."""

    def __init__(
        self, client: Client, sale: SaleRun, shards: Sequence[int], stop: threading.Event, *, only_live: bool
    ) -> None:
        self.sale = sale
        self._client, self._shards, self._stop, self._only_live = client, shards, stop, only_live

    def look(self) -> str | None:
        found = one_try("read the sale", self._find)
        if found.sale_id != self.sale.sale_id:
            return found.sale_id
        require_contract(found)
        self.sale = found
        return None

    def _find(self) -> SaleRun:
        return active_sale(self._client) if self._only_live else find_sale(self._client, self.sale.sale_id)

    def set_phase(self, phase: Phase) -> None:
        until_acknowledged("set the phase", lambda: set_phase(self._client, self.sale.sale_id, phase), self._stop)

    def move_watermark(self, moment: datetime) -> None:
        opening = {
            shard: {"ledger": asdict(LedgerEntry(floor_minute(self.sale.sale_start), shard))} for shard in self._shards
        }
        database = self._client[self.sale.database]
        until_acknowledged("move the watermark", lambda: move_watermark(database, moment, opening), self._stop)


class FixedSale:
    """A sale that no registry knows: it is as it was begun."""

    def __init__(self, sale: SaleRun) -> None:
        self.sale = sale

    def look(self) -> str | None:
        return None

    def set_phase(self, phase: Phase) -> None:
        """Nobody reads it."""

    def move_watermark(self, moment: datetime) -> None:
        """Nobody waits for it."""
