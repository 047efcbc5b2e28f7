"""The world a scenario and a seed draw: products, places, stock and shipments, as arrays.

Everything is a pure function of (scenario, seed).  Each kind of thing has a random
stream of its own, so that one more draw here changes nothing there.  What the
business knows of it becomes documents in `flashsale.dimensions`; popularity, city
weights and how late a shipment really is stay hidden from everything downstream.
"""

import zlib
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from flashsale.gazetteer import PLACES
from flashsale.product_names import product_names
from flashsale.scenario import Demand, Scenario

IntArray = npt.NDArray[np.int64]
FloatArray = npt.NDArray[np.float64]
BoolArray = npt.NDArray[np.bool_]

EARTH_RADIUS_KM = 6371.0


@dataclass(frozen=True, slots=True)
class ProductArrays:
    """Row i is product_id i + 1; money in minor units; `popularity` sums to 1."""

    names: tuple[str, ...]
    categories: tuple[str, ...]
    base_price: IntArray
    unit_cost: IntArray
    price_sigma: FloatArray
    popularity: FloatArray


@dataclass(frozen=True, slots=True)
class PlaceArrays:
    """Row i is the city or warehouse with id i + 1; degrees."""

    latitude: FloatArray
    longitude: FloatArray


@dataclass(frozen=True, slots=True)
class ShipmentArrays:
    """Row i is shipment_id i + 1; indices into products and warehouses; minutes of the sale."""

    product: IntArray
    warehouse: IntArray
    qty: IntArray
    due_minute: IntArray
    arrival_second: IntArray
    arrival_qty: IntArray


@dataclass(frozen=True, slots=True)
class Market:
    """P products, C cities, W warehouses.

    `gravity` (C, W) is the pull of a warehouse on a city, `base_rate` (P, W) the units
    per minute expected at base demand while everything is in stock, `opening` (P, W) units.
    """

    products: ProductArrays
    cities: PlaceArrays
    city_weight: FloatArray
    warehouses: PlaceArrays
    warehouse_city: IntArray
    gravity: FloatArray
    stocked: BoolArray
    base_rate: FloatArray
    opening: IntArray
    shipments: ShipmentArrays


def draw_market(scenario: Scenario, seed: int) -> Market:
    """The market of (scenario, seed); the same arguments give the same arrays."""
    products = _draw_products(scenario, seed)
    places = [PLACES[name] for name in scenario.cities.names]
    cities = PlaceArrays(np.array([p.latitude for p in places]), np.array([p.longitude for p in places]))
    weight = np.array([p.population_millions for p in places]) ** scenario.demand.city_size_exponent
    city_weight = weight / weight.sum()
    warehouse_city = np.array([scenario.cities.names.index(w.city) for w in scenario.warehouses], dtype=np.int64)
    jitter = _stream(seed, "warehouses").uniform(-0.08, 0.08, (2, len(warehouse_city)))
    warehouses = PlaceArrays(cities.latitude[warehouse_city] + jitter[0], cities.longitude[warehouse_city] + jitter[1])
    gravity = np.exp(-distance_km(cities, warehouses) / scenario.routing.scale_km)
    stocked = _draw_assortment(scenario, seed)
    share = _served_share(gravity, city_weight, stocked)
    units_per_minute = scenario.demand.orders_per_second * 60 * mean_quantity(scenario.demand)
    base_rate = units_per_minute * products.popularity[:, None] * share
    opening = _draw_opening(scenario, seed, stocked, base_rate)
    shipments = _draw_shipments(scenario, seed, stocked, base_rate, opening)
    return Market(
        products, cities, city_weight, warehouses, warehouse_city, gravity, stocked, base_rate, opening, shipments
    )


def mean_quantity(demand: Demand) -> float:
    """Mean units of an order: geometric with P(one more) = `quantity_continue`, truncated at `quantity_max`."""
    quantities = np.arange(1, demand.quantity_max + 1)
    return float((quantities * quantity_probabilities(demand)).sum())


def quantity_probabilities(demand: Demand) -> FloatArray:
    """P(quantity = 1 … quantity_max) of the truncated geometric distribution."""
    weights = np.power(demand.quantity_continue, np.arange(demand.quantity_max, dtype=np.float64))
    probabilities: FloatArray = weights / weights.sum()
    return probabilities


def distance_km(cities: PlaceArrays, warehouses: PlaceArrays) -> FloatArray:
    """Great-circle distances, shape (cities, warehouses); haversine formula."""
    lat1, lat2 = np.radians(cities.latitude)[:, None], np.radians(warehouses.latitude)[None, :]
    step = np.radians(warehouses.longitude[None, :] - cities.longitude[:, None])
    chord = np.sin((lat2 - lat1) / 2) ** 2 + np.cos(lat1) * np.cos(lat2) * np.sin(step / 2) ** 2
    distance: FloatArray = 2 * EARTH_RADIUS_KM * np.arcsin(np.sqrt(chord))
    return distance


