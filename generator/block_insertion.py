"""Insert blocks of facts: their bytes go to the server as they are, without a Python object for each document.

docs/adr/0008-blocks-of-bson.md says how, and what it depends on.
"""

from collections.abc import Iterator, Sequence

from bson.codec_options import CodecOptions
from bson.raw_bson import RawBSONDocument
from pymongo.database import Database
from pymongo.errors import OperationFailure

from flashsale.errors import FlashsaleError
from flashsale.stores.mongo import Document
from generator.encoding import FactBlock
from generator.insertion import BATCH, Outcome, batches, insert_facts, require_documents_fault
from generator.retry import UndecidedWriteError

MAX_ROWS = 50_000
"""Per command.  The server takes 100,000, but could not name all of them as duplicates in one answer."""
MAX_BYTES = 15 * 1024 * 1024
"""Per command; the driver takes one of 16 MB and a little."""
CAREFUL_ROWS = BATCH
"""Per command when the answer may not have found its way: it is small enough whatever it has to say."""

_WRITE_CONCERN = {"w": "majority", "j": True}
"""The client's own does not reach commands."""
_ANSWER_TOO_LARGE = 13548
_ANSWER: CodecOptions[RawBSONDocument] = CodecOptions(document_class=RawBSONDocument)
_EMPTY_DOCUMENT = b"\x05\0\0\0\0"


class BlockDocuments(RawBSONDocument):
    """A block as the driver's encoder takes it: what copies the bytes of one document copies those of all."""

    __slots__ = ("_payload",)

    def __init__(self, block: FactBlock) -> None:
        super().__init__(_EMPTY_DOCUMENT)
        self._payload = block.payload

    @property
    def raw(self) -> memoryview:
        return self._payload


def portions(blocks: Sequence[FactBlock], max_rows: int) -> Iterator[list[tuple[int, slice]]]:
    """The rows of `blocks`, of one table, in portions for a command each: (index of the block, its rows)."""
    portion: list[tuple[int, slice]] = []
    room = 0
    for index, block in enumerate(blocks):
        start = 0
        while start < len(block):
            if not room:
                if portion:
                    yield portion
                portion, room = [], min(max_rows, MAX_BYTES // block.rows.shape[1])
            end = min(start + room, len(block))
            portion.append((index, slice(start, end)))
            start, room = end, room - (end - start)
    if portion:
        yield portion


def insert_blocks(
    database: Database[Document], blocks: Sequence[FactBlock], *, careful: bool = False
) -> list[dict[int, Outcome]]:
    """Insert one portion, blocks of one table, unordered, acknowledged by the majority.  Can be repeated.

    Returns, for each block, what became of the rows that were not simply stored.
    `careful`: a try before had no answer, which may have been too large for one.
    Raises pymongo errors when MongoDB is away (then nothing is known), OperationFailure for what
    is no document's fault, and FlashsaleError when the driver did not send the rows as documents.
    """
    found: list[dict[int, Outcome]] = [{} for _ in blocks]
    for portion in portions(blocks, CAREFUL_ROWS if careful else MAX_ROWS):
        refused = _insert(database, [blocks[index].part(rows) for index, rows in portion])
        places = [(index, row) for index, rows in portion for row in range(rows.start, rows.stop)] if refused else []
        for index, row, outcome in _one_by_one(database, blocks, [places[one] for one in refused]):
            found[index][row] = outcome
    return found


def _insert(database: Database[Document], blocks: Sequence[FactBlock]) -> list[int]:
    """Insert `blocks` in one command; the rows, counted over all of them, that the server did not store."""
    table, rows = blocks[0].table, sum(map(len, blocks))
    try:
        answer = database.command(
            "insert",
            table.name,
            documents=[BlockDocuments(block) for block in blocks],
            ordered=False,
            writeConcern=_WRITE_CONCERN,
            codec_options=_ANSWER,
        )
    except OperationFailure as error:
        if error.code == _ANSWER_TOO_LARGE:
            raise UndecidedWriteError(f"so much is wrong with {rows} documents that no answer holds it") from error
        raise
    if "writeConcernError" in answer:
        raise UndecidedWriteError(f"not acknowledged by the majority: {answer['writeConcernError'].get('errmsg')}")
    refused = answer.get("writeErrors", [])
    for one in refused:
        require_documents_fault(one)
    if answer["n"] + len(refused) != rows:
        raise FlashsaleError(
            f"{table.name}: MongoDB took {answer['n'] + len(refused)} documents for a block of {rows}; "
            "this pymongo sends blocks in another way, install that of requirements.lock"
        )
    return sorted(int(one["index"]) for one in refused)


def _one_by_one(
    database: Database[Document], blocks: Sequence[FactBlock], places: Sequence[tuple[int, int]]
) -> Iterator[tuple[int, int, Outcome]]:
    """Send the rows at `places`, (index of the block, row), again, each as a document of its own, with the outcome."""
    documents = [RawBSONDocument(blocks[index].rows[row].tobytes()) for index, row in places]
    for part in batches(documents):
        outcomes = insert_facts(database, blocks[0].table, documents[part])
        for (index, row), outcome in zip(places[part], outcomes, strict=True):
            yield index, row, outcome
