"""Random but repeatable facts of one sale in which every case the KPI definitions tell apart occurs.

Minutes count from the opening: stock alone until 2, trade, nothing at all in 5, everything is sold
out in 8, some pairs are restocked in 15, machines come in 17 and 20, a crowd in 22.
`tests.support.sale_cases` looks whether each case is there.
"""

from collections.abc import Iterable
from datetime import datetime

import numpy as np
from bson.int64 import Int64

from flashsale.minutes import MINUTE
from tests.support.drawn_sale import AHEAD_MS, CITIES, LATENESS_MS, Document, DrawnSale, Pair
from tests.support.shop import Shop

SHOP = Shop(products=5, capacities=(12, 40, 1000, 26, 500), provinces=("Sindh", "Punjab", "Punjab"), discount_pct=12.25)
FIRST_ORDER, QUIET, SELL_OUT, RESTOCK = 2, 5, 8, 15
MACHINES, CROWD = {17: 13, 20: 14}, 22
"""Minute -> seller of whom machines buy in it."""
SHOES = (4, 5)
"""Products of another category than the rest, which the shop's campaign does not cover."""
TRADED: list[Pair] = [(p, w) for p in (1, 2, 3, 4) for w in (1, 2, 3)]
IDLE, UNKNOWN_STOCK, NOT_STOCKED, LATE_KNOWN = (5, 2), (5, 3), (5, 1), (4, 3)
BESIDE_NOT_STOCKED, BESIDE_UNKNOWN = (2, 5), (3, 5)
"""Pairs that do not keep their products from being sold out."""
FULL_LOAD, SLOW = (1, 4), (5, 5)
"""Alone in their warehouses, at the bounds of load and of delay exactly; in doubles 0.9 * 26 * 5 is more than 117."""


def draw(seed: int, opens: datetime, minutes: int) -> DrawnSale:
    """Facts over `minutes` (at least 24) from `opens`; the same arguments give the same facts."""
    sale = DrawnSale(opens, minutes, np.random.default_rng((seed, opens.hour)))
    left = {pair: sale.number(15, 60) for pair in TRADED if pair != LATE_KNOWN}
    for pair, units in [
        *left.items(),
        (IDLE, 100),
        (SLOW, 100),
        (NOT_STOCKED, 0),
        (BESIDE_NOT_STOCKED, 0),
        (FULL_LOAD, 117),
    ]:
        sale.stock(sale.number(0, 30_000), pair, units)
    _edges(sale)
    for minute in range(FIRST_ORDER, SELL_OUT + 1):
        if minute != QUIET:
            _trade(sale, minute, TRADED, left, sale.number(8, 16))
    left[LATE_KNOWN] = 20
    sale.stock(6 * 60_000 + sale.number(0, 59_999), LATE_KNOWN, sale.number(0, 1) * 20)
    for pair in [*TRADED, FULL_LOAD]:
        left[pair] = 0
        sale.stock(SELL_OUT * 60_000 + sale.number(50_000, 59_999), pair, 0)
    for minute in range(SELL_OUT + 1, RESTOCK):
        _trade(sale, minute, TRADED, left, sale.number(0, 3))
        sale.stock(minute * 60_000 + sale.number(0, 59_999), (2, 3), 0, float(sale.rng.uniform(35, 60)))
    restocked = [TRADED[i] for i in sale.rng.permutation(len(TRADED))[:4]]
    for pair in restocked:
        left[pair] = sale.number(10, 50)
        sale.stock(RESTOCK * 60_000 + sale.number(0, 59_999), pair, left[pair])
    for minute in range(RESTOCK + 1, minutes):
        _trade(sale, minute, [*restocked, UNKNOWN_STOCK], left, sale.number(4, 10))
    _end_of(sale, restocked)
    for minute, pair in zip(MACHINES, (restocked[2], BESIDE_UNKNOWN), strict=True):
        _machine(sale, minute, pair, [*restocked, UNKNOWN_STOCK])
    for _ in range(15):
        sale.order(CROWD * 60_000 + sale.number(0, 59_999), restocked[3], 3, arrived_ms=(CROWD + 1) * 60_000)
    _shipments(sale, restocked)
    _faults(sale)
    return sale


