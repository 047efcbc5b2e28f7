"""A live sale as contract 1 left it: layout from `tests/contracts/v1.json`, and a writer that knows no other.

The file was taken from a MongoDB that the code of contract 1 had set up and written to.
"""

import threading
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

from bson import json_util
from bson.binary import Binary
from pymongo.database import Database

from flashsale.minutes import from_epoch_ms, utc_now
from flashsale.sale_run import SaleRun
from flashsale.scenario import parse_scenario
from flashsale.schema import CHECKPOINTS, REGISTRY_DATABASE, SALES
from flashsale.settings import Settings
from flashsale.stores.mongo import Client
from generator.checkpoint import load_checkpoint
from generator.facts import inventory_documents, order_documents, tick_time_ms
from generator.retry import until_acknowledged
from generator.running.pacing import tick_end
from generator.shard_state import Totals
from generator.shipments import update_shipments
from generator.simulation import step
from generator.state_bytes import to_bytes
from generator.world import open_worlds
from generator.writer import FactWriter

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


class Contract1Runner:
    """The generator of contract 1: the same facts tick by tick, its own checkpoints, and no look at the version."""

    def __init__(self, client: Client, sale: SaleRun, settings: Settings, stop: threading.Event) -> None:
        self._client, self._sale, self._stop = client, sale, stop
        self._database = client[sale.database]
        self._worlds = open_worlds(parse_scenario(sale.scenario_toml, "of the test"), sale)
        points = [load_checkpoint(self._database, world, sale.sale_start) for world in self._worlds]
        assert all(point.state.tick == point.tick for point in points), "contract 1 saved the state with every tick"
        self._states = [point.state for point in points]
        self._writers = [
            FactWriter(self._database, settings, world.shard, resume=point.ledger, stop=stop)
            for world, point in zip(self._worlds, points, strict=True)
        ]
        self.next_tick = min(state.tick for state in self._states) + 1

    def run(self) -> None:
        """Back to back until the clock is reached, then once a second."""
        while not self._stop.is_set() and self.next_tick < self._sale.seconds and self._is_active():
            due = tick_end(self._sale.sale_start, self.next_tick)
            if self._stop.wait(max(0.0, (due - utc_now()).total_seconds())):
                return
            self._do_tick(self.next_tick)
            self.next_tick += 1

    def _do_tick(self, tick: int) -> None:
        totals = Totals.of(state.aggregate for state in self._states)
        arrived_ms = tick_time_ms(self._worlds[0].start_ms, tick)
        arrived_at = from_epoch_ms(arrived_ms)
        for index, (world, writer) in enumerate(zip(self._worlds, self._writers, strict=True)):
            self._states[index], facts = step(world, self._states[index], totals)
            ledger = writer.write_tick(
                arrived_at, order_documents(facts.orders, arrived_ms), inventory_documents(facts.inventory, arrived_ms)
            )
            moved = [(update, arrived_at) for update in facts.shipments]
            until_acknowledged("update shipments", partial(update_shipments, self._database, moved), self._stop)
            state = {"ledger": asdict(ledger), "simulation": Binary(to_bytes(self._states[index]))}
            fields = {"acked_through": tick_end(self._sale.sale_start, tick), "tick": tick, "state": state}
            write = partial(self._database[CHECKPOINTS].update_one, {"_id": world.shard}, {"$set": fields}, True)
            until_acknowledged("save the checkpoint", write, self._stop)

    def _is_active(self) -> bool:
        found = self._client[REGISTRY_DATABASE][SALES].find_one({"active": True})
        return found is not None and found["_id"] == self._sale.sale_id
