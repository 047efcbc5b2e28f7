"""What the single fields of a scenario cannot tell: keys that contradict each other."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

from flashsale.gazetteer import PLACES
from flashsale.scenario_messages import shown

if TYPE_CHECKING:
    from flashsale.scenario import Campaign, Scenario
    from flashsale.scenario_trouble import Bots, Burst, Outage

MAX_PAIRS = 1_000_000
"""(product, warehouse) pairs of a sale: what fits in memory, and in the ids of one tick."""


def contradiction(scenario: Scenario) -> str | None:
    """What the single fields cannot tell: the first key that contradicts another one, or None."""
    products, cities = scenario.products, scenario.cities.names
    for i, name in enumerate(cities):
        if name not in PLACES:
            return f"cities.names[{i}] must be one of {', '.join(PLACES)}, got {shown(name)}"
    warehouses = [w.name for w in scenario.warehouses]
    categories = [c.name for c in products.categories]
    if products.count * len(warehouses) > MAX_PAIRS:
        most = MAX_PAIRS // len(warehouses)
        return f"products.count must be 1..{most} with {len(warehouses)} warehouses, got {products.count}"
    repeated = (
        _repeated("cities.names", list(cities))
        or _repeated("warehouses.name", warehouses)
        or _repeated("products.categories.name", categories)
    )
    if repeated:
        return repeated
    for i, warehouse in enumerate(scenario.warehouses):
        if warehouse.city not in cities:
            return f"warehouses[{i}].city must be one of cities.names, got {shown(warehouse.city)}"
    for i, category in enumerate(products.categories):
        if category.price_max < category.price_min:
            return (
                f"products.categories[{i}].price_max must be at least price_min "
                f"{category.price_min}, got {category.price_max}"
            )
    if products.cost_share_max < products.cost_share_min:
        return f"products.cost_share_max must be {products.cost_share_min}..1, got {products.cost_share_max}"
    for i, campaign in enumerate(scenario.campaigns):
        problem = _campaign_contradiction(campaign, scenario, categories)
        if problem:
            return f"campaigns[{i}].{problem}"
    return _trouble_contradiction(scenario, warehouses, categories)


def _campaign_contradiction(campaign: Campaign, scenario: Scenario, categories: list[str]) -> str | None:
    problem = _coverage_contradiction(campaign, scenario, categories) or _span_contradiction(campaign, scenario)
    if problem:
        return problem
    if any(len(point) != 2 for point in campaign.intensity):
        return "intensity must list [minute, permille] pairs"
    minutes = [point[0] for point in campaign.intensity]
    if any(later <= earlier for earlier, later in pairwise(minutes)):
        return f"intensity must list rising minutes, got {minutes}"
    return None


def _trouble_contradiction(scenario: Scenario, warehouses: list[str], categories: list[str]) -> str | None:
    for i, outage in enumerate(scenario.outages):
        if outage.warehouse not in warehouses:
            return f"outages[{i}].warehouse must be one of {', '.join(warehouses)}, got {shown(outage.warehouse)}"
        problem = _span_contradiction(outage, scenario)
        if problem:
            return f"outages[{i}].{problem}"
    for i, burst in enumerate(scenario.bursts):
        problem = _coverage_contradiction(burst, scenario, categories) or _span_contradiction(burst, scenario)
        if problem:
            return f"bursts[{i}].{problem}"
    for i, bots in enumerate(scenario.bots):
        problem = _products_contradiction(bots.products, scenario) or _span_contradiction(bots, scenario)
        if problem:
            return f"bots[{i}].{problem}"
        if bots.city not in scenario.cities.names:
            return f"bots[{i}].city must be one of cities.names, got {shown(bots.city)}"
        if bots.seller > scenario.products.sellers:
            return f"bots[{i}].seller must be 1..{scenario.products.sellers}, got {bots.seller}"
    if scenario.faults.total > 1:
        return f"faults: the shares must add up to 1 at most, got {scenario.faults.total:g}"
    return None


def _coverage_contradiction(part: Campaign | Burst, scenario: Scenario, categories: list[str]) -> str | None:
    for name in part.categories:
        if name not in categories:
            return f"categories must name categories of this scenario ({', '.join(categories)}), got {shown(name)}"
    return _products_contradiction(part.products, scenario)


def _products_contradiction(products: tuple[int, ...], scenario: Scenario) -> str | None:
    for product in products:
        if product > scenario.products.count:
            return f"products must be 1..{scenario.products.count}, got {product}"
    return None


def _span_contradiction(part: Campaign | Outage | Burst | Bots, scenario: Scenario) -> str | None:
    left = scenario.duration_minutes - part.starts_at_minute
    if left < 1:
        return f"starts_at_minute must be 0..{scenario.duration_minutes - 1}, got {part.starts_at_minute}"
    if part.duration_minutes > left:
        return f"duration_minutes must be 1..{left} to end with the sale, got {part.duration_minutes}"
    return None


def _repeated(key: str, names: list[str]) -> str | None:
    for name in names:
        if names.count(name) > 1:
            return f"{key} must not repeat, got {shown(name)} twice"
    return None