def _trade(sale: DrawnSale, minute: int, pairs: list[Pair], left: dict[Pair, int], count: int) -> None:
    """Orders of one minute and what they leave; where nothing is left, half of them are taken all the same."""
    # In the minute that sells out, trade ends before the shelves are cleared.
    for ms in sorted(sale.number(0, 49_999) for _ in range(count)):
        pair = pairs[sale.number(0, len(pairs) - 1)]
        quantity = sale.number(1, 4)
        if not left.get(pair, 1) and sale.rng.random() < 0.5:
            continue
        sale.order(minute * 60_000 + ms, pair, quantity)
        if pair not in left:
            continue
        left[pair] = max(0, left[pair] - quantity)
        sale.stock(minute * 60_000 + ms, pair, left[pair], in_time=False)
        if sale.rng.random() < 0.2:
            sale.stock(minute * 60_000 + ms, pair, left[pair] + sale.number(1, 9), in_time=False)


def _edges(sale: DrawnSale) -> None:
    """Facts on the edge of a definition, at times the random ones do not blur them."""
    sale.order(FIRST_ORDER * 60_000 + sale.number(0, 59_999), (1, 1), 3, arrived_ms=FIRST_ORDER * 60_000 + 40_000)
    for minute in (2, 3):
        for pair in (UNKNOWN_STOCK, LATE_KNOWN, BESIDE_UNKNOWN):
            sale.order(minute * 60_000 + sale.number(0, 59_999), pair, 2, arrived_ms=minute * 60_000 + 30_000)
    for ms, delay in ((190_000, 20.0), (200_000, 40.0)):
        sale.stock(ms, SLOW, 100, delay)
    sale.order((SELL_OUT + 1) * 60_000, FULL_LOAD, 117, arrived_ms=(SELL_OUT + 1) * 60_000)
    # The last moment in time and the first that is late; as far ahead of its writer as allowed.
    sale.order(6 * 60_000, (2, 2), 2, arrived_ms=7 * 60_000 + LATENESS_MS - 1)
    sale.order(6 * 60_000, (2, 2), 3, arrived_ms=7 * 60_000 + LATENESS_MS)
    sale.order(7 * 60_000, (3, 2), 1, arrived_ms=7 * 60_000 - AHEAD_MS)
    late = sale.stock(7 * 60_000 + 59_999, (3, 3), 777)
    late["arrived_at"] = sale.after(8 * 60_000 + LATENESS_MS)


def _end_of(sale: DrawnSale, restocked: list[Pair]) -> None:
    """One restocked pair sells out again; another does for some seconds; one that had nothing is asked for;
    one that has plenty is out of it for half a minute."""
    sale.stock(19 * 60_000 + sale.number(50_000, 59_999), restocked[0], 0)
    for minute in range(20, sale.minutes):
        sale.stock(minute * 60_000 + 59_999, restocked[0], 0)
    sale.stock(21 * 60_000 + 50_000, restocked[1], 0)
    sale.stock(21 * 60_000 + 59_000, restocked[1], 30)
    sale.order(17 * 60_000, NOT_STOCKED, 2, arrived_ms=17 * 60_000)
    sale.order(16 * 60_000, SLOW, 2, arrived_ms=17 * 60_000)
    for seconds, units in ((10, 0), (40, 98)):
        sale.stock(18 * 60_000 + seconds * 1_000, SLOW, units)


