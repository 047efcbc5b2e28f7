"""Imported sales in the registry: found again by what they were imported from."""

from flashsale.sale_run import SaleRun
from flashsale.schema import REGISTRY_DATABASE, SALES
from flashsale.stores.mongo import Client


def find_imported(client: Client, scenario: str, seed: int, *, unfinished_live: bool) -> SaleRun | None:
    """The newest sale with this scenario and seed; with `unfinished_live` only the live one that has not ended."""
    wanted: dict[str, object] = {"scenario": scenario, "seed": seed}
    if unfinished_live:
        wanted |= {"active": True, "phase": {"$ne": "ended"}}
    document = client[REGISTRY_DATABASE][SALES].find_one(wanted, sort=[("sale_start", -1), ("_id", -1)])
    return None if document is None else SaleRun.from_document(document)
