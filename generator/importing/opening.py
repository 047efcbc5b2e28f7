"""Which sale an import goes on with, or opens: each store's part with the login that it is for."""

import logging
from datetime import datetime

from flashsale.dimensions import Dimensions, planned_intensity
from flashsale.errors import FlashsaleError, ServiceUnavailableError, SettingsError
from flashsale.imported_sale import imported_sale, imported_scenario
from flashsale.minutes import iso
from flashsale.sale_opening import open_new, resumable_sale
from flashsale.sale_run import SaleRun
from flashsale.settings import Settings
from flashsale.stores.context import write_dimensions, write_sale
from flashsale.stores.dimension_tables import dimensions_view, put_dimension_tables
from flashsale.stores.imported_sales import find_imported
from flashsale.stores.mongo import Client, mongo_client, mongo_errors
from flashsale.stores.provision import provision_sale
from flashsale.stores.redis_client import redis_client, redis_errors
from flashsale.stores.sales import activate, register
from flashsale.stores.upgrade import bring_up_to_date
from generator.importing.reading import Inputs

_LOG = logging.getLogger("generator")


def earlier_sale(owner: Client, inputs: Inputs) -> SaleRun | None:
    """The sale that an earlier import of the same content opened and this one goes on with.

    A replay at some speed is gone on with while it is the live sale and has not ended; afterwards it begins anew.
    """
    scenario = imported_scenario(inputs.mapping.name)
    return find_imported(owner, scenario, inputs.seed, unfinished_live=inputs.speed is not None)


def require_no_live_sale(owner: Client, settings: Settings, now: datetime) -> None:
    """Raise FlashsaleError when a sale is being written now: a replay would end it."""
    live = resumable_sale(owner, settings, now)
    if live is not None:
        raise FlashsaleError(
            f"sale {live.sale_id} is live until {iso(live.sale_end)} and a replay would take its place; "
            "--switch ends it, --speed max imports beside it"
        )


def open_sale(
    owner: Client, settings: Settings, inputs: Inputs, earlier: SaleRun | None, span: tuple[datetime, datetime]
) -> SaleRun:
    """The sale of `inputs` in ``[span)``, ready to be written to: `earlier`, or a new one.

    A new one is the live sale, except at `--speed max`.
    """
    bring_up_to_date(owner, settings)
    if earlier is not None:
        provision_sale(owner, earlier)
        return earlier
    mapping = inputs.mapping
    sale = imported_sale(mapping.name, mapping.text, inputs.seed, *span)
    if inputs.speed is None:
        return open_new(owner, sale, lambda candidate: register(owner, candidate))
    return open_new(owner, sale, lambda candidate: activate(owner, candidate, new=True))


def put_dimensions(settings: Settings, sale: SaleRun, dimensions: Dimensions, *, live: bool) -> None:
    """Write the dimensions to MongoDB as `jobs`, and for a `live` sale their names to Redis as `publisher`.

    Without Redis the page shows numbers for names until the DAG seed_dimensions has run; that is said.
    """
    with mongo_errors("write the dimensions"), mongo_client(settings, "jobs") as jobs:
        put_dimension_tables(jobs[sale.database], dimensions)
    if not live:
        return
    try:
        with redis_errors("write the names"), redis_client(settings, "publisher") as redis:
            write_dimensions(redis, sale.sale_id, dimensions_view(dimensions))
            write_sale(redis, sale, planned_intensity(dimensions.campaigns, sale.sale_start, sale.minutes))
    except (SettingsError, ServiceUnavailableError) as error:
        _LOG.warning("%s; the page shows names once seed_dimensions has run", error)
