"""Whether HDFS holds what it should and nothing else: files, manifests, and what was left over."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from flashsale.archived_tables import ARCHIVED
from flashsale.minutes import iso
from flashsale.schema import Table
from flashsale.stores.hdfs import UNFINISHED_SUFFIX
from flashsale.stores.mongo import Document
from spark_jobs.archive_batch import State
from spark_jobs.archive_tools.compactions import CompactionState
from spark_jobs.archive_tools.opened import Archive, ArchiveFile
from spark_jobs.archive_tools.published import Books, PublishedFile

MANIFEST_SUFFIX = ".json"


@dataclass
class Findings:
    """`wrong`: a line for each thing that must not be; `notes`: what is under way, and fine."""

    wrong: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def check_placement(archive: Archive, books: Books, findings: Findings) -> dict[str, list[tuple[PublishedFile, str]]]:
    """Compare `books` with HDFS; returns, by table, the published files that stand there, with their paths."""
    standing = {}
    for table in ARCHIVED:
        published = {p.file_id: p for p in books.published.values() if p.table == table.name}
        standing[table.name] = list(_check_files(archive, books, table, published, findings))
        _check_manifests(archive, books, table, published, findings)
    _check_leftovers(archive, books, findings)
    for batch_id, state in sorted(books.unfinished.items()):
        findings.notes.append(f"batch {batch_id} is {state}: the next run goes on with it")
    for one in books.compacting:
        findings.notes.append(f"compaction {one['_id']} is {one['state']}: `flashsale-archive compact` goes on with it")
    return standing


def _check_files(
    archive: Archive, books: Books, table: Table, published: Mapping[str, PublishedFile], findings: Findings
) -> Iterator[tuple[PublishedFile, str]]:
    found: dict[str, ArchiveFile] = {}
    moving = _moving(books, table)
    for file in archive.files(table):
        known = published.get(file.batch_id)
        if file.batch_id in moving:
            continue
        if known is None:
            # Read once more: it may have been published since.
            if not books.explains(file.batch_id) and not Books.read(archive).explains(file.batch_id):
                findings.wrong.append(f"file {file.path}: belongs to no published batch")
        elif known.hour != file.hour:
            findings.wrong.append(f"file {file.path}: stands in another hour than its batch, {iso(known.hour)}")
        elif file.bytes == 0:
            findings.wrong.append(f"file {file.path}: is empty; its batch has {known.rows:,} rows")
            found[file.batch_id] = file
        else:
            found[file.batch_id] = file
            yield known, file.path
    for file_id in published.keys() - found.keys():
        path = archive.paths.data_file(table.name, published[file_id].hour, file_id)
        findings.wrong.append(f"batch {file_id}: its file {path} is missing ({published[file_id].rows:,} rows)")


def _moving(books: Books, table: Table) -> set[str]:
    """Ids of files that are put in place, or out of it, at this moment."""
    moving: set[str] = set()
    for one in books.compacting:
        if one["table"] == table.name:
            swapped = one["state"] == CompactionState.SWAPPED
            moving.update(one["sources"] if swapped else _new_files(one))
    return moving


def _check_manifests(
    archive: Archive, books: Books, table: Table, published: Mapping[str, PublishedFile], findings: Findings
) -> None:
    found = set()
    moving = _moving(books, table)
    for path in archive.hdfs.walk_files(archive.paths.metadata(table.name)):
        whole = path.removesuffix(UNFINISHED_SUFFIX)
        file_id = whole.rsplit("/", 1)[1].removesuffix(MANIFEST_SUFFIX)
        known = published.get(file_id)
        if file_id in moving:
            continue
        if whole != path:
            # Of a run that died as it wrote the manifest: the next one writes it again, over this.
            awaited = file_id in _arriving(books) or books.unfinished.get(file_id) == State.VERIFIED
            if not awaited and archive.hdfs.exists(path):
                findings.wrong.append(f"manifest {path}: was begun, and nothing is under way that goes on with it")
            continue
        if not path.endswith(MANIFEST_SUFFIX) or known is None:
            if not books.explains(file_id) and not Books.read(archive).explains(file_id):
                findings.wrong.append(f"manifest {path}: belongs to no published batch")
        elif path == archive.paths.manifest(table.name, known.hour, file_id):
            found.add(file_id)
            _compare(archive, path, known, findings)
        else:
            findings.wrong.append(f"manifest {path}: stands in another hour than its batch, {iso(known.hour)}")
    for file_id in published.keys() - found - moving:
        path = archive.paths.manifest(table.name, published[file_id].hour, file_id)
        # Of a compaction that is not done, the manifests come last.
        if file_id not in _arriving(books):
            findings.wrong.append(f"batch {file_id}: its manifest {path} is missing")


def _arriving(books: Books) -> set[str]:
    swapped = [one for one in books.compacting if one["state"] == CompactionState.SWAPPED]
    return {file_id for one in swapped for file_id in _new_files(one)}


def _new_files(compaction: Document) -> set[str]:
    return {file["file_id"] for file in compaction["files"]}


def _compare(archive: Archive, path: str, known: PublishedFile, findings: Findings) -> None:
    try:
        manifest = json.loads(archive.hdfs.read_text(path))
        if not isinstance(manifest, dict):
            raise ValueError("no object")
    except ValueError:
        findings.wrong.append(f"manifest {path}: is not readable JSON")
        return
    expected = {
        "batch_id": known.file_id,
        "table": known.table,
        "sale_id": archive.sale.sale_id,
        "start": iso(known.start),
        "end": iso(known.end),
        "file": archive.paths.data_file(known.table, known.hour, known.file_id),
        "file_digest": known.file_digest,
        **known.seal,
    }
    for name, value in expected.items():
        if manifest.get(name) != value:
            findings.wrong.append(f"manifest {path}: {name} is {manifest.get(name)!r}, archive_batches says {value!r}")


def _check_leftovers(archive: Archive, books: Books, findings: Findings) -> None:
    at_work = {
        archive.paths.staging_root: {*books.unfinished, *(one["_id"] for one in books.compacting)},
        archive.paths.replaced_root: {one["_id"] for one in books.compacting},
    }
    for root, working in at_work.items():
        for path in archive.hdfs.walk_files(root):
            if path.removeprefix(root + "/").split("/")[0] not in working:
                findings.wrong.append(f"leftover {path}: nothing is under way that needs it")
