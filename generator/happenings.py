"""What a scenario lets happen to one shard, laid out by tick: shipments, outages, bots, stock that is not there."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from flashsale.market import Market
from flashsale.scenario import Scenario

IntArray = npt.NDArray[np.int64]
BoolArray = npt.NDArray[np.bool_]

_TRANSIT_SECONDS = 20 * 60
_NOTHING = np.empty(0, dtype=np.int64)


@dataclass(frozen=True, slots=True)
class BotOrders:
    """Orders of machines in one tick; `product` indexes the shard's products, `offset` is ms in the tick."""

    product: IntArray
    city: IntArray
    seller: IntArray
    qty: IntArray
    offset: IntArray


class Happenings:
    """Outages and bots of the scenario, as one shard with the products `own` (indices) meets them."""

    def __init__(self, scenario: Scenario, own: IntArray) -> None:
        warehouses = [w.name for w in scenario.warehouses]
        self.outages = [
            (warehouses.index(o.warehouse), 60 * o.starts_at_minute, 60 * (o.starts_at_minute + o.duration_minutes))
            for o in scenario.outages
        ]
        """(warehouse index, first tick, first tick after)."""
        self._warehouses = len(warehouses)
        self._bots = [(b, scenario.cities.names.index(b.city), np.array(b.products) - 1) for b in scenario.bots]
        self._own = own

    def down(self, tick: int) -> BoolArray | None:
        """Which warehouses are down in `tick`, (W,); None when all work."""
        hit = [warehouse for warehouse, first, after in self.outages if first <= tick < after]
        if not hit:
            return None
        down = np.zeros(self._warehouses, dtype=np.bool_)
        down[hit] = True
        return down

    def up_again(self, warehouse: int, tick: int) -> int:
        """The first tick from `tick` on in which the warehouse works."""
        for index, first, after in sorted(self.outages, key=lambda o: o[1]):
            if index == warehouse and first <= tick < after:
                tick = after
        return tick

    def bot_orders(self, tick: int) -> BotOrders | None:
        """What machines order in `tick` from this shard: order k at k ÷ rate seconds, products in turn."""
        found = []
        for bots, city, products in self._bots:
            elapsed = tick - 60 * bots.starts_at_minute
            if not 0 <= elapsed < 60 * bots.duration_minutes:
                continue
            rate = bots.orders_per_second
            number = np.arange(int(np.ceil(elapsed * rate)), int(np.ceil((elapsed + 1) * rate)))
            product = products[number % len(products)]
            offset = np.clip(((number / rate - elapsed) * 1000).astype(np.int64), 0, 999)
            mine = np.isin(product, self._own)
            if mine.any():
                index = np.searchsorted(self._own, product[mine])
                same = np.ones(len(index), dtype=np.int64)
                found.append(BotOrders(index, same * city, same * bots.seller, same * bots.quantity, offset[mine]))
        if not found:
            return None
        return BotOrders(
            *(
                np.concatenate([getattr(b, name) for b in found])
                for name in ("product", "city", "seller", "qty", "offset")
            )
        )


@dataclass(frozen=True, slots=True)
class ShardShipments:
    """The shard's shipments; `product` indexes its products; times are ticks."""

    shipment_id: IntArray
    product: IntArray
    warehouse: IntArray
    arrival_tick: IntArray
    departure_tick: IntArray
    arrival_qty: IntArray
    _arriving: dict[int, IntArray]
    _departing: dict[int, IntArray]

    @classmethod
    def of(cls, market: Market, own: IntArray, happenings: Happenings) -> "ShardShipments":
        """Those of the products `own`; one that meets a closed gate waits until the warehouse works again."""
        shipments = market.shipments
        mine = np.flatnonzero(np.isin(shipments.product, own))
        warehouse = shipments.warehouse[mine]
        arrival = shipments.arrival_second[mine]
        if happenings.outages:
            pairs = zip(warehouse.tolist(), arrival.tolist(), strict=True)
            arrival = np.array([happenings.up_again(w, t) for w, t in pairs], dtype=np.int64)
        departure = np.maximum(arrival - _TRANSIT_SECONDS, 0)
        return cls(
            shipment_id=mine + 1,
            product=np.searchsorted(own, shipments.product[mine]),
            warehouse=warehouse,
            arrival_tick=arrival,
            departure_tick=departure,
            arrival_qty=shipments.arrival_qty[mine],
            _arriving=_rows_by(arrival),
            _departing=_rows_by(np.where(departure < arrival, departure, -1)),
        )

    def arriving(self, tick: int) -> IntArray:
        """Rows that arrive in `tick`."""
        return self._arriving.get(tick, _NOTHING)

    def departing(self, tick: int) -> IntArray:
        """Rows that set out in `tick`, to arrive later."""
        return self._departing.get(tick, _NOTHING)


@dataclass(frozen=True, slots=True)
class PhantomStock:
    """`missing` (P, W): units in the opening record that are not on the shelf, until they are found missing."""

    missing: IntArray
    _counted: dict[int, IntArray]

    @classmethod
    def drawn(
        cls, scenario: Scenario, seed: int, product_id: IntArray, opening: IntArray, happenings: Happenings
    ) -> "PhantomStock":
        """Drawn per product, so that it does not depend on the shards; a warehouse that is down counts later."""
        rules = scenario.phantom
        missing, counted = np.zeros_like(opening), np.full(opening.shape, -1, dtype=np.int64)
        if rules.pairs_share > 0:
            for row, product in enumerate(product_id):
                rng = np.random.Generator(np.random.Philox(np.random.SeedSequence((seed, 0x9A0709, int(product)))))
                chosen = rng.random(opening.shape[1]) < rules.pairs_share
                share = rng.uniform(0, rules.missing_share_max, opening.shape[1])
                missing[row] = np.where(chosen, np.rint(opening[row] * share), 0)
                after = rng.exponential(60 * rules.count_after_minutes, opening.shape[1])
                counted[row] = np.where(missing[row] > 0, 1 + np.ceil(after), -1)
        if happenings.outages:
            for row, warehouse in zip(*np.nonzero(counted >= 0), strict=True):
                counted[row, warehouse] = happenings.up_again(int(warehouse), int(counted[row, warehouse]))
        return cls(missing, _rows_by(counted.ravel()))

    def counted(self, tick: int) -> IntArray:
        """Keys whose shelf is counted in `tick`."""
        return self._counted.get(tick, _NOTHING)


def _rows_by(tick: IntArray) -> dict[int, IntArray]:
    """Tick -> its rows, ascending; rows with a negative tick are left out."""
    order = np.argsort(tick, kind="stable")
    ticks, starts = np.unique(tick[order], return_index=True)
    groups = np.split(order, starts[1:])
    return {int(t): rows for t, rows in zip(ticks, groups, strict=True) if t >= 0} if len(tick) else {}
