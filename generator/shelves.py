"""Units of one shard during one tick: what comes in, what leaves, what is found missing."""

import numpy as np
import numpy.typing as npt

from generator.shard_state import NO_UNITS, ShardState, ShipmentUpdate, Units
from generator.stock import departing_wave, wave_of, within_capacity
from generator.world import World

IntArray = npt.NDArray[np.int64]
FloatArray = npt.NDArray[np.float64]
BoolArray = npt.NDArray[np.bool_]


class Shelves:
    """The arrays of `ShardState` of the tick at hand; `touched` are the flat keys that may have changed.

    Nothing of the state given is changed: its arrays are copied, its waves when they are written to.
    """

    def __init__(self, world: World, state: ShardState, tick: int) -> None:
        self._world, self._tick = world, tick
        self.on_hand, self.reserved = state.on_hand, state.reserved.copy()
        self._owns_on_hand = False
        self.missing, self.waves = state.missing, dict(state.waves)
        self.down = world.happenings.down(tick)
        self.touched: list[IntArray] = []
        self._shipped: list[tuple[IntArray, IntArray]] = []
        self._written_off: list[tuple[IntArray, IntArray]] = []
        self._cancelled: list[tuple[IntArray, IntArray]] = []

    def receive(self) -> list[ShipmentUpdate]:
        """Shelve the shipments that arrive in this tick; those and the ones that set out."""
        shipments = self._world.shipments
        updates = [ShipmentUpdate(int(shipments.shipment_id[i]), None) for i in shipments.departing(self._tick)]
        arrived = shipments.arriving(self._tick)
        if len(arrived):
            key = shipments.product[arrived] * self.on_hand.shape[1] + shipments.warehouse[arrived]
            self.shelve(key, shipments.arrival_qty[arrived])
            updates += [ShipmentUpdate(int(shipments.shipment_id[i]), int(shipments.arrival_qty[i])) for i in arrived]
        return updates

    def shelve(self, key: IntArray, units: IntArray) -> None:
        """Put units on the shelves of keys, repeated or not."""
        np.add.at(self._flat_on_hand(), key, units)
        self.touched.append(key)

    def count(self) -> None:
        """Write off what a count of this tick finds missing."""
        self._write_off(self._world.phantom.counted(self._tick))

    def depart(self, backlog: IntArray, whole_backlog: IntArray) -> None:
        """Let the waves of this tick leave, as far as warehouses work and keep up; the rest joins the next wave.

        `backlog` (W,) are the units this shard has reserved, `whole_backlog` those of all
        shards: each has its share of a warehouse's capacity.
        """
        rules = self._world.scenario.fulfilment
        due, number = departing_wave(self._tick, rules.wave_seconds, self._world.wave_offset)
        for warehouse in np.flatnonzero(due).tolist():
            wave = self.waves.get(int(number[warehouse]))
            if wave is None:
                continue
            column = wave[:, warehouse].astype(np.int64)
            if not column.any():
                continue
            # Rounded up, so that the last units of a small share leave too.
            share = int(self._world.capacity[warehouse]) * rules.wave_seconds * int(backlog[warehouse])
            limit = -(-share // (60 * int(whole_backlog[warehouse])))
            works = self.down is None or not self.down[warehouse]
            leaving = within_capacity(column, limit) if works else np.zeros_like(column)
            self._join(int(number[warehouse]), warehouse, -column)
            if leaving is not column:
                self._join(int(number[warehouse]) + 1, warehouse, column - leaving)
            self._pick(warehouse, leaving)
        self._forget_past_waves()

    def reserve(self, key: IntArray, units: IntArray, delay: FloatArray) -> None:
        """Reserve units of unique keys, to leave with the first wave after `delay` (W,) minutes."""
        self.reserved.ravel()[key] += units
        self.touched.append(key)
        rules = self._world.scenario.fulfilment
        number = wave_of(self._tick, delay, rules.wave_seconds, self._world.wave_offset)
        wave_of_key = number[key % len(number)]
        for wave in set(number.tolist()):
            joining = wave_of_key == wave
            if joining.any():
                self._copy_of(wave).ravel()[key[joining]] += units[joining]

    def sellable(self) -> IntArray:
        """Units that can be sold, (P, W): nothing from a warehouse that is down; below 0 counts as 0."""
        return sellable(self.on_hand, self.reserved, self.down)

    @property
    def shipped(self) -> Units:
        return _units(self._shipped)

    @property
    def written_off(self) -> Units:
        return _units(self._written_off)

    @property
    def cancelled(self) -> Units:
        return _units(self._cancelled)

    def _pick(self, warehouse: int, leaving: IntArray) -> None:
        """Take a wave's units off the shelves of one warehouse; what a shelf does not have is cancelled."""
        product = np.flatnonzero(leaving)
        key, units = product * self.on_hand.shape[1] + warehouse, leaving[product]
        on_hand = self._flat_on_hand()
        shelf = on_hand[key] - self.missing.ravel()[key]
        picked = np.minimum(units, shelf)
        self.reserved.ravel()[key] -= units
        on_hand[key] -= picked
        self.touched.append(key)
        self._shipped.append((key, picked))
        in_vain = picked < units
        if in_vain.any():
            self._cancelled.append((key[in_vain], (units - picked)[in_vain]))
            self._write_off(key[in_vain])

    def _write_off(self, key: IntArray) -> None:
        key = key[self.missing.ravel()[key] > 0]
        if len(key):
            self.missing = self.missing.copy()
            units = self.missing.ravel()[key]
            self._flat_on_hand()[key] -= units
            self.missing.ravel()[key] = 0
            self.touched.append(key)
            self._written_off.append((key, units))

    def _join(self, number: int, warehouse: int, units: IntArray) -> None:
        self._copy_of(number)[:, warehouse] += units.astype(np.int32)

    def _flat_on_hand(self) -> IntArray:
        """`on_hand` by key, to be written to: most ticks do not, and share it with the tick before."""
        if not self._owns_on_hand:
            self.on_hand, self._owns_on_hand = self.on_hand.copy(), True
        return self.on_hand.ravel()

    def _copy_of(self, number: int) -> npt.NDArray[np.int32]:
        """The wave as an array that may be written to."""
        wave = self.waves.get(number)
        copy = np.zeros(self.on_hand.shape, dtype=np.int32) if wave is None else wave.copy()
        self.waves[number] = copy
        return copy

    def _forget_past_waves(self) -> None:
        rules = self._world.scenario.fulfilment
        past = (self._tick + int(self._world.wave_offset.min())) // rules.wave_seconds
        for number in [n for n in self.waves if n <= past]:
            if not self.waves[number].any():
                del self.waves[number]


def sellable(on_hand: IntArray, reserved: IntArray, down: BoolArray | None) -> IntArray:
    """on_hand − reserved, and 0 in warehouses that are down; (P, W)."""
    left: IntArray = on_hand - reserved
    if down is not None:
        left[:, down] = 0
    return left


def _units(parts: list[tuple[IntArray, IntArray]]) -> Units:
    if not parts:
        return NO_UNITS
    return Units.of(np.concatenate([key for key, _ in parts]), np.concatenate([units for _, units in parts]))
