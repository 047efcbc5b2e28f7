"""The part `data_quality` of a snapshot: what was received, and what does not add up."""

from typing import TypedDict


class PhantomSuspect(TypedDict):
    """A pair whose records do not follow from its sales and receipts; residual = explained + unexplained.

    Negative: units left the records unsold; positive: more was sold than was on record.
    """

    product_id: int
    warehouse_id: int
    residual_units: int
    explained_units: int
    unexplained_units: int


class PhantomSuspects(TypedDict):
    """How many pairs are suspects, and those with the most unexplained units."""

    total: int
    rows: list[PhantomSuspect]


class DataQuality(TypedDict):
    """What the writer and the jobs saw so far; `score` is acked valid ÷ all received."""

    score: float | None
    acked: int
    late: int
    duplicate_same: int
    duplicate_conflict: int
    refused: dict[str, int]
    quarantined: dict[str, int]
    ledger_residual_units: int | None
    phantom_suspects: PhantomSuspects
