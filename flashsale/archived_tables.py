"""What the archive holds besides facts: a row for each document, described as every table is.

Facts are archived as `flashsale.schema` describes them.  `ARCHIVED` names all tables in the order in which a
run takes them: rollups may go only once the facts they were counted from have gone.
"""

from flashsale.schema import FACTS, KPI_HISTORY, MAX_ORDER_VALUE, QUARANTINE_OF, ROLLUP_PW, Field, Table


def _time(name: str, description: str) -> Field:
    return Field(name, "date", description, unit="UTC, ms")


def _quarantine(facts: str) -> Table:
    return Table(
        QUARANTINE_OF[facts],
        "quarantine_id",
        f"Documents of {facts} that were not taken for facts, in the archive.",
        (
            Field("quarantine_id", "string", "SHA-256 of the BSON received and the reason"),
            Field("origin", "string", "who put it here", choices=("refused", "conflict", "moved")),
            Field("reason", "string", "short code it is counted by"),
            Field("detail", "string", "what the server or the job said"),
            Field("document", "string", "the document, as relaxed extended JSON: for reading"),
            Field("bson", "binary", "the whole entry of the quarantine as it was stored: for restoring"),
            _time("quarantined_at", "when it was put here; decides the hour"),
        ),
        event_time="quarantined_at",
    )


def _sum(name: str, description: str, unit: str, nullable: bool = False) -> Field:
    return Field(name, "int64", description, unit, 0, MAX_ORDER_VALUE, nullable=nullable)


_PAIR = (
    _sum("product_id", "product", ""),
    _sum("warehouse_id", "warehouse", ""),
    _sum("orders", "orders of the minute", "orders"),
    _sum("units", "units ordered", "units"),
    _sum("units_squared", "sum of squared quantities", "units²"),
    _sum("value", "value ordered", "minor units"),
    _sum("bot_orders", "of the orders, what machines placed", "orders"),
    _sum("bot_units", "of the units", "units"),
    _sum("bot_units_squared", "of the squared quantities", "units²"),
    _sum("bot_value", "of the value", "minor units"),
    _sum("on_hand", "closing units on the shelf, carried forward", "units", nullable=True),
    _sum("reserved", "closing units promised", "units", nullable=True),
    _sum("inventory_ts", "time of the closing event", "epoch ms", nullable=True),
    _sum("inventory_event_id", "the closing event", "", nullable=True),
    _sum("opening_available", "units at the sale's first event", "units", nullable=True),
    _sum("sold_units", "units of the sale so far", "units"),
    _sum("delay_ms_sum", "sum of the events' fulfilment delays", "ms"),
    _sum("delay_count", "events with a delay", "events"),
    _sum("in_stock_ms", "time of the minute with units available", "ms", nullable=True),
)

ROLLUPS = Table(
    ROLLUP_PW,
    "minute",
    "Rollups of settled minutes in the archive: a row a minute, with its (product, warehouse) pairs as a list.",
    (
        _time("minute", "start of the minute"),
        Field("orders", "int64", "orders of the minute", "orders", 0, MAX_ORDER_VALUE),
        Field("facts", "string", "JSON: facts counted, by table"),
        Field("digest", "string", "SHA-256 of the pairs"),
        Field("pwc_digest", "string", "SHA-256 of the rollup by city"),
        Field("carried_digest", "string", "SHA-256 of the pairs it carries on from"),
        _time("watermark", "watermark it was computed at"),
        _time("computed_at", "when it was computed"),
        Field("pairs", "list<struct>", "sorted by product and warehouse", items=_PAIR),
    ),
    event_time="minute",
)

HISTORY = Table(
    KPI_HISTORY,
    "minute_end",
    "Headline and digest of settled minutes in the archive.",
    (
        _time("minute_end", "end of the minute"),
        Field("headline", "string", "JSON: the headline as it was published"),
        Field("digest", "string", "digest of the settled parts: what a replay must reproduce"),
        Field("settled", "bool", "final"),
        _time("watermark", "watermark it was computed at"),
        _time("computed_at", "when it was computed"),
    ),
    event_time="minute_end",
)

QUARANTINES = tuple(_quarantine(table.name) for table in FACTS)
DOCUMENTS = (*QUARANTINES, ROLLUPS, HISTORY)
"""Tables whose rows are documents of other layouts than the schema's; `spark_jobs.archive_documents` makes the rows."""
ARCHIVED: tuple[Table, ...] = (*FACTS, *DOCUMENTS)


def archived_table(name: str) -> Table:
    """The archived table called `name`; raises KeyError."""
    for table in ARCHIVED:
        if table.name == name:
            return table
    raise KeyError(f"the archive has no table {name}; it has {', '.join(table.name for table in ARCHIVED)}")
