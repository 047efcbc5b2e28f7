"""`flashsale-archive verify`: each acknowledged id exactly once, and HDFS holds what MongoDB says it holds.

Facts move in one direction, from MongoDB to HDFS or to quarantine, and are copied before they are deleted.  So the
ledger is read first, then MongoDB's facts, quarantine, and the files last: what moves meanwhile is seen twice, never
not at all, and an id that stands both in MongoDB and in a batch that was not pruned when we began is under way.
"""

import tempfile
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from requests.exceptions import RequestException

from flashsale.archived_tables import DOCUMENTS
from flashsale.errors import one_line
from flashsale.minutes import epoch_ms, iso
from flashsale.schema import FACTS, QUARANTINE_OF, Table
from flashsale.settings import Settings
from spark_jobs.archive_content import seal_of_file
from spark_jobs.archive_tools.acknowledged import MOST_TOLD, Acknowledged
from spark_jobs.archive_tools.distinct_ids import DistinctIds
from spark_jobs.archive_tools.fact_files import FactColumns, read_columns
from spark_jobs.archive_tools.moved_facts import MovedFacts
from spark_jobs.archive_tools.opened import Archive, opened
from spark_jobs.archive_tools.placement import Findings, check_placement
from spark_jobs.archive_tools.published import Books, PublishedFile
from spark_jobs.archive_tools.ranged_files import RangedFiles
from spark_jobs.fact_decoding import LENIENT

_Taken = TypeVar("_Taken")
HOT, MOVED = "MongoDB", "quarantine"
_HOUR_MS = timedelta(hours=1) // timedelta(milliseconds=1)
_HOT_IDS = 100_000


@dataclass(frozen=True)
class VerifyReport:
    """`findings`: a line each, none when all is well; `notes`: what is under way."""

    sale_id: str
    deep: bool
    findings: tuple[str, ...]
    notes: tuple[str, ...]
    files: int
    archived: int
    hot: int
    moved: int
    ledger_minutes: int

    def line(self) -> str:
        verdict = f"{len(self.findings)} findings" if self.findings else "nothing is missing, doubled or left over"
        return (
            f"sale {self.sale_id}: {self.files:,} files with {self.archived:,} facts, {self.hot:,} facts in MongoDB, "
            f"{self.moved:,} moved to quarantine, {self.ledger_minutes:,} minutes of the ledger"
            f"{', read to the last byte' if self.deep else ''}: {verdict}"
        )


def verify(settings: Settings, sale_id: str | None = None, *, deep: bool = False) -> VerifyReport:
    """Check the archive of a sale (default: the live one); `deep` reads every file to its last byte.

    Memory is bounded by one file's ids.  Raises FlashsaleError when a service does not answer.
    """
    with opened(settings, sale_id, "archive verify") as archive:
        return _Verification(archive, deep).report()


