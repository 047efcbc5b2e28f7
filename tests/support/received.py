"""What faulty senders made of a run's facts, told from the same run without faults."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from flashsale.schema import ORDERS
from generator.facts import inventory_documents, order_documents, tick_time_ms
from tests.support.simulated import START_MS, Run

Document = dict[str, Any]
TICKS = 600
"""Length of the sale: what is on its way then arrives in its last second."""


@dataclass(frozen=True)
class Received:
    """One table: what a faultless run sends by id, what arrived of it with the tick, and strays with theirs."""

    sent: dict[int, tuple[int, Document]]
    arrived: dict[int, tuple[int, Document]]
    strays: list[tuple[int, Document]]

    def kind(self, document: Document) -> str:
        """Which fault a stray met, judged by what it is."""
        sent = self.sent[document["_id"]][1]
        if document["_id"] in self.arrived:
            return "duplicate" if document == self.arrived[document["_id"]][1] else "conflict"
        moment = "order_ts" if "order_qty" in sent else "inventory_ts"
        same = {**document, moment: sent[moment]} == sent
        return "skewed" if same and not isinstance(document[moment], str) else "malformed"

    def of_kind(self, kind: str) -> list[tuple[int, Document]]:
        """Strays of one kind."""
        return [(tick, document) for tick, document in self.strays if self.kind(document) == kind]

    def fates(self) -> Counter[str]:
        """Facts by fault, of those sent after the first tick and early enough to be late in full."""
        found: Counter[str] = Counter()
        for identity, (tick, _) in self.arrived.items():
            if 0 < self.sent[identity][0] < TICKS - 300:
                delay = tick - self.sent[identity][0]
                found["late" if delay >= 180 else "out_of_order" if delay else "well"] += 1
        for _, document in self.strays:
            if 0 < self.sent[document["_id"]][0] < TICKS - 300:
                kind = self.kind(document)
                # What is sent again arrived well the first time, too.
                found.subtract(["well"] if kind in ("duplicate", "conflict") else [])
                found[kind] += 1
        return found


def by_id(run: Run, documents: Callable[[Any, int], list[Document]], columns: str) -> dict[int, tuple[int, Document]]:
    found: dict[int, tuple[int, Document]] = {}
    for facts in (facts for tick in run.history for facts in tick):
        for document in documents(getattr(facts, columns), tick_time_ms(START_MS, facts.tick)):
            assert document["_id"] not in found, "arrived twice as if for the first time"
            found[document["_id"]] = (facts.tick, document)
    return found


def received(clean: Run, faulty: Run, table: str = ORDERS.name) -> Received:
    """One table of a run, told from the same run without faults."""
    documents, columns = (order_documents, "orders") if table == ORDERS.name else (inventory_documents, "inventory")
    strays = [
        (facts.tick, document) for tick in faulty.history for facts in tick for document in facts.strays.get(table, [])
    ]
    return Received(by_id(clean, documents, columns), by_id(faulty, documents, columns), strays)
