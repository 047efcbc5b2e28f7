"""What minute T hands to minute T + 1 besides stock.

``kpi_state`` of T: per pair what is remembered of its demand (see `flashsale.demand.state`), the
probabilities and the ETA stated at T (null: unknown; scored once their horizon has passed), lost_milliunits
and lost_value so far, and how long it has been in stock; and the city mix of each sold-out pair in the
window before it sold out.
"""

from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from flashsale.demand.state import DemandState
from flashsale.outlook import MS_PER_MINUTE, Outlook
from spark_jobs.pair_columns import NULL, Ints, PairColumns, int_column, pair_key, table_digest

PAIR = ("product_id", "warehouse_id")
_DEMAND = tuple(field.name for field in fields(DemandState))
STATED = ("p5", "p15", "p30", "eta_minutes")
LOST = ("lost_milliunits", "lost_value")
IN_STOCK = "in_stock_minutes"
"""Whole minutes in a row, up to now, in which there was stock all the time."""
STATE_SCHEMA = pa.schema(
    [
        ("product_id", pa.int64()),
        ("warehouse_id", pa.int64()),
        *((f"demand_{name}", pa.float64()) for name in _DEMAND),
        *((name, pa.float64()) for name in STATED),
        *((name, pa.int64()) for name in LOST),
        (IN_STOCK, pa.int64()),
    ]
)
MIX_SCHEMA = pa.schema(
    [("product_id", pa.int64()), ("warehouse_id", pa.int64()), ("city_id", pa.int64()), ("units", pa.int64())]
)


@dataclass(frozen=True)
class CarriedState:
    """Both tables sorted by their keys, so that equal states have equal digests."""

    pairs: pa.Table
    mix: pa.Table

    @classmethod
    def read(cls, pairs: pa.Table, mix: pa.Table) -> "CarriedState":
        """As stored; what a state of an older version does not have was never observed."""
        columns = {
            field.name: pairs[field.name]
            if field.name in pairs.column_names
            else pa.array(np.zeros(pairs.num_rows), field.type, mask=np.full(pairs.num_rows, field.name in STATED))
            for field in STATE_SCHEMA
        }
        return cls(pa.table(columns, schema=STATE_SCHEMA), mix)

    def digest(self) -> str:
        """SHA-256 (hex) of the content."""
        return table_digest(self.pairs) + table_digest(self.mix)

    def demand(self, pairs: Ints) -> DemandState:
        """What is remembered of the demand of `pairs` (sorted)."""
        rows = self.pairs.take(self.rows_of(pairs))
        return DemandState(*(rows[f"demand_{name}"].fill_null(0.0).to_numpy() for name in _DEMAND))

    def lost(self, pairs: Ints) -> dict[str, pa.Array]:
        """`LOST` of `pairs` (sorted); null for one that was not known."""
        rows = self.pairs.take(self.rows_of(pairs))
        return {name: rows[name].combine_chunks() for name in LOST}

    def in_stock_minutes(self, pairs: Ints) -> Ints:
        """`IN_STOCK` of `pairs` (sorted), 0 for one that was not known."""
        minutes: Ints = self.pairs[IN_STOCK].take(self.rows_of(pairs)).fill_null(0).to_numpy()
        return minutes

    def rows_of(self, pairs: Ints) -> pa.Array:
        """Row of each of `pairs` (sorted), null where there is none."""
        known = pair_key(int_column(self.pairs, "product_id"), int_column(self.pairs, "warehouse_id"))
        at = np.searchsorted(known, pairs)
        found = at < len(known)
        found[found] = known[at[found]] == pairs[found]
        return pa.array(at, mask=~found)


EMPTY = CarriedState(STATE_SCHEMA.empty_table(), MIX_SCHEMA.empty_table())


def next_state(
    before: CarriedState, last: PairColumns, outlook: Outlook, products: pa.Table, window: Sequence[pa.Table]
) -> CarriedState:
    """State after the minute `last`: with the `outlook` of its pairs, its product rows (in the order of their
    pairs) and the demand by city of the window's minutes.

    A pair that just sold out takes the mix of the window; one that stays sold out keeps its own.
    """
    sold_out = products.filter(pc.equal(products["status"], "sold_out")).select(PAIR)
    already = sold_out.join(before.mix, keys=list(PAIR), join_type="inner")
    known = pa.array(pair_key(int_column(before.mix, "product_id"), int_column(before.mix, "warehouse_id")))
    own = pa.array(pair_key(int_column(sold_out, "product_id"), int_column(sold_out, "warehouse_id")))
    newly = sold_out.filter(pc.invert(pc.is_in(own, known)))
    # Few pairs sell out in one minute: most of the window's rows need not even be put together.
    cells = pa.concat_tables([cells_of_pairs(minute, newly) for minute in window])
    fresh = cells.group_by(["product_id", "warehouse_id", "city_id"]).aggregate([("units", "sum")])
    fresh = fresh.rename_columns(["product_id", "warehouse_id", "city_id", "units"])
    mix = pa.concat_tables([already.select(MIX_SCHEMA.names).cast(MIX_SCHEMA), fresh.cast(MIX_SCHEMA)])
    return CarriedState(
        _pairs(before, last, outlook, products),
        mix.sort_by([(name, "ascending") for name in (*PAIR, "city_id")]).combine_chunks(),
    )


def _pairs(before: CarriedState, last: PairColumns, outlook: Outlook, products: pa.Table) -> pa.Table:
    pairs = last.pair
    shown = pair_key(int_column(products, "product_id"), int_column(products, "warehouse_id"))
    # A pair without stock and demand has no row among the products; what it lost stays.
    row = np.searchsorted(shown, pairs)
    here = row < len(shown)
    here[here] = shown[row[here]] == pairs[here]
    rows = products.select([*STATED, *LOST]).take(pa.array(row, mask=~here))
    carried = before.lost(pairs)
    whole = (last["in_stock_ms"] == NULL) | (last["in_stock_ms"] == MS_PER_MINUTE)
    columns = {
        "product_id": pa.array(last.product_id),
        "warehouse_id": pa.array(last.warehouse_id),
        **{f"demand_{name}": pa.array(getattr(outlook.state, name)) for name in _DEMAND},
        **{name: rows[name] for name in STATED},
        **{name: pc.fill_null(pc.coalesce(rows[name], carried[name]), 0) for name in LOST},
        IN_STOCK: pa.array(np.where(whole, before.in_stock_minutes(pairs) + 1, 0)),
    }
    return pa.table(columns).cast(STATE_SCHEMA).combine_chunks()


def cells_of_pairs(cells: pa.Table, pairs: pa.Table) -> pa.Table:
    """Rows whose (product, warehouse) stands in `pairs`."""
    wanted = pa.array(pair_key(int_column(pairs, "product_id"), int_column(pairs, "warehouse_id")))
    own = pa.array(pair_key(int_column(cells, "product_id"), int_column(cells, "warehouse_id")))
    return cells.filter(pc.is_in(own, wanted))
