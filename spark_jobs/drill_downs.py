"""What the page shows of one (product, warehouse) when it is asked: the course so far and ahead, and the choices."""

from collections.abc import Mapping, Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from flashsale.alerts.history import alert_history
from flashsale.alerts.life import Alert, Pair
from flashsale.decisions.decide import Decision
from flashsale.drill_down import Alternative, Details, FanPoint, InboundRow, SiblingRow, pair_field
from flashsale.forecast import Shelves, fan
from flashsale.snapshot import ActionRow
from spark_jobs.minute_pass import MinutePass
from spark_jobs.pair_columns import Ints, pair_key

FAN_MINUTES = (5, 10, 15, 20, 25, 30, 45, 60)


def drill_downs(
    rows: Sequence[ActionRow],
    result: MinutePass,
    decisions: Mapping[Pair, Decision],
    alerts: Mapping[Pair, Alert],
) -> dict[str, Details]:
    """The drill-down of each of `rows`, by ``product_id:warehouse_id``; `alerts`: those that are shown."""
    at = np.searchsorted(result.pairs, _pairs(rows))
    fans, inbound = _fans(result, at), _inbound(result, at)
    siblings = _siblings(result.products, {row["product_id"] for row in rows})
    return {
        pair_field(row["product_id"], row["warehouse_id"]): {
            "available": row["available"],
            "velocities": row["velocities"],
            "fan": fan_points,
            "inbound": coming,
            "siblings": [s for s in siblings[row["product_id"]] if s["warehouse_id"] != row["warehouse_id"]],
            "alternatives": _alternatives(decisions.get((row["product_id"], row["warehouse_id"]))),
            "history": alert_history(alerts.get((row["product_id"], row["warehouse_id"]))),
        }
        for row, fan_points, coming in zip(rows, fans, inbound, strict=True)
    }


def _alternatives(decision: Decision | None) -> list[Alternative]:
    """Nothing is decided about a row that is only watched."""
    return list(decision.alternatives) if decision else []


def _pairs(rows: Sequence[ActionRow]) -> Ints:
    product = np.array([row["product_id"] for row in rows], dtype=np.int64)
    return pair_key(product, np.array([row["warehouse_id"] for row in rows], dtype=np.int64))


def _fans(result: MinutePass, at: Ints) -> list[list[FanPoint]]:
    outlook = result.outlook
    minutes = [minute for minute in FAN_MINUTES if minute <= outlook.plan.minutes]
    shelves = Shelves(outlook.shelves.available[at], outlook.shelves.siblings[at], outlook.shelves.plan[at])
    arrivals = outlook.arrivals.of_pairs(at, len(result.pairs))
    left = np.rint(fan(shelves, outlook.demand.take(at), outlook.plan, arrivals, minutes)).astype(np.int64)
    return [
        [
            {"minute": minute, "low": int(low), "middle": int(middle), "high": int(high)}
            for minute, (low, middle, high) in zip(minutes, left[:, :, pair].T, strict=True)
        ]
        for pair in range(len(at))
    ]


def _inbound(result: MinutePass, at: Ints) -> list[list[InboundRow]]:
    arrivals = result.outlook.arrivals.of_pairs(at, len(result.pairs))
    coming: list[list[InboundRow]] = [[] for _ in at]
    for pair, minutes, units in zip(arrivals.pair, arrivals.minutes, arrivals.units, strict=True):
        coming[pair].append({"expected_in_minutes": round(float(minutes), 2), "units": round(float(units))})
    return coming


def _siblings(products: pa.Table, wanted: set[int]) -> dict[int, list[SiblingRow]]:
    own = products.filter(pc.is_in(products["product_id"], pa.array(sorted(wanted), pa.int64())))
    found: dict[int, list[SiblingRow]] = {product: [] for product in wanted}
    for row in own.select(["product_id", "warehouse_id", "status", "available"]).to_pylist():
        found[row["product_id"]].append(
            {"warehouse_id": row["warehouse_id"], "status": row["status"], "available": row["available"]}
        )
    return found
