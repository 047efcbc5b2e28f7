"""Open a sale, or go on with the one that was live a moment ago."""

from datetime import datetime, timedelta

from flashsale.errors import StoreNotReadyError
from flashsale.minutes import utc_now
from flashsale.sale_run import SaleRun
from flashsale.scenario import Scenario, load_scenario
from flashsale.settings import Settings
from flashsale.stores.ingest import read_watermark
from flashsale.stores.mongo import Client
from flashsale.stores.provision import provision_registry, provision_sale
from flashsale.stores.sales import activate, active_sale


def open_or_resume(client: Client, settings: Settings) -> SaleRun:
    """The live sale of the scenario in `settings.sale`, ready to be written to.

    The active sale goes on when it is of the same scenario, has not ended, and its
    watermark is at most `settings.resume_pause_seconds` old; otherwise a new one starts
    at the next second.  Either way its validators, indexes, users and rights are in place
    afterwards.  `client` is logged in as owner.  Raises ScenarioError.
    """
    scenario = load_scenario(settings.sale)
    provision_registry(client, settings)
    now = utc_now()
    sale = resumable_sale(client, scenario, settings, now) or new_sale(scenario, now)
    provision_sale(client, sale)
    activate(client, sale)
    return sale


def resumable_sale(client: Client, scenario: Scenario, settings: Settings, now: datetime) -> SaleRun | None:
    """The active sale if it may go on as if nothing had happened, else None."""
    try:
        sale = active_sale(client)
    except StoreNotReadyError:
        return None
    if sale.scenario_toml != scenario.text or sale.sale_end <= now:
        return None
    # A sale nobody has written to yet paused since its start.
    watermark = read_watermark(client[sale.database]) or sale.sale_start
    return sale if now - watermark <= timedelta(seconds=settings.resume_pause_seconds) else None


def new_sale(scenario: Scenario, now: datetime) -> SaleRun:
    """A sale of `scenario` that starts at the next whole second."""
    start = now.replace(microsecond=0)
    if start < now:
        start += timedelta(seconds=1)
    return SaleRun(
        sale_id=f"{scenario.name}_{start:%Y%m%d_%H%M%S}",
        scenario=scenario.name,
        scenario_toml=scenario.text,
        seed=scenario.seed,
        sale_start=start,
        sale_end=start + timedelta(minutes=scenario.duration_minutes),
    )