def _machine(sale: DrawnSale, minute: int, pair: Pair, pairs: list[Pair]) -> None:
    """One unit every half second for one seller and city, the last one late, in a shop that is busy enough to tell."""
    opens = minute * 60_000
    for number in range(111):
        late = LATENESS_MS if number == 110 else 0
        sale.order(opens + 1_000 + 500 * number, pair, 1, opens + 60_000 + late, city=1, seller=MACHINES[minute])
    other = [p for p in pairs if p[0] != pair[0]]
    for bought, cities, orders in (([(pair[0], 1)], (2, CITIES), 10), (other, (1, 1), 10), (other, (2, CITIES), 20)):
        for _ in range(orders):
            chosen, city = bought[sale.number(0, len(bought) - 1)], sale.number(*cities)
            sale.order(opens + sale.number(0, 59_999), chosen, sale.number(1, 4), opens + 60_000, city=city)


def _shipments(sale: DrawnSale, restocked: list[Pair]) -> None:
    """To some pairs one, to some two or three: on time, early, late or never; and some that tell nothing."""
    for pair in [*restocked, *(TRADED[i] for i in sale.rng.permutation(len(TRADED))[:5])]:
        for _ in range(sale.number(1, 2)):
            due = sale.number(4 * 60_000, 34 * 60_000)
            came = [due, due - sale.number(0, 240_000), due + sale.number(0, 600_000), None, None][sale.number(0, 4)]
            sale.shipment(due, pair, sale.number(3, 40), came)
    for pair in (NOT_STOCKED, IDLE, LATE_KNOWN, (5, 4)):
        sale.shipment(18 * 60_000, pair, 25, 20 * 60_000)
    sale.shipment(10 * 60_000, (1, 1), 500, status="cancelled")


def _faults(sale: DrawnSale) -> None:
    """Facts that must not count, and ids; both in random order."""
    for changes in ({"product_id": 777}, {"warehouse_id": 777}, {"city_id": 777}):
        sale.order(3 * 60_000, (1, 1), 50, arrived_ms=3 * 60_000).update(changes)
    sale.order(7 * 60_000, (1, 1), 60, arrived_ms=7 * 60_000 - AHEAD_MS - 1)
    sale.order(-1, (1, 1), 70, arrived_ms=0)
    sale.stock(4 * 60_000, (1, 1), 0).update({"product_id": 777})
    for documents in (sale.orders, sale.inventory):
        sale.rng.shuffle(documents)
        _number(sale, documents)
    for table, (documents, change) in enumerate(
        ((sale.orders, {"order_qty": 9_999}), (sale.inventory, {"inventory_on_hand": 99_999}))
    ):
        repeated = documents[:12]
        sale.again[table].extend([*repeated, *({**d, **change} for d in repeated[:6])])
    order, event = sale.order(6 * 60_000, (1, 1), 1, 6 * 60_000), sale.stock(6 * 60_000, (1, 1), 0)
    for table, (documents, broken, worse) in enumerate(
        (
            (sale.orders, {**order, "order_qty": 0}, {**order, "order_qty": "3"}),
            (sale.inventory, {**event, "reserved_stock": -1}, {**event, "fulfillment_delay": None}),
        )
    ):
        documents.pop()
        sale.refused[table].append({"_id": Int64(10**9), **broken})
        sale.malformed[table].append({"_id": Int64(10**9 + 1), **worse})


def _number(sale: DrawnSale, documents: Iterable[Document]) -> None:
    """Ids in random order, so that neither time nor the order of arrival decides a tie."""
    documents = list(documents)
    for document, number in zip(documents, sale.rng.permutation(len(documents)), strict=True):
        document["_id"] = Int64(int(number) + 1)


def last_campaign(sale: DrawnSale) -> Document:
    """A deeper discount on two products that ends two minutes before the facts do; what is planned of it goes up."""
    return {
        "_id": 2,
        "name": "Flash",
        "categories": [],
        "products": [1, 2],
        "discount_pct": 30.0,
        "starts_at": sale.after(4 * 60_000),
        "ends_at": sale.opens + (sale.minutes - 2) * MINUTE,
        "planned_intensity": [700 + 90 * minute for minute in range(sale.minutes - 6)],
    }
