"""Bring the registry and a sale to the contract of this version while the sale goes on.

A writer of the old version may still run.  Under the new validators its facts could be
refused and quarantined though they were right, so its rights are taken away first; it ends
with an error, its last tick unacknowledged, and the new version does that tick again.
Killed at any point, the upgrade is done again from the fence on.
"""

import logging
import time

from flashsale import CONTRACT_VERSION
from flashsale.sale_run import SaleRun
from flashsale.schema import REGISTRY_DATABASE
from flashsale.settings import Settings
from flashsale.stores.migrations import MIGRATIONS
from flashsale.stores.mongo import Client
from flashsale.stores.provision import lay_out_registry, lay_out_sale, provision_registry
from flashsale.stores.rights import grant_sale_rights, withdraw_writing
from flashsale.stores.sales import find_active_sale, mark_registry, mark_sale, registry_version

_LOG = logging.getLogger(__name__)

FENCE_SECONDS = 6.0
"""Longer than a tick and than the longest pause of a writer between two tries: each live one tries meanwhile."""


def bring_up_to_date(client: Client, settings: Settings) -> None:
    """The registry, the service users and the live sale are of this version's contract afterwards.

    Raises StoreNotReadyError, and changes nothing, when a newer version wrote one of them.
    """
    registry = registry_version(client)
    sale = find_active_sale(client)
    behind = [v for v in (registry, sale.contract_version if sale else None) if v is not None and v < CONTRACT_VERSION]
    if behind:
        _LOG.warning("upgrading from contract %d to %d; writers wait meanwhile", min(behind), CONTRACT_VERSION)
        _fence(client, sale)
        _migrate_registry(client, min(behind))
        if sale is not None:
            _migrate_sale(client, sale)
        mark_registry(client, CONTRACT_VERSION)
        if sale is not None:
            grant_sale_rights(client, sale)
    provision_registry(client, settings)


def upgrade_sale(client: Client, sale: SaleRun) -> None:
    """The same for one past sale; on one that is of this contract it changes nothing."""
    if sale.contract_version < CONTRACT_VERSION:
        withdraw_writing(client, sale)
        _migrate_sale(client, sale)
        grant_sale_rights(client, sale)


def _fence(client: Client, sale: SaleRun | None) -> None:
    withdraw_writing(client, sale)
    time.sleep(FENCE_SECONDS)


def _migrate_registry(client: Client, version: int) -> None:
    for migration in MIGRATIONS:
        if migration.version > version:
            migration.registry(client[REGISTRY_DATABASE])
    lay_out_registry(client)


def _migrate_sale(client: Client, sale: SaleRun) -> None:
    for migration in MIGRATIONS:
        if migration.version > sale.contract_version:
            migration.sale(client[sale.database])
    lay_out_sale(client, sale)
    mark_sale(client, sale.sale_id, CONTRACT_VERSION)
