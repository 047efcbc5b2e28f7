"""What people do to a simulated sale, and what it costs: orders to the supplier, vans, rerouting, paused advertising.

Nothing arrives before its lead time, no warehouse gives more than it has, and what arrives passes a dock that
takes no more units than the warehouse can ship in the same time.  Money is in minor units; P products,
W warehouses, ticks are seconds of the sale.
"""

import zlib
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from evaluation.interventions_account import KINDS, Kind, Missed, Spent
from evaluation.interventions_dock import TICKS_PER_MINUTE, Dock
from flashsale.decisions.rules import MINOR_PER_MAJOR, DecisionRules
from flashsale.scenario import Scenario

IntArray = npt.NDArray[np.int64]
BoolArray = npt.NDArray[np.bool_]

NOWHERE = -1


@dataclass(slots=True)
class Parcel:
    """`units` of a product on their way to a warehouse (indices), there from tick `due` on; `left` are to come."""

    kind: Kind
    product: int
    warehouse: int
    units: int
    due: int
    left: int
    done_tick: int | None = None

    def open_at(self, tick: int) -> bool:
        """Whether some of it was still to come at the start of `tick`."""
        return self.done_tick is None or self.done_tick >= tick


@dataclass(frozen=True, slots=True)
class Van:
    """Units asked of warehouse `donor` for warehouse `target`; `lead` minutes on top of the donor's congestion."""

    product: int
    donor: int
    target: int
    units: int
    lead: float


@dataclass(frozen=True, slots=True)
class Departure:
    """Units a van took along."""

    tick: int
    product: int
    donor: int
    units: int


@dataclass(slots=True)
class Interventions:
    """The measures of one sale, shared by its shards.

    `supply` is what may still be spent on units from the supplier, at unit cost.  `reroute_to` (P, W) is the
    warehouse that serves the orders a warehouse cannot, `NOWHERE`: none; `paused` (P, W) whether advertising is.
    """

    scenario: Scenario
    seed: int
    rules: DecisionRules
    unit_cost: IntArray
    supply: float
    reroute_to: IntArray
    paused: BoolArray
    on_way: list[Parcel] = field(default_factory=list)
    arrived: list[Parcel] = field(default_factory=list)
    vans: list[Van] = field(default_factory=list)
    departures: list[Departure] = field(default_factory=list)
    spent: dict[Kind, Spent] = field(default_factory=lambda: {kind: Spent() for kind in KINDS})
    kept_away: Missed = field(default_factory=Missed)
    _dock: Dock | None = None
    _orders: dict[tuple[int, int], int] = field(default_factory=dict)

    @classmethod
    def none(
        cls, scenario: Scenario, seed: int, rules: DecisionRules, unit_cost: IntArray, supply: float
    ) -> "Interventions":
        """Before anybody did anything."""
        shape = scenario.products.count, len(scenario.warehouses)
        return cls(
            scenario,
            seed,
            rules,
            unit_cost,
            supply,
            reroute_to=np.full(shape, NOWHERE, dtype=np.int64),
            paused=np.zeros(shape, dtype=np.bool_),
        )

    @property
    def parcels(self) -> list[Parcel]:
        """All there ever were."""
        return self.arrived + self.on_way

    @property
    def dock(self) -> Dock:
        if self._dock is None:
            capacity = [one.capacity_units_per_minute for one in self.scenario.warehouses]
            self._dock = Dock(np.array(capacity, dtype=np.int64))
        return self._dock

    @property
    def in_force(self) -> BoolArray:
        """Where orders are rerouted or advertising is paused, (P, W)."""
        found: BoolArray = (self.reroute_to != NOWHERE) | self.paused
        return found

    def restock(self, tick: int, product: int, warehouse: int, units: int) -> int:
        """Order from the supplier, as many units as the budget allows; how many that are."""
        rules, cost = self.rules.restock, int(self.unit_cost[product])
        units = min(units, rules.max_qty, int(self.supply // max(cost, 1)))
        if units < 1:
            return 0
        self.supply -= units * cost
        due = tick + round(rules.lead_minutes * TICKS_PER_MINUTE) + self._late_ticks(product, warehouse)
        self.on_way.append(Parcel("restock", product, warehouse, units, due, units))
        self.spent["restock"].add(units, rules.order_cost * MINOR_PER_MAJOR + rules.handling_share * cost * units)
        return units

    def send(self, van: Van) -> None:
        """Have a van loaded in the next tick."""
        self.vans.append(van)

    def leave(self, tick: int, van: Van, units: int, wait_minutes: float) -> None:
        """A van leaves with `units`, `wait_minutes` later than from an idle warehouse."""
        rules = self.rules.transfer
        due = tick + int(np.ceil((van.lead + wait_minutes) * TICKS_PER_MINUTE))
        self.on_way.append(Parcel("transfer", van.product, van.target, units, due, units))
        self.departures.append(Departure(tick, van.product, van.donor, units))
        self.spent["transfer"].add(units, (rules.order_cost + rules.unit_cost * units) * MINOR_PER_MAJOR)

    def reroute(self, product: int, warehouse: int, to: int) -> None:
        """From now on `to` is asked to serve what `warehouse` cannot."""
        self.reroute_to[product, warehouse] = to
        self.spent["reroute"].add(0, 0.0)

    def pause_ads(self, product: int, warehouse: int) -> None:
        """No more advertising of the product where the warehouse delivers."""
        self.paused[product, warehouse] = True
        self.spent["pause_ads"].add(0, 0.0)

    def end(self, product: int, warehouse: int) -> None:
        """Advertise again, and ask nobody else to serve."""
        self.reroute_to[product, warehouse], self.paused[product, warehouse] = NOWHERE, False

    def _late_ticks(self, product: int, warehouse: int) -> int:
        """Suppliers are as late as with the scenario's shipments; the nth order to a shelf always by the same time."""
        number = self._orders.get((product, warehouse), 0)
        self._orders[product, warehouse] = number + 1
        sequence = np.random.SeedSequence((self.seed, zlib.crc32(b"restock"), product, warehouse, number))
        late = np.random.Generator(np.random.Philox(sequence)).exponential(self.scenario.inbound.delay_mean_minutes)
        return round(float(late) * TICKS_PER_MINUTE)
