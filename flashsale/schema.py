"""Every stored table, described once: field, type, unit, constraint, meaning.

`flashsale.rendering` turns these into MongoDB validators, Spark and Arrow schemas
and `docs/data-dictionary.md`; nothing else spells a field's type.
"""

from dataclasses import dataclass
from typing import Literal

FieldType = Literal[
    "int32", "int64", "double", "string", "date", "bool", "binary", "list<string>", "list<int32>", "list<struct>"
]

MAX_EXACT_ID = 2**53 - 1
"""Largest integer a double holds exactly: ids stay readable by any JSON client."""
MAX_ORDER_VALUE = 10**14
"""A trillion in major units; sums of 10^4 of them still fit an int64."""
MAX_UNITS = 10**9


@dataclass(frozen=True, slots=True)
class Field:
    """One field of a table; `unit` is empty for names and ids, `items` are the fields of a ``list<struct>``."""

    name: str
    type: FieldType
    description: str
    unit: str = ""
    minimum: int | None = None
    maximum: int | None = None
    nullable: bool = False
    choices: tuple[str, ...] = ()
    items: "tuple[Field, ...]" = ()


@dataclass(frozen=True, slots=True)
class Table:
    """A collection of one sale's database.

    `key` is the field stored as MongoDB's ``_id``.  `event_time` names the field
    that carries the single index besides ``_id`` of a fact table.
    """

    name: str
    key: str
    description: str
    fields: tuple[Field, ...]
    event_time: str | None = None

    def field(self, name: str) -> Field:
        """The field called `name`; raises KeyError."""
        for field in self.fields:
            if field.name == name:
                return field
        raise KeyError(f"table {self.name} has no field {name}")

    def stored_name(self, field: Field) -> str:
        """Name of `field` in MongoDB: ``_id`` for the key."""
        return "_id" if field.name == self.key else field.name


def _id(name: str, description: str, maximum: int = 2**31 - 1) -> Field:
    return Field(name, "int64" if maximum > 2**31 else "int32", description, minimum=0, maximum=maximum)


def _time(name: str, description: str, nullable: bool = False) -> Field:
    return Field(name, "date", description, unit="UTC, ms", nullable=nullable)


def _text(name: str, description: str, choices: tuple[str, ...] = ()) -> Field:
    return Field(name, "string", description, choices=choices)


PRODUCTS = Table(
    "products_dim",
    "product_id",
    "Products on sale.",
    (
        _id("product_id", "product"),
        _text("name", "display name, shown as text"),
        _text("category", "category the plan and the prior refer to"),
        Field("base_price", "int64", "price before any discount", "minor units", 1, MAX_ORDER_VALUE),
        Field("unit_cost", "int64", "what a unit costs the shop", "minor units", 0, MAX_ORDER_VALUE),
    ),
)

WAREHOUSES = Table(
    "warehouses_dim",
    "warehouse_id",
    "Warehouses that ship orders.",
    (
        _id("warehouse_id", "warehouse"),
        _text("name", "display name"),
        _id("city_id", "city it stands in"),
        Field("latitude", "double", "position", "degrees", -90, 90),
        Field("longitude", "double", "position", "degrees", -180, 180),
        Field(
            "capacity_units_per_minute",
            "int32",
            "units it can ship per minute",
            "units/min",
            1,
            MAX_UNITS,
        ),
    ),
)

CITIES = Table(
    "cities_dim",
    "city_id",
    "Cities orders come from.",
    (
        _id("city_id", "city"),
        _text("city", "display name"),
        _text("province", "province it is summed into"),
        Field("latitude", "double", "position", "degrees", -90, 90),
        Field("longitude", "double", "position", "degrees", -180, 180),
    ),
)

CAMPAIGNS = Table(
    "campaigns_dim",
    "campaign_id",
    "What the business planned before the sale; an empty list of categories and products means all.",
    (
        _id("campaign_id", "campaign"),
        _text("name", "display name"),
        Field("categories", "list<string>", "categories it covers"),
        Field("products", "list<int32>", "products it covers"),
        Field("discount_pct", "double", "discount off the base price", "percent", 0, 95),
        _time("starts_at", "first moment of the discount"),
        _time("ends_at", "first moment after it"),
        Field("planned_intensity", "list<int32>", "planned demand per minute from starts_at", "permille of base"),
    ),
)

