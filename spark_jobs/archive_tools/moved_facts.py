"""Facts that were moved to quarantine, wherever their quarantine stands by now: MongoDB or the archive."""

from dataclasses import dataclass, field
from typing import Any, BinaryIO

import bson
import numpy as np
import numpy.typing as npt
import pyarrow.compute as pc
import pyarrow.parquet as pq
from pymongo.database import Database

from flashsale.schema import QUARANTINE_OF, Table
from flashsale.stores.mongo import Document
from spark_jobs.fact_decoding import LENIENT

_ROWS = 1_000


@dataclass
class MovedFacts:
    """Of one fact table: `keys` of quarantine entries, each taken once; `arrivals` as the documents have them."""

    keys: set[str] = field(default_factory=set)
    arrivals: list[object] = field(default_factory=list)
    _ids: list[int] = field(default_factory=list)

    @classmethod
    def in_mongo(cls, database: Database[Document], table: Table) -> "MovedFacts":
        """Those whose entry stands in MongoDB."""
        moved = cls()
        collection = database[QUARANTINE_OF[table.name]].with_options(LENIENT)
        for entry in collection.find({"origin": "moved"}, {"document._id": 1, "document.arrived_at": 1}):
            moved._take(entry)
        return moved

    def take_file(self, source: BinaryIO | str) -> None:
        """Add those in a file of the archived quarantine; one that is being pruned is known already."""
        with pq.ParquetFile(source) as file:
            for batch in file.iter_batches(_ROWS, columns=["origin", "bson"]):
                for raw in batch.filter(pc.equal(batch["origin"], "moved"))["bson"].to_pylist():
                    self._take(bson.decode(raw, LENIENT))

    @property
    def count(self) -> int:
        return len(self.keys)

    @property
    def ids(self) -> npt.NDArray[np.int64]:
        """Ids that are whole numbers, each once: a document may have been moved for two reasons."""
        return np.unique(np.array(self._ids, np.int64))

    def _take(self, entry: Any) -> None:
        if entry["_id"] in self.keys:
            return
        self.keys.add(entry["_id"])
        document = entry.get("document", {})
        self.arrivals.append(document.get("arrived_at"))
        if isinstance(document.get("_id"), int):
            self._ids.append(document["_id"])
