"""A live sale as contract 1 left it: layout from `tests/contracts/v1.json`, and a writer that knows no other.

The file was taken from a MongoDB that the code of contract 1 had set up and written to.
"""

from dataclasses import asdict
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any

from bson import json_util
from bson.binary import Binary
from pymongo.database import Database

from flashsale.sale_run import SaleRun
from flashsale.schema import CHECKPOINTS, REGISTRY_DATABASE, SALES
from flashsale.stores.mongo import Client
from generator.retry import until_acknowledged
from generator.runner import SaleRunner
from generator.state_bytes import to_bytes

Documents = Database[dict[str, Any]]

FROZEN: dict[str, Any] = json_util.loads((Path(__file__).parents[1] / "contracts" / "v1.json").read_text())
_NEW_IN_2 = {CHECKPOINTS: ["contract_version"], SALES: ["planned_end"]}


def rebuild_as_contract_1(owner: Client, sale: SaleRun) -> None:
    """Put the sale's documents, as this version wrote them, into databases laid out by contract 1.

    The registry holds this one sale afterwards.
    """
    database, registry = owner[sale.database], owner[REGISTRY_DATABASE]
    kept = {name: list(database[name].find()) for name in FROZEN["sale"]}
    document = registry[SALES].find_one({"_id": sale.sale_id})
    assert document is not None
    owner.drop_database(database.name)
    owner.drop_database(registry.name)
    _lay_out(database, FROZEN["sale"], kept)
    _lay_out(registry, FROZEN["registry"], {SALES: [{**document, "contract_version": 1}]})
    for name, fields in FROZEN["document_fields"].items():
        found = database[name].find_one()
        assert found is None or sorted(found) == fields, name
    stored = registry[SALES].find_one()
    assert stored is not None
    assert sorted(stored) == sorted(FROZEN["registry_document"])
    _grant(owner, sale)


def _lay_out(database: Documents, collections: dict[str, Any], documents: dict[str, list[dict[str, Any]]]) -> None:
    for name, layout in collections.items():
        collection = database.create_collection(name, **layout["options"])
        for index in layout["indexes"]:
            keys = [(field, int(order)) for field, order in index["key"].items()]
            collection.create_index(keys, **{k: v for k, v in index.items() if k != "key"})
        if documents.get(name):
            new = _NEW_IN_2.get(name, [])
            collection.insert_many([{k: v for k, v in d.items() if k not in new} for d in documents[name]])


def _grant(owner: Client, sale: SaleRun) -> None:
    for role, privileges in FROZEN["roles"].items():
        owner.admin.command(
            "updateRole",
            role.format(sale_id=sale.sale_id),
            privileges=[
                {
                    "resource": {"db": one["database"].format(database=sale.database), "collection": one["collection"]},
                    "actions": one["actions"],
                }
                for one in privileges
            ],
        )


class Contract1Runner(SaleRunner):
    """The generator of contract 1: the same facts, its own checkpoints, and no look at the version."""

    def _checkpoint(self, shard: Any, acked_through: datetime) -> None:
        state = {"ledger": asdict(shard.ledger), "simulation": Binary(to_bytes(shard.state))}
        fields = {"acked_through": acked_through, "tick": shard.state.tick, "state": state}
        write = partial(self._database[CHECKPOINTS].update_one, {"_id": shard.world.shard}, {"$set": fields}, True)
        until_acknowledged("save the checkpoint", write, self._stop)

    def _is_active(self) -> bool:
        found = self._client[REGISTRY_DATABASE][SALES].find_one({"active": True})
        return found is not None and found["_id"] == self._sale.sale_id
