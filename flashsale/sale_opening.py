"""Open a sale, or go on with the one that was live a moment ago."""

import itertools
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta

from pymongo.errors import DuplicateKeyError

from flashsale.errors import FlashsaleError
from flashsale.minutes import iso, utc_now
from flashsale.sale_run import SaleRun
from flashsale.scenario import Scenario, load_scenario
from flashsale.settings import Settings
from flashsale.stores.ingest import read_watermark
from flashsale.stores.mongo import Client
from flashsale.stores.provision import provision_sale
from flashsale.stores.sales import activate, find_active_sale, is_registered
from flashsale.stores.upgrade import bring_up_to_date

START_LEAD = timedelta(seconds=10)
"""From the command to the first second of a sale: the dimensions are seeded before its first order."""


def open_or_resume(client: Client, settings: Settings, *, switch: bool = False) -> SaleRun:
    """The live sale, or else a new one of the scenario in `settings.sale`, ready to be written to.

    The active sale goes on, with the scenario text it was opened with, when it has not ended
    and its watermark is at most `settings.resume_pause_seconds` old; with `switch` only when
    it has the scenario's name and seed.  Otherwise a new one starts at the next second.
    Either way its validators, indexes, users and rights are in place afterwards, and are
    those of this version.  `client` is logged in as owner.  Raises ScenarioError, and
    StoreNotReadyError when a newer version wrote the stores.
    """
    scenario = load_scenario(settings.sale)
    bring_up_to_date(client, settings)
    now = utc_now()
    sale = resumable_sale(client, settings, now)
    if sale is None or (switch and not is_of(sale, scenario)):
        return _open_live(client, new_sale(scenario, now))
    provision_sale(client, sale)
    activate(client, sale)
    return sale


def start_sale(client: Client, settings: Settings, at: datetime | None = None) -> SaleRun:
    """A new sale of the scenario in `settings.sale`, which ends the live one.

    It starts at `at`, by default `START_LEAD` from now.  Raises as `open_or_resume`, and
    FlashsaleError when `at` is not in the future.
    """
    scenario = load_scenario(settings.sale)
    if at is not None and at <= utc_now():
        raise FlashsaleError(f"a sale cannot start at {iso(at)}, it is {iso(utc_now())} already; give a later time")
    bring_up_to_date(client, settings)
    return _open_live(client, new_sale(scenario, at or utc_now() + START_LEAD))


def is_of(sale: SaleRun, scenario: Scenario) -> bool:
    """Whether name and seed are the same; the text may have been edited since."""
    return (sale.scenario, sale.seed) == (scenario.name, scenario.seed)


def resumable_sale(client: Client, settings: Settings, now: datetime) -> SaleRun | None:
    """The active sale if it may go on as if nothing had happened, else None."""
    sale = find_active_sale(client)
    if sale is None or sale.phase == "ended" or sale.sale_end <= now:
        return None
    # A sale nobody has written to yet paused since its start; before its start it cannot pause.
    written = max(read_watermark(client[sale.database]) or sale.sale_start, sale.sale_start)
    return sale if now - written <= timedelta(seconds=settings.resume_pause_seconds) else None


def new_sale(scenario: Scenario, not_before: datetime) -> SaleRun:
    """A sale of `scenario` that starts at the first whole second not before that time."""
    start = not_before.replace(microsecond=0)
    if start < not_before:
        start += timedelta(seconds=1)
    end = start + timedelta(minutes=scenario.duration_minutes)
    return SaleRun(
        sale_id=f"{scenario.name}_{start:%Y%m%d_%H%M%S}",
        scenario=scenario.name,
        scenario_toml=scenario.text,
        seed=scenario.seed,
        sale_start=start,
        sale_end=end,
        planned_end=end,
    )


def _open_live(client: Client, sale: SaleRun) -> SaleRun:
    return open_new(client, sale, lambda candidate: activate(client, candidate, new=True))


def open_new(client: Client, sale: SaleRun, register: Callable[[SaleRun], None]) -> SaleRun:
    """Provision and `register` the sale, under an id that no other has.

    `register` raises pymongo's DuplicateKeyError when another took the id meanwhile.
    """
    suffixes = itertools.chain([""], (f"_{number}" for number in itertools.count(2)))
    while True:
        candidate = replace(sale, sale_id=sale.sale_id + next(suffixes))
        if is_registered(client, candidate.sale_id):
            continue
        provision_sale(client, candidate)
        # Another start may have been faster by a moment.
        with suppress(DuplicateKeyError):
            register(candidate)
            return candidate
