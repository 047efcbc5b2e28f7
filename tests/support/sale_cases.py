"""Which cases of the KPI definitions a drawn sale holds, told from its facts and from what they come to."""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from datetime import datetime
from itertools import pairwise
from typing import Any

from flashsale.minutes import MINUTE, floor_minute, minutes_between
from flashsale.settings import Settings
from tests.support.drawn_sale import DrawnSale

Parts = Mapping[str, Any]


def cases(sale: DrawnSale, parts: Mapping[datetime, Parts], settings: Settings) -> dict[str, bool]:
    """Case -> whether it occurs; `parts` by the end of the minute, in order."""
    ends = list(parts)
    facts = [*_timed(sale.orders, "order_ts"), *_timed(sale.inventory, "inventory_ts")]
    final = settings.lateness + MINUTE
    late = [f for at, f in facts if f["arrived_at"] >= floor_minute(at) + final]
    with_facts = {floor_minute(at) for at, _ in facts}
    first = floor_minute(sale.first_order_ts)
    shares = [[city["at_risk_share"] for city in p["cities"]] for p in parts.values()]
    return {
        "late order": any("order_qty" in f for f in late),
        "late inventory": any("order_qty" not in f for f in late),
        "last moment in time": any(f["arrived_at"] == floor_minute(at) + final - MINUTE / 60_000 for at, f in facts),
        "first moment too late": any(f["arrived_at"] == floor_minute(at) + final for at, f in facts),
        "ahead of its writer, as far as allowed": any((at - f["arrived_at"]).total_seconds() == 30 for at, f in facts),
        "ahead of its writer, too far": any((at - f["arrived_at"]).total_seconds() > 30 for at, f in facts),
        "before the sale": any(at < sale.opens for at, _ in facts),
        "unknown product": any(f["product_id"] == 777 for f in sale.orders),
        "unknown warehouse": any(f["warehouse_id"] == 777 for f in sale.orders),
        "unknown city": any(f["city_id"] == 777 for f in sale.orders),
        "inventory of an unknown product": any(e["product_id"] == 777 for e in sale.inventory),
        "a minute without facts": any(m not in with_facts for m in minutes_between(sale.opens, ends[-1])),
        "a minute before the first order": ends[0] <= first,
        "minutes with less than a window behind them": sum(first < t < first + settings.window for t in ends) >= 10,
        "minutes with a whole window behind them": sum(t > first + settings.window for t in ends) >= 5,
        "events at the same moment, the greater id not sent last": _tie(sale),
        "more promised than there is": any(e["reserved_stock"] > e["inventory_on_hand"] for e in sale.inventory),
        "everything sold out": any(set(row) == {1.0} for row in shares),
        "part of the demand at risk": any(share not in (None, 0.0, 1.0) for row in shares for share in row),
        "overloaded by load alone": _overloaded(parts, lambda load, slow: load and not slow),
        "overloaded by delay alone": _overloaded(parts, lambda load, slow: slow and not load),
        "load exactly at the bound": any(w["load"] == 0.9 and w["overloaded"] for _, w in _rows(parts, "warehouses")),
        "delay exactly at the bound": any(w["mean_fulfillment_delay"] == 30.0 for _, w in _rows(parts, "warehouses")),
        **_stories(parts),
        **_outlooks(parts),
    }


