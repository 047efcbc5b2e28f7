"""A sale scenario: what a TOML file below ``configs/sales/`` may say, and within which range.

`parse_scenario` gives frozen models or raises ScenarioError with one line that names
the file, the key, the value and the range.
"""

import tomllib
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field, ValidationError

from flashsale.errors import ScenarioError
from flashsale.gazetteer import PLACES
from flashsale.scenario_base import Label, Minute, Minutes, Part, ProductId, Rows, Share, Sigma
from flashsale.scenario_messages import first_problem
from flashsale.scenario_rules import contradiction
from flashsale.scenario_trouble import Bots, Burst, Excitation, Faults, Outage, Phantom, Uncertainty


class Demand(Part):
    """Orders wanted; `orders_per_second` is the base that planned intensities are permille of."""

    orders_per_second: float = Field(ge=0.01, le=1_000_000)
    quantity_continue: float = Field(ge=0, le=0.95)
    quantity_max: int = Field(ge=1, le=1000)
    discount_elasticity: float = Field(ge=0, le=10)
    scarcity_boost: float = Field(ge=0, le=10)
    scarcity_units: float = Field(ge=1, le=1_000_000)
    city_size_exponent: float = Field(ge=0, le=3)


class Category(Part):
    """A product category; prices in major currency units, `weight` is its share of the products."""

    name: Label
    weight: float = Field(gt=0, le=1000)
    price_min: float = Field(ge=1, le=10_000_000)
    price_max: float = Field(ge=1, le=10_000_000)
    price_sigma: float = Field(ge=0, le=2)


class Products(Part):
    """Products on sale and who sells them."""

    count: int = Field(ge=1, le=1_000_000)
    zipf_exponent: float = Field(ge=0, le=3)
    sellers: int = Field(ge=1, le=1_000_000)
    sellers_per_product_max: int = Field(ge=1, le=50)
    cost_share_min: float = Field(ge=0, le=1)
    cost_share_max: float = Field(ge=0, le=1)
    categories: Rows[Category] = Field(min_length=1, max_length=100)


class Cities(Part):
    """Cities orders come from, by the gazetteer's names."""

    names: Rows[Label] = Field(min_length=1, max_length=len(PLACES))


class Warehouse(Part):
    """A warehouse and what it can ship."""

    name: Label
    city: Label
    capacity_units_per_minute: int = Field(ge=1, le=10_000_000)


class Routing(Part):
    """Which warehouse serves a customer: weight exp(−distance ÷ scale_km), times
    `sold_out_weight` where the product is sold out (1: the customer insists, 0: takes another)."""

    scale_km: float = Field(ge=1, le=20_000)
    sold_out_weight: float = Field(ge=0, le=1)


class Stock(Part):
    """Opening stock: minutes of cover at base demand, log-normal, by product and by (product, warehouse)."""

    stocked_share: float = Field(ge=0, le=1)
    cover_median_minutes: float = Field(ge=0, le=1_000_000)
    cover_sigma_product: Sigma
    cover_sigma_pair: Sigma


class Inbound(Part):
    """Shipments on their way: for which pairs, how much, how late, how short."""

    pairs_share: Share
    cover_minutes: float = Field(ge=1, le=10_080)
    per_pair_max: int = Field(ge=0, le=100)
    lead_spread: Share
    delay_mean_minutes: float = Field(ge=0, le=1440)
    short_share: Share


class Fulfilment(Part):
    """How an order becomes a shipment."""

    base_delay_minutes: float = Field(ge=0, le=1440)
    wave_seconds: int = Field(ge=1, le=3600)
    heartbeat_seconds: int = Field(ge=10, le=3600)
    impatience_per_hour: float = Field(default=0.5, ge=0, le=10)


class Campaign(Part):
    """A discount and the demand planned for it; no category and no product means everything.

    `intensity` lists (minute from `starts_at_minute`, permille of base demand), linear in between.
    """

    name: Label
    categories: Rows[Label] = Field(default=(), max_length=100)
    products: Rows[ProductId] = Field(default=(), max_length=100_000)
    discount_pct: float = Field(ge=0, le=95)
    starts_at_minute: Minute
    duration_minutes: Minutes
    intensity: Rows[Rows[Annotated[int, Field(ge=0, le=100_000)]]] = Field(min_length=1, max_length=1000)


class Scenario(Part):
    """A whole sale; `text` is the TOML source as read."""

    name: str = Field(pattern=r"^[a-z0-9_]{1,20}$")
    seed: int = Field(ge=0, le=2**31 - 1)
    duration_minutes: Minutes
    shards: int = Field(ge=1, le=64)
    demand: Demand
    products: Products
    cities: Cities
    warehouses: Rows[Warehouse] = Field(min_length=1, max_length=500)
    routing: Routing
    stock: Stock
    inbound: Inbound
    fulfilment: Fulfilment
    campaigns: Rows[Campaign] = Field(default=(), max_length=100)
    uncertainty: Uncertainty = Uncertainty()
    excitation: Excitation = Excitation()
    outages: Rows[Outage] = Field(default=(), max_length=100)
    bursts: Rows[Burst] = Field(default=(), max_length=100)
    bots: Rows[Bots] = Field(default=(), max_length=100)
    phantom: Phantom = Phantom()
    faults: Faults = Faults()
    text: str


def load_scenario(path: Path) -> Scenario:
    """The scenario in `path`; raises ScenarioError (also for a file that cannot be read)."""
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise ScenarioError(f"scenario {path}: cannot be read ({error.strerror})") from error
    except UnicodeDecodeError as error:
        raise ScenarioError(f"scenario {path}: is not UTF-8 text (byte {error.start})") from error
    return parse_scenario(text, str(path))


def parse_scenario(text: str, source: str) -> Scenario:
    """The scenario that `text` (TOML) describes; `source` names it in ScenarioError."""
    try:
        data: dict[str, Any] = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise ScenarioError(f"scenario {source}: is not valid TOML: {error}") from error
    if "text" in data:
        raise ScenarioError(f"scenario {source}: text is not a known key")
    try:
        scenario = Scenario.model_validate({**data, "text": text})
    except ValidationError as error:
        raise ScenarioError(f"scenario {source}: {first_problem(Scenario, error)}") from error
    problem = contradiction(scenario)
    if problem:
        raise ScenarioError(f"scenario {source}: {problem}")
    return scenario
