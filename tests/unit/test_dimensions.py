"""What the business knows before the sale: drawn once, stored as the schema says."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from bson.int64 import Int64

from flashsale.campaigns import CampaignPlan, planned_intensity
from flashsale.dimensions import Dimensions, draw_dimensions
from flashsale.market import distance_km, draw_market, mean_quantity
from flashsale.scenario import Scenario, load_scenario, parse_scenario
from flashsale.schema import CAMPAIGNS, CITIES, INBOUND_SHIPMENTS, PRODUCTS, WAREHOUSES, Table
from flashsale.violations import violation
from tests.support.scenarios import SMALL

START = datetime(2026, 11, 11, 9, tzinfo=UTC)
DEMO = load_scenario(Path(__file__).parents[2] / "configs" / "sales" / "demo.toml")


@pytest.fixture(params=["demo", "small"])
def scenario(request: pytest.FixtureRequest) -> Scenario:
    return DEMO if request.param == "demo" else parse_scenario(SMALL, "x")


def tables(drawn: Dimensions) -> list[tuple[Table, list[dict[str, Any]]]]:
    return [
        (PRODUCTS, drawn.products),
        (WAREHOUSES, drawn.warehouses),
        (CITIES, drawn.cities),
        (CAMPAIGNS, drawn.campaigns),
        (INBOUND_SHIPMENTS, drawn.shipments),
    ]


def test_every_document_has_the_stored_form_of_its_table(scenario: Scenario) -> None:
    for table, documents in tables(draw_dimensions(scenario, scenario.seed, START)):
        assert documents
        assert [d["_id"] for d in documents] == list(range(1, len(documents) + 1))
        for document in documents:
            assert violation(table, document) is None


def test_the_same_sale_draws_the_same_documents_and_another_seed_others(scenario: Scenario) -> None:
    drawn = draw_dimensions(scenario, 3, START)
    assert draw_dimensions(scenario, 3, START) == drawn
    assert draw_dimensions(scenario, 4, START).products != drawn.products


def test_names_are_unique_and_references_lead_somewhere(scenario: Scenario) -> None:
    drawn = draw_dimensions(scenario, scenario.seed, START)
    assert len({p["name"] for p in drawn.products}) == len(drawn.products) == scenario.products.count
    cities = {c["_id"] for c in drawn.cities}
    assert {w["city_id"] for w in drawn.warehouses} <= cities
    products, warehouses = {p["_id"] for p in drawn.products}, {w["_id"] for w in drawn.warehouses}
    for shipment in drawn.shipments:
        assert shipment["product_id"] in products
        assert shipment["warehouse_id"] in warehouses
        assert START < shipment["due_at"] < START + timedelta(minutes=scenario.duration_minutes)
        assert (shipment["status"], shipment["received_at"]) == ("planned", None)


def test_prices_lie_in_their_category_and_cost_less(scenario: Scenario) -> None:
    ranges = {c.name: (c.price_min * 100, c.price_max * 100) for c in scenario.products.categories}
    for product in draw_dimensions(scenario, scenario.seed, START).products:
        low, high = ranges[product["category"]]
        assert low - 100 <= product["base_price"] <= high + 100
        assert isinstance(product["base_price"], Int64)
        assert 0 < product["unit_cost"] < product["base_price"]


def test_shipments_are_announced_at_the_minute_and_come_no_earlier(scenario: Scenario) -> None:
    shipments = draw_market(scenario, scenario.seed).shipments
    assert (shipments.arrival_second >= shipments.due_minute * 60).all()
    assert (shipments.arrival_qty <= shipments.qty).all()
    assert (shipments.arrival_qty > 0).all()


def test_every_product_is_stocked_somewhere_and_only_stocked_pairs_open_with_stock(scenario: Scenario) -> None:
    market = draw_market(scenario, scenario.seed)
    assert market.stocked.any(axis=1).all()
    assert not market.stocked.all(), "some pairs should not be stocked"
    assert (market.opening[~market.stocked] == 0).all()
    total = scenario.demand.orders_per_second * 60 * mean_quantity(scenario.demand)
    assert market.base_rate.sum() == pytest.approx(total)


def test_distance_karachi_lahore_is_what_the_map_says() -> None:
    market = draw_market(DEMO, 1)
    km = distance_km(market.cities, market.cities)
    names = list(DEMO.cities.names)
    assert km[names.index("Karachi"), names.index("Lahore")] == pytest.approx(1024, abs=10)
    assert km.diagonal() == pytest.approx(0)


def test_plan_multiplies_sale_wide_campaigns_and_leaves_partial_ones_out() -> None:
    def campaign(first: int, intensity: list[int], **covers: list[Any]) -> dict[str, Any]:
        return {
            "categories": covers.get("categories", []),
            "products": covers.get("products", []),
            "starts_at": START + timedelta(minutes=first),
            "discount_pct": 10.0,
            "planned_intensity": intensity,
        }

    campaigns = [
        campaign(0, [500, 1500, 2000]),
        campaign(1, [2000]),
        campaign(0, [9000, 9000], categories=["Audio"]),
        campaign(-1, [7000, 1000]),
    ]
    assert planned_intensity(campaigns, START, 5) == [500, 3000, 2000, 1000, 1000]


def test_plan_of_a_product_is_lifted_by_its_category_and_takes_the_best_discount() -> None:
    scenario = parse_scenario(SMALL, "x")
    drawn = draw_dimensions(scenario, scenario.seed, START)
    categories = [p["category"] for p in drawn.products]
    plan = CampaignPlan(drawn.campaigns, START, [p["_id"] for p in drawn.products], categories)
    intensity, discount = plan.at(2)
    sale_wide = planned_intensity(drawn.campaigns, START, 10)[2] / 1000
    for i, category in enumerate(categories):
        audio = category == "Audio"
        assert intensity[i] == pytest.approx(sale_wide * (2 if audio else 1))
        assert discount[i] == pytest.approx(0.4 if audio else 0.2)
    assert (plan.at(6)[1] == 0.2).all()
    assert (plan.at(500)[0] == 1).all()