class _Verification:
    def __init__(self, archive: Archive, deep: bool) -> None:
        self._archive = archive
        self._deep = deep
        self._findings = Findings()
        self._acknowledged = Acknowledged(archive.database)
        self._totals: Counter[str] = Counter()

    def report(self) -> VerifyReport:
        archive = self._archive
        before = Books.read(archive)
        with tempfile.TemporaryDirectory(prefix="flashsale-verify-") as name:
            folder = Path(name)
            hot = {table.name: self._hot_ids(table, folder) for table in FACTS}
            moved = {table.name: MovedFacts.in_mongo(archive.database, table) for table in FACTS}
            # Read again: whatever left MongoDB before its ids were read is published by now.
            standing = check_placement(archive, Books.read(archive), self._findings)
            for quarantine in DOCUMENTS:
                for file, path in standing[quarantine.name]:
                    self._check_documents(quarantine, file, path, folder, moved)
            for table in FACTS:
                self._check_facts(table, standing[table.name], hot[table.name], moved[table.name], before, folder)
        self._acknowledged.compare(self._findings)
        return VerifyReport(
            archive.sale.sale_id,
            self._deep,
            tuple(self._findings.wrong),
            tuple(self._findings.notes),
            sum(len(files) for files in standing.values()),
            self._totals["archived"],
            self._totals[HOT],
            self._totals[MOVED],
            self._acknowledged.minutes,
        )

    def _hot_ids(self, table: Table, folder: Path) -> Path:
        """Ids that MongoDB holds now, on disk; what has no integer for an id is the sweep's to move."""
        path = folder / f"{table.name}.hot"
        collection = self._archive.database[table.name].with_options(LENIENT)
        cursor = collection.find({}, {"_id": 1, "arrived_at": 1}, batch_size=_HOT_IDS)
        with path.open("wb") as out:
            ids: list[int] = []
            for document in cursor:
                self._acknowledged.found_one(document.get("arrived_at"))
                self._totals[HOT] += 1
                if isinstance(document["_id"], int):
                    ids.append(document["_id"])
                if len(ids) >= _HOT_IDS:
                    out.write(np.array(ids, np.int64).tobytes())
                    ids.clear()
            out.write(np.array(ids, np.int64).tobytes())
        return path

    def _check_facts(
        self,
        table: Table,
        files: list[tuple[PublishedFile, str]],
        hot: Path,
        moved: MovedFacts,
        before: Books,
        folder: Path,
    ) -> None:
        expected = sum(file.rows for file, _ in files) + hot.stat().st_size // 8
        unpruned = {path for file, path in files if not before.is_pruned(file.file_id)}
        with tempfile.TemporaryDirectory(dir=folder) as buckets, DistinctIds(Path(buckets), expected) as ids:
            ids.add(np.fromfile(hot, np.int64), ids.place(HOT))
            for file, path in files:
                facts = self._read(path, lambda opened: read_columns(opened, table), table, file, folder)
                if facts is not None:
                    ids.add(facts.ids, ids.place(path))
                    self._check_columns(facts, file, path)
            ids.add(moved.ids, ids.place(MOVED))
            self._totals[MOVED] += moved.count
            for moment in moved.arrivals:
                self._acknowledged.found_one(moment)
            self._tell_repeated(table, ids, unpruned)

    def _check_documents(
        self, table: Table, file: PublishedFile, path: str, folder: Path, moved: Mapping[str, MovedFacts]
    ) -> None:
        facts = next((fact for fact, quarantine in QUARANTINE_OF.items() if quarantine == table.name), None)
        take = moved[facts].take_file if facts else (lambda _: None)
        self._read(path, take, table, file, folder)

    def _read(
        self, path: str, take: Callable[[Any], _Taken], table: Table, file: PublishedFile, folder: Path
    ) -> _Taken | None:
        """What `take` makes of the file, None when it cannot be read; a deep look reads all of it besides."""
        local = folder / "published.parquet"
        try:
            if not self._deep:
                with RangedFiles(self._archive.hdfs).open(path) as source:
                    return take(source)
            digest = self._archive.hdfs.download(path, local)
            if digest != file.file_digest:
                self._wrong(f"file {path}: its SHA-256 is {digest}, published was {file.file_digest}")
            self._compare_seal(asdict(seal_of_file(table, str(local))), file, path)
            return take(str(local))
        except RequestException:
            raise  # an OSError too, but HDFS's trouble and not the file's
        except (OSError, ValueError, KeyError) as error:  # pyarrow's errors are ValueErrors
            self._wrong(f"file {path}: cannot be read as Parquet ({one_line(error)[:160]})")
            return None

    def _check_columns(self, facts: FactColumns, file: PublishedFile, path: str) -> None:
        self._totals["archived"] += len(facts.ids)
        self._acknowledged.found(facts.arrived_ms)
        if not self._deep:
            self._compare_seal(facts.of_seal(), file, path)
        outside = facts.event_ms // _HOUR_MS != epoch_ms(file.hour) // _HOUR_MS
        if outside.any():
            self._wrong(f"file {path}: {int(outside.sum()):,} rows belong to another hour than {iso(file.hour)}")

    def _compare_seal(self, found: Mapping[str, Any], file: PublishedFile, path: str) -> None:
        for name, value in found.items():
            # A release that made no mark of the cells left none.
            if value != file.seal.get(name, "") and not (name == "content" and not file.seal.get(name)):
                self._wrong(f"file {path}: {name} is {value}, sealed was {file.seal.get(name)}")

    def _tell_repeated(self, table: Table, ids: DistinctIds, unpruned: set[str]) -> None:
        pruning = moving = told = 0
        for value, places in ids.repeated():
            others = [place for place in places if place != HOT]
            if len(places) == 2 and len(others) == 1 and others[0] in unpruned:
                pruning += 1
            elif sorted(places) == [HOT, MOVED]:
                moving += 1
            else:
                told += 1
                if told <= MOST_TOLD:
                    self._wrong(f"{table.name} {value}: stands more than once, in {' and in '.join(places)}")
        if told > MOST_TOLD:
            self._wrong(f"{table.name}: {told - MOST_TOLD:,} more ids stand more than once")
        if pruning:
            self._findings.notes.append(f"{table.name}: {pruning:,} ids are being pruned: published, and still hot")
        if moving:
            self._findings.notes.append(f"{table.name}: {moving:,} ids are being moved to quarantine")

    def _wrong(self, line: str) -> None:
        self._findings.wrong.append(line)