def _stories(parts: Mapping[datetime, Parts]) -> dict[str, bool]:
    """What happens to single pairs from minute to minute."""
    life: defaultdict[tuple[int, int], list[tuple[str, float]]] = defaultdict(list)
    for _, row in _rows(parts, "products"):
        life[row["product_id"], row["warehouse_id"]].append((row["status"], row["velocity"]))
    told = {pair: "".join(f" {status}" for status, _ in rows) for pair, rows in life.items()}
    lost = [p["headline"]["lost_value"] for p in parts.values()]
    return {
        "each status": {status for rows in life.values() for status, _ in rows}
        == {"ok", "at_risk", "sold_out", "not_stocked", "unknown"},
        "stock without orders": any(all(row == ("ok", 0.0) for row in rows) for rows in life.values()),
        "orders without known stock": any(set(t.split()) == {"unknown"} for t in told.values()),
        "stock known after the first orders": any(t.startswith(" unknown") and "sold_out" in t for t in told.values()),
        "restocked after it sold out": any("sold_out ok" in t or "sold_out at_risk" in t for t in told.values()),
        "sold out twice": any(
            sum(a != "sold_out" == b for (a, _), (b, _) in pairwise(rows)) >= 2 for rows in life.values()
        ),
        "not stocked, then asked for": any("not_stocked sold_out" in t for t in told.values()),
        "sold out longer than a window": any(("sold_out", 0.0) in rows for rows in life.values()),
        "lost value grows": lost[0] == 0 < lost[-1],
        "a product sold out": any(p["headline"]["sold_out_skus"] for p in parts.values()),
        "a product sold out beside one not stocked": _sold_out_beside(parts, "not_stocked"),
        "a product sold out beside an unknown stock": _sold_out_beside(parts, "unknown"),
        "a product at high risk": any(p["headline"]["high_risk_skus"] for p in parts.values()),
    }


def _outlooks(parts: Mapping[datetime, Parts]) -> dict[str, bool]:
    """What the forecast says and where it decides."""
    rows = [row for _, row in _rows(parts, "products")]
    stocked = [row for row in rows if row["available"]]
    lost: defaultdict[tuple[int, int], list[tuple[str, int]]] = defaultdict(list)
    for row in rows:
        lost[row["product_id"], row["warehouse_id"]].append((row["status"], row["lost_value"]))
    return {
        "bought by machines": any(p["headline"]["bot_orders"] for p in parts.values()),
        "bought by machines, in the window": any(row["bot_orders"] for row in rows),
        "a surge": any(p["headline"]["surging_pairs"] for p in parts.values()) and any(row["surge"] for row in rows),
        "at risk by the forecast alone": any(r["p15"] >= 0.5 and (r["eta_minutes"] or 99) > 15 for r in stocked),
        "at risk by the velocity alone": any(r["p15"] < 0.5 and (r["eta_minutes"] or 99) <= 15 for r in stocked),
        "likely to last the sale": any(r["p30"] and r["eta_p10"] and not r["eta_p90"] for r in stocked),
        "likely to run out before its end": any(r["eta_p90"] for r in stocked),
        "lost while there was stock again": any(
            then[1] < now[1] and then[0] != "sold_out" != now[0]
            for pair in lost.values()
            for then, now in pairwise(pair)
        ),
    }


def _sold_out_beside(parts: Mapping[datetime, Parts], other: str) -> bool:
    statuses: defaultdict[tuple[datetime, int], set[str]] = defaultdict(set)
    for end, row in _rows(parts, "products"):
        statuses[end, row["product_id"]].add(row["status"])
    gone = {"sold_out", "not_stocked", "unknown"}
    return any({"sold_out", other} <= found <= gone for found in statuses.values())


def _timed(documents: list[dict[str, Any]], event_time: str) -> list[tuple[datetime, dict[str, Any]]]:
    return [(document[event_time], document) for document in documents]


def _tie(sale: DrawnSale) -> bool:
    seen: dict[tuple[Any, ...], dict[str, Any]] = {}
    for event in sale.inventory:
        key = (event["product_id"], event["warehouse_id"], event["inventory_ts"])
        before = seen.setdefault(key, event)
        if before["_id"] > event["_id"] and before["inventory_on_hand"] != event["inventory_on_hand"]:
            return True
    return False


def _overloaded(parts: Mapping[datetime, Parts], which: Any) -> bool:
    return any(
        w["overloaded"] and which(w["load"] >= 0.9, (w["mean_fulfillment_delay"] or 0) >= 30)
        for _, w in _rows(parts, "warehouses")
    )


def _rows(parts: Mapping[datetime, Parts], name: str) -> Iterator[tuple[datetime, dict[str, Any]]]:
    return ((end, row) for end, p in parts.items() for row in p[name])
