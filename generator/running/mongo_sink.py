"""Facts into MongoDB: through the door, then the shipments, then the checkpoint; never the other way round."""

import threading
from collections.abc import Callable, Sequence
from typing import TypeVar

from pymongo.database import Database

from flashsale.minutes import from_epoch_ms
from flashsale.sale_run import SaleRun
from flashsale.settings import Settings
from flashsale.stores.mongo import Document
from generator.checkpoint import advance_checkpoint, load_checkpoint, save_state
from generator.encoding import encode_inventory, encode_orders
from generator.facts import tick_time_ms
from generator.retry import until_acknowledged
from generator.running.pacing import tick_end
from generator.running.parcels import Parcel
from generator.running.sinks import Resume
from generator.shard_state import ShardState, TickFacts
from generator.shipments import update_shipments
from generator.state_bytes import to_bytes
from generator.world import World
from generator.writer import FactWriter, TickWrite

T = TypeVar("T")

_STRAY_BYTES = 400
"""About what a stray document takes in memory."""


class MongoSink:
    """Writes the facts of some shards of one sale; `stop` ends waiting for a MongoDB that is away."""

    keeps_states = True

    def __init__(self, database: Database[Document], settings: Settings, sale: SaleRun, stop: threading.Event) -> None:
        self._database, self._settings, self._sale, self._stop = database, settings, sale, stop
        self._writers: dict[int, FactWriter] = {}

    def resume(self, world: World) -> Resume:
        point = self._acknowledged(
            "read the checkpoint", lambda: load_checkpoint(self._database, world, self._sale.sale_start)
        )
        self._writers[world.shard] = FactWriter(
            self._database, self._settings, world.shard, resume=point.ledger, stop=self._stop
        )
        return Resume(point.state, point.tick)

    def pack(self, world: World, facts: TickFacts) -> Parcel:
        arrived_ms = tick_time_ms(world.start_ms, facts.tick)
        blocks = [encode_orders(facts.orders, arrived_ms), encode_inventory(facts.inventory, arrived_ms)]
        strays = sum(len(documents) for documents in facts.strays.values())
        return Parcel(
            facts.tick,
            orders=len(facts.orders.ts),
            events=len(facts.inventory.ts),
            size=sum(block.rows.nbytes for block in blocks) + strays * _STRAY_BYTES,
            content=TickWrite(from_epoch_ms(arrived_ms), blocks, facts.strays),
            shipments=facts.shipments,
        )

    def write(self, shard: int, parcels: Sequence[Parcel]) -> None:
        ledger = self._writers[shard].write([parcel.content for parcel in parcels])
        moved = [(update, parcel.content.tick_time) for parcel in parcels for update in parcel.shipments]
        self._acknowledged("update shipments", lambda: update_shipments(self._database, moved))
        saved = [parcel.saved for parcel in parcels if parcel.saved is not None]
        tick = parcels[-1].tick
        self._acknowledged(
            "save the checkpoint",
            lambda: advance_checkpoint(
                self._database,
                shard,
                tick_end(self._sale.sale_start, tick),
                tick,
                ledger,
                saved[-1] if saved else None,
            ),
        )

    def finish(self, shard: int, state: ShardState) -> None:
        if state.tick >= 0:
            saved = to_bytes(state)
            self._acknowledged("save the state", lambda: save_state(self._database, shard, saved))

    def _acknowledged(self, doing: str, attempt: Callable[[], T]) -> T:
        return until_acknowledged(doing, attempt, self._stop)