INBOUND_SHIPMENTS = Table(
    "inbound_shipments",
    "shipment_id",
    "Stock on its way to a warehouse.",
    (
        _id("shipment_id", "shipment"),
        _id("product_id", "product"),
        _id("warehouse_id", "where it arrives"),
        Field("qty", "int32", "announced quantity", "units", 1, MAX_UNITS),
        _time("due_at", "announced arrival"),
        _text("status", "state", ("planned", "in_transit", "received", "cancelled")),
        _time("received_at", "actual arrival", nullable=True),
        Field("received_qty", "int32", "units that arrived", "units", 0, MAX_UNITS, nullable=True),
    ),
)

ORDERS = Table(
    "orders_fact",
    "order_id",
    "One order line of one product from one warehouse.",
    (
        _id("order_id", "deterministic in (shard, tick, sequence)", MAX_EXACT_ID),
        _id("product_id", "product ordered"),
        _id("seller_id", "seller"),
        _id("warehouse_id", "warehouse that ships"),
        _id("city_id", "city the customer is in"),
        Field("order_qty", "int32", "units ordered", "units", 1, 1_000_000),
        Field("order_value", "int64", "value of the line", "minor units", 0, MAX_ORDER_VALUE),
        _time("order_ts", "when the customer ordered; decides the minute"),
        _time("arrived_at", "tick of the writer that sent it"),
    ),
    event_time="order_ts",
)

INVENTORY = Table(
    "inventory_fact",
    "inventory_event_id",
    "Stock of one product in one warehouse after a change, and as a heartbeat every 5 minutes.",
    (
        _id("inventory_event_id", "deterministic in (shard, tick, sequence)", MAX_EXACT_ID),
        _id("product_id", "product"),
        _id("warehouse_id", "warehouse"),
        Field("inventory_on_hand", "int32", "units on the shelf", "units", 0, MAX_UNITS),
        Field("reserved_stock", "int32", "units promised to orders, not shipped", "units", 0, MAX_UNITS),
        Field("fulfillment_delay", "double", "order to shipment, at this moment", "minutes", 0, 100_000),
        _time("inventory_ts", "when the stock changed; decides the minute"),
        _time("arrived_at", "tick of the writer that sent it"),
    ),
    event_time="inventory_ts",
)

FACTS: tuple[Table, ...] = (ORDERS, INVENTORY)
DIMENSIONS: tuple[Table, ...] = (PRODUCTS, WAREHOUSES, CITIES, CAMPAIGNS)
TABLES: tuple[Table, ...] = (*DIMENSIONS, INBOUND_SHIPMENTS, *FACTS)

QUARANTINE_OF = {ORDERS.name: "orders_quarantine", INVENTORY.name: "inventory_quarantine"}
"""Fact table -> where its refused, conflicting and moved documents stand."""


def restored_name(table: str) -> str:
    """The collection that archived rows of `table` are restored into."""
    return f"{table}_restored"


# Collections that hold the pipeline's own state: written by one module each, which
# documents the layout, and not described field by field here.
INGEST_LEDGER = "ingest_ledger"
CHECKPOINTS = "generator_checkpoints"
ROLLUP_PW = "kpi_rollup_pw"
ROLLUP_PWC = "kpi_rollup_pwc"
KPI_STATE = "kpi_state"
KPI_HISTORY = "kpi_history"
ARCHIVE_BATCHES = "archive_batches"
ARCHIVE_COMPACTIONS = "archive_compactions"
ALERT_EVENTS = "alert_events"
FORECAST_SCORES = "forecast_scores"
STATE_COLLECTIONS = (
    *QUARANTINE_OF.values(),
    INGEST_LEDGER,
    CHECKPOINTS,
    ROLLUP_PW,
    ROLLUP_PWC,
    KPI_STATE,
    KPI_HISTORY,
    ARCHIVE_BATCHES,
    ARCHIVE_COMPACTIONS,
    ALERT_EVENTS,
    FORECAST_SCORES,
)

SETTLED_INDEX = [("settled", 1), ("_id", 1)]
"""Of `KPI_STATE`: which minutes are final, without reading their rows."""

NEWEST_EPISODE = [("latest", 1)]
"""Of `ALERT_EVENTS`: the episode of each pair that may go on."""

REGISTRY_DATABASE = "flashsale_registry"
OUTBOX = "outbox"
"""Of the registry's database: messages of all sales until they are delivered; `notifier/outbox.py` has the layout."""
OUTBOX_INDEXES = ("deliveries.state", "alert_id", "born_at", "held_until")
OUTBOX_OPEN = "open"
"""Of `OUTBOX`: the fault a message stands for until it is over; unique, so that no fault is told twice at once."""
SALES = "sales"
