"""Books of one shard's units, kept from its facts alone, to be compared with its state."""

import numpy as np
import numpy.typing as npt

from generator.shard_state import ShardState, TickFacts, Units
from generator.world import World

IntArray = npt.NDArray[np.int64]


class StockLedger:
    """Units by (product, warehouse), (P, W), since the opening; facts without faults."""

    def __init__(self, world: World, *, oversold: bool) -> None:
        """`oversold`: whether more may be promised than is there."""
        self._world, self._oversold = world, oversold
        self.received, self.ordered, self.shipped, self.cancelled, self.written_off = (
            np.zeros(world.shape, dtype=np.int64) for _ in range(5)
        )
        self._told = np.zeros((2, *world.shape), dtype=np.int64)
        """On hand and reserved by the last inventory event."""

    def take(self, facts: TickFacts) -> None:
        """Book what a tick says."""
        shipments = self._world.shipments
        for update in facts.shipments:
            if update.received_qty is not None:
                row = int(np.searchsorted(shipments.shipment_id, update.shipment_id))
                self.received[shipments.product[row], shipments.warehouse[row]] += update.received_qty
        np.add.at(self.ordered, self._keys(facts.orders.product_id, facts.orders.warehouse_id), facts.orders.qty)
        for book, units in (
            (self.shipped, facts.truth.shipped),
            (self.cancelled, facts.truth.cancelled),
            (self.written_off, facts.truth.written_off),
        ):
            _book(book, units)
        events = facts.inventory
        where = self._keys(events.product_id, events.warehouse_id)
        self._told[0][where], self._told[1][where] = events.on_hand, events.reserved

    def violations(self, state: ShardState) -> list[str]:
        """What does not add up; empty when everything does."""
        world = self._world
        waiting = sum(state.waves.values(), np.zeros(world.shape, dtype=np.int64))
        closing = world.opening + self.received - self.shipped - self.written_off
        down = world.happenings.down(state.tick)
        silent = np.zeros(world.shape[1], dtype=np.bool_) if down is None else down
        rules = {
            "opening + received - shipped - written off is on hand": closing == state.on_hand,
            "ordered - shipped - cancelled is reserved": self.ordered - self.shipped - self.cancelled == state.reserved,
            "what is reserved waits in waves": waiting == state.reserved,
            "nothing is below zero": (state.on_hand >= 0) & (state.reserved >= 0) & (state.missing >= 0),
            "what is missing is on record": state.missing <= state.on_hand,
            "nothing is sold that is not there": (state.reserved <= state.on_hand) | self._oversold,
            "the last event tells the stock": (self._told == [state.on_hand, state.reserved]).all(axis=0) | silent,
        }
        return [
            f"tick {state.tick}: {rule}, but not for {int((~holds).sum())} keys"
            for rule, holds in rules.items()
            if not holds.all()
        ]

    def _keys(self, product_id: IntArray, warehouse_id: IntArray) -> tuple[IntArray, IntArray]:
        return np.searchsorted(self._world.product_id, product_id), warehouse_id - 1


def _book(book: IntArray, units: Units) -> None:
    np.add.at(book.ravel(), units.key, units.units)