def _stream(seed: int, purpose: str) -> np.random.Generator:
    return np.random.Generator(np.random.Philox(np.random.SeedSequence((seed, zlib.crc32(purpose.encode())))))


def _draw_products(scenario: Scenario, seed: int) -> ProductArrays:
    rules, rng = scenario.products, _stream(seed, "products")
    weight = np.array([c.weight for c in rules.categories])
    # Every category gets its share to within one product, in an order that says nothing.
    bounds = np.rint(np.cumsum(weight) / weight.sum() * rules.count).astype(np.int64)
    counts = np.diff(bounds, prepend=0)
    category = rng.permutation(np.repeat(np.arange(len(weight)), counts))
    low = np.array([c.price_min for c in rules.categories])[category]
    high = np.array([c.price_max for c in rules.categories])[category]
    price = np.exp(rng.uniform(np.log(low), np.log(high)))
    base_price = np.maximum(np.rint(price).astype(np.int64), 1) * 100
    cost_share = rng.uniform(rules.cost_share_min, rules.cost_share_max, rules.count)
    rank_weight = (rng.permutation(rules.count) + 1.0) ** -rules.zipf_exponent
    names = np.empty(rules.count, dtype=object)
    for index, kind in enumerate(rules.categories):
        own = category == index
        names[own] = product_names(kind.name, int(own.sum()), rng)
    return ProductArrays(
        names=tuple(names),
        categories=tuple(rules.categories[i].name for i in category),
        base_price=base_price,
        unit_cost=np.rint(base_price * cost_share).astype(np.int64),
        price_sigma=np.array([c.price_sigma for c in rules.categories])[category],
        popularity=rank_weight / rank_weight.sum(),
    )


def _draw_assortment(scenario: Scenario, seed: int) -> BoolArray:
    """Which warehouse carries which product, (P, W); every product is carried somewhere."""
    rng, shape = _stream(seed, "assortment"), (scenario.products.count, len(scenario.warehouses))
    stocked: BoolArray = rng.random(shape) < scenario.stock.stocked_share
    nowhere = ~stocked.any(axis=1)
    home = rng.integers(0, shape[1], shape[0])
    stocked[nowhere, home[nowhere]] = True
    return stocked


def _served_share(gravity: FloatArray, city_weight: FloatArray, stocked: BoolArray) -> FloatArray:
    """Share of a product's demand that each warehouse serves while all have stock, (P, W); rows sum to 1."""
    share = np.zeros(stocked.shape)
    for pull, weight in zip(gravity, city_weight, strict=True):
        pulls = pull * stocked
        share += weight * pulls / pulls.sum(axis=1, keepdims=True)
    return share


def _draw_opening(scenario: Scenario, seed: int, stocked: BoolArray, base_rate: FloatArray) -> IntArray:
    """Opening units, (P, W): a product may be planned too thin everywhere, a pair on its own as well."""
    rules, rng = scenario.stock, _stream(seed, "opening")
    by_product = rules.cover_sigma_product * rng.standard_normal((stocked.shape[0], 1))
    by_pair = rules.cover_sigma_pair * rng.standard_normal(stocked.shape)
    cover = rules.cover_median_minutes * np.exp(by_product + by_pair)
    opening: IntArray = np.minimum(np.rint(cover * base_rate), 10**8).astype(np.int64)
    return np.where(stocked, opening, 0)


def _draw_shipments(
    scenario: Scenario, seed: int, stocked: BoolArray, base_rate: FloatArray, opening: IntArray
) -> ShipmentArrays:
    """Shipments due about when the stock before them runs out, until the sale ends."""
    rules, rng = scenario.inbound, _stream(seed, "shipments")
    chosen = stocked & (rng.random(stocked.shape) < rules.pairs_share)
    product, warehouse = np.nonzero(chosen)
    spread = rng.uniform(1 - rules.lead_spread, 1 + rules.lead_spread, (len(product), rules.per_pair_max))
    rate = np.maximum(base_rate[product, warehouse], 1e-9)
    cover = np.full(spread.shape, rules.cover_minutes)
    if rules.per_pair_max:
        cover[:, 0] = np.minimum(opening[product, warehouse] / rate, 1e9)
    due = np.maximum(np.rint(np.cumsum(cover * spread, axis=1)), 3)
    qty = np.maximum(np.rint(rate * rules.cover_minutes), 1).astype(np.int64)
    delay = rng.exponential(rules.delay_mean_minutes, spread.shape)
    short = (rng.random(spread.shape) < rules.short_share) * rng.uniform(0.05, 0.4, spread.shape)
    pair, _ = kept = np.nonzero(due < scenario.duration_minutes)
    arrival_qty = np.rint(qty[pair] * (1 - short[kept])).astype(np.int64)
    return ShipmentArrays(
        product=product[pair],
        warehouse=warehouse[pair],
        qty=qty[pair],
        due_minute=due[kept].astype(np.int64),
        arrival_second=np.rint((due[kept] + delay[kept]) * 60).astype(np.int64),
        arrival_qty=arrival_qty,
    )
