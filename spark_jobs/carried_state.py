"""What minute T hands to minute T + 1 besides stock.

``kpi_state`` of T: per pair velocity and latent_velocity (units/min; null unless sold out
with demand), lost_milliunits and lost_value so far; and the city mix of each sold-out pair
in the window before it sold out.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from spark_jobs.pair_columns import int_column, pair_key, table_digest

PAIR = ("product_id", "warehouse_id")
STATE_SCHEMA = pa.schema(
    [
        ("product_id", pa.int64()),
        ("warehouse_id", pa.int64()),
        ("velocity", pa.float64()),
        ("latent_velocity", pa.float64()),
        ("lost_milliunits", pa.int64()),
        ("lost_value", pa.int64()),
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

    def digest(self) -> str:
        """SHA-256 (hex) of the content."""
        return table_digest(self.pairs) + table_digest(self.mix)


EMPTY = CarriedState(STATE_SCHEMA.empty_table(), MIX_SCHEMA.empty_table())


def next_state(before: CarriedState, products: pa.Table, window: Sequence[pa.Table]) -> CarriedState:
    """State after a minute: from its product rows and the demand by city of the window's minutes.

    A pair that just sold out takes the mix of the window; one that stays sold out keeps its own.
    """
    pairs = products.select(STATE_SCHEMA.names).cast(STATE_SCHEMA)
    sold_out = pairs.filter(pc.is_valid(pairs["latent_velocity"])).select(PAIR)
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
        pairs.sort_by([(name, "ascending") for name in PAIR]).combine_chunks(),
        mix.sort_by([(name, "ascending") for name in (*PAIR, "city_id")]).combine_chunks(),
    )


def cells_of_pairs(cells: pa.Table, pairs: pa.Table) -> pa.Table:
    """Rows whose (product, warehouse) stands in `pairs`."""
    wanted = pa.array(pair_key(int_column(pairs, "product_id"), int_column(pairs, "warehouse_id")))
    own = pa.array(pair_key(int_column(cells, "product_id"), int_column(cells, "warehouse_id")))
    return cells.filter(pc.is_in(own, wanted))
