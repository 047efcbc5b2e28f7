"""What a shard sends in one tick, and which ticks can be written together."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import numpy as np

from flashsale.minutes import epoch_ms
from flashsale.schema import FACTS
from generator.encoding import FactBlock


@dataclass(frozen=True, slots=True)
class TickWrite:
    """Facts that arrive at `tick_time`: `blocks`, and `documents` by table name, which may be anything.

    Raises ValueError for blocks of another tick and for documents of a table that holds no facts.
    """

    tick_time: datetime
    blocks: Sequence[FactBlock] = ()
    documents: Mapping[str, Sequence[Any]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if any(block.arrived_ms != epoch_ms(self.tick_time) for block in self.blocks):
            raise ValueError(f"every block must arrive at {self.tick_time}")
        if unknown := set(self.documents) - {table.name for table in FACTS}:
            raise ValueError(f"no facts are called {', '.join(sorted(unknown))}")


def runs(ticks: Sequence[TickWrite]) -> Iterator[list[TickWrite]]:
    """`ticks` in runs, of which all blocks can be written before all documents.

    That gives what writing tick by tick gives unless a document carries the id of a fact of a
    later tick: there a new run begins.
    """
    run: list[TickWrite] = []
    seen: dict[str, set[int]] = {table.name: set() for table in FACTS}
    for tick in ticks:
        if any(_meet(block, seen[block.table.name]) for block in tick.blocks):
            yield run
            run = []
            seen = {table.name: set() for table in FACTS}
        run.append(tick)
        for name, documents in tick.documents.items():
            seen[name].update(number for number in map(_id_of, documents) if number is not None)
    if run:
        yield run


def _meet(block: FactBlock, ids: set[int]) -> bool:
    return bool(ids) and bool(np.isin(block.ids, list(ids)).any())


def _id_of(document: Any) -> int | None:
    """The document's id, None where it has none that could be a block's: only integers of 64 bit are stored."""
    number = document.get("_id") if isinstance(document, Mapping) else None
    return int(number) if isinstance(number, int) and abs(number) < 2**63 else None
