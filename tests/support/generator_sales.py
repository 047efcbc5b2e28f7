"""Sales for tests of the generator: opened with the owner's rights, on a real MongoDB."""

import itertools
import os
from datetime import datetime, timedelta

from flashsale.dimensions import draw_dimensions
from flashsale.sale_run import SaleRun
from flashsale.scenario import parse_scenario
from flashsale.schema import INBOUND_SHIPMENTS
from flashsale.settings import Settings
from flashsale.stores.mongo import mongo_client
from flashsale.stores.provision import provision_registry, provision_sale
from flashsale.stores.sales import activate
from tests.support.scenarios import SMALL

_numbers = itertools.count(1)

BUSY_SHARDS = 4


def busy_scenario(minutes: int) -> str:
    """Some 80 orders and 15 inventory events a second, in four shards, with stock for half an hour."""
    plain = SMALL[: SMALL.index("[[campaigns]]")].replace("orders_per_second = 40.0", "orders_per_second = 120.0")
    plain = plain.replace("cover_median_minutes = 3.0", "cover_median_minutes = 20.0")
    return plain.replace("duration_minutes = 10\nshards = 2", f"duration_minutes = {minutes}\nshards = {BUSY_SHARDS}")


def open_sale(settings: Settings, scenario_toml: str, sale_start: datetime, *, shipments: bool = False) -> SaleRun:
    """A new active sale of the scenario, with an id of its own; optionally with its inbound shipments."""
    scenario = parse_scenario(scenario_toml, "of the test")
    sale = SaleRun(
        sale_id=f"gen_{os.getpid()}_{next(_numbers)}",
        scenario=scenario.name,
        scenario_toml=scenario_toml,
        seed=scenario.seed,
        sale_start=sale_start,
        sale_end=sale_start + timedelta(minutes=scenario.duration_minutes),
    )
    with mongo_client(settings, "owner") as owner:
        provision_registry(owner, settings)
        provision_sale(owner, sale)
        activate(owner, sale)
        if shipments:
            drawn = draw_dimensions(scenario, sale.seed, sale_start).shipments
            owner[sale.database][INBOUND_SHIPMENTS.name].insert_many(drawn)
    return sale
