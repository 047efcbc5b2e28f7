"""A sale in the past, beside the live one, for the generator to simulate faster than the clock."""

from datetime import datetime, timedelta

from pymongo import ReplaceOne

from flashsale.dimensions import draw_dimensions
from flashsale.errors import FlashsaleError
from flashsale.minutes import floor_minute, iso, utc_now
from flashsale.sale_opening import new_sale, open_new
from flashsale.sale_run import SaleRun
from flashsale.scenario import load_scenario
from flashsale.schema import INBOUND_SHIPMENTS
from flashsale.settings import Settings
from flashsale.stores.dimension_tables import put_dimension_tables
from flashsale.stores.mongo import Client
from flashsale.stores.sales import register
from flashsale.stores.upgrade import bring_up_to_date


def rehearse_sale(client: Client, settings: Settings, ends_at: datetime | None = None) -> SaleRun:
    """A new sale of the scenario in `settings.sale` that ends at `ends_at`, by default with the last whole minute.

    It is provisioned and has its dimensions, but no facts; the live sale stays the live one.
    `client` is logged in as owner.  Raises ScenarioError, FlashsaleError when `ends_at` is
    in the future, and StoreNotReadyError when a newer version wrote the stores.
    """
    scenario = load_scenario(settings.sale)
    now = utc_now()
    end = floor_minute(now) if ends_at is None else ends_at.replace(microsecond=0)
    if end > now:
        raise FlashsaleError(f"a rehearsal cannot end at {iso(end)}, it is {iso(now)}; give an earlier time")
    bring_up_to_date(client, settings)
    sale = new_sale(scenario, end - timedelta(minutes=scenario.duration_minutes))

    def fill_and_register(candidate: SaleRun) -> None:
        drawn, database = draw_dimensions(scenario, candidate.seed, candidate.sale_start), client[candidate.database]
        put_dimension_tables(database, drawn)
        shipments = [ReplaceOne({"_id": d["_id"]}, d, upsert=True) for d in drawn.shipments]
        if shipments:
            database[INBOUND_SHIPMENTS.name].bulk_write(shipments, ordered=False)
        register(client, candidate)

    return open_new(client, sale, fill_and_register)
