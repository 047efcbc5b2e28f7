"""A realistic sale and its minutes, as the jobs would publish them; the figures are invented."""

import random
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from flashsale.minutes import MINUTE, iso, utc_now
from flashsale.redis_keys import SaleKeys
from flashsale.sale_run import SaleRun
from flashsale.snapshot import SCHEMA_VERSION, Snapshot, canonical_json, snapshot_id
from flashsale.stores.context import DimensionsView, write_dimensions, write_history, write_sale
from flashsale.stores.health import write_health
from flashsale.stores.redis_client import RedisClient
from flashsale.stores.snapshots import publish_snapshot

SALE_ID = "rehearsal"

CITIES = {
    1: ("Karachi", "Sindh"),
    2: ("Lahore", "Punjab"),
    3: ("Islamabad", "Islamabad Capital"),
    4: ("Multan", "Punjab"),
    5: ("Faisalabad", "Punjab"),
    6: ("Peshawar", "Khyber Pakhtunkhwa"),
    7: ("Quetta", "Balochistan"),
    8: ("Hyderabad", "Sindh"),
    9: ("Sukkur", "Sindh"),
    10: ("Sialkot", "Punjab"),
}
WAREHOUSES = {
    1: ("Karachi South", 1, 900),
    2: ("Karachi North", 1, 900),
    3: ("Lahore Gulberg", 2, 800),
    4: ("Islamabad I-9", 3, 500),
    5: ("Multan", 4, 300),
    6: ("Faisalabad", 5, 400),
}
PRODUCTS = (
    "Aurora Buds Pro",
    "Nimbus 5G 128 GB",
    "Desert Air Cooler",
    "Kids Sneaker 31",
    "Rice Cooker 1.8 L",
    "Power Bank 20 Ah",
    "Denim Jacket M",
    "LED Strip 10 m",
    "Steam Iron 2400 W",
    "Basmati Rice 5 kg",
    "Cricket Bat Senior",
    "Ceiling Fan 56 in",
    "Baby Wipes 80",
)


def dimensions(products: Mapping[int, str] | None = None) -> DimensionsView:
    """Names of the sample's things; `products` replaces names by id."""
    names = {i + 1: name for i, name in enumerate(PRODUCTS)} | dict(products or {})
    return {
        "products": {str(i): {"name": name, "category": "sample"} for i, name in names.items()},
        "product_count": len(names),
        "categories": ["sample"],
        "warehouses": {str(i): {"name": n, "city_id": c} for i, (n, c, _) in WAREHOUSES.items()},
        "cities": {str(i): {"city": n, "province": p} for i, (n, p) in CITIES.items()},
    }


def sale(start: datetime | None = None, **changes: Any) -> SaleRun:
    """A day-long sale that is in its second hour."""
    start = start or utc_now() - timedelta(minutes=87)
    fields: dict[str, Any] = {
        "sale_id": SALE_ID,
        "scenario": "11.11 Mega Sale",
        "scenario_toml": "",
        "seed": 11,
        "sale_start": start,
        "sale_end": start + timedelta(hours=24),
        "phase": "live",
        "first_order_ts": start,
    }
    return SaleRun(**(fields | changes))


def parts(end: datetime, seed: int = 11, trend_minutes: int = 60, open_actions: int = 27) -> dict[str, Any]:
    """Every part but `meta` of the minute that ends at `end`."""
    dice = random.Random(seed)
    trend = [_trend_row(end - MINUTE * (trend_minutes - 1 - k), k, dice) for k in range(trend_minutes)]
    last = trend[-1]
    rows = [_action_row(k, end, dice) for k in range(min(open_actions, 50))]
    order = {"critical": 0, "high": 1, "sold_out": 2, "watch": 3}
    rows.sort(key=lambda row: (order[row["severity"]], row["eta_minutes"], -row["value_at_risk"]))
    warehouses = [_warehouse_row(i, capacity, dice) for i, (_, _, capacity) in WAREHOUSES.items()]
    overloaded = sum(row["overloaded"] for row in warehouses)
    last["overloaded_warehouses"] = overloaded
    cells = [
        {
            "city_id": city,
            "warehouse_id": warehouse,
            "demand_units": round(dice.uniform(5, 400), 3),
            "at_risk_share": round(min(1.0, max(0.0, dice.gauss(0.2, 0.25))), 4),
        }
        for city in CITIES
        for warehouse in WAREHOUSES
        if dice.random() < 0.85
    ]
    return {
        "headline": {
            "orders_per_minute": last["orders"],
            "units_per_minute": last["orders"] + 4_112,
            "value_per_minute": last["orders"] * 310_000,
            "high_risk_skus": last["high_risk_skus"],
            "sold_out_skus": last["sold_out_skus"],
            "overloaded_warehouses": overloaded,
            "value_at_risk": last["value_at_risk"],
            "lost_units": last["lost_value"] // 120_000,
            "lost_value": last["lost_value"],
            "surging_pairs": 0,
            "bot_orders": 0,
            "data_quality_score": 0.996,
        },
        "products": [],
        "warehouses": warehouses,
        "cities": [
            {
                "city_id": city,
                "province": province,
                "demand_units": 900.0 - 70 * city,
                "at_risk_share": 0.3,
                "at_risk_value_per_minute": 90_000_000 - 7_000_000 * city,
            }
            for city, (_, province) in CITIES.items()
        ],
        "city_warehouse": cells,
        "trend": trend,
        "actions": {"total": open_actions, "rows": rows, "groups": [], "grouped": []},
        "alerts": [],
        "data_quality": {
            "score": 0.996,
            "acked": 2_412_334,
            "late": 312,
            "duplicate_same": 90,
            "duplicate_conflict": 2,
            "refused": {"schema": 39},
            "quarantined": {"refused:schema": 39, "conflict:id": 2},
            "ledger_residual_units": 0,
            "phantom_suspects": {"total": 0, "rows": []},
        },
        "forecast_quality": forecast_quality(end),
    }


def phantom_suspects() -> dict[str, Any]:
    """Two pairs whose records say more than the shelves hold."""
    rows = [
        {
            "product_id": product,
            "warehouse_id": 2,
            "residual_units": -residual,
            "explained_units": -3,
            "unexplained_units": 3 - residual,
        }
        for product, residual in ((5, 210), (9, 74))
    ]
    return {"total": len(rows), "rows": rows}


def forecast_quality(end: datetime, minutes: int = 60, off: float = 0.0) -> dict[str, Any]:
    """The record of forecasts that come true as stated, or `off` more often in every tenth."""
    tenths = [(round(0.05 + k / 10, 4), 40_000 // (1 + k * k)) for k in range(10)]
    bins = [
        {
            "forecasts": forecasts,
            "stockouts": round(forecasts * min(1.0, stated + off)),
            "stated": stated,
            "observed": round(min(1.0, stated + off), 4),
        }
        for stated, forecasts in tenths
    ]
    total = {name: sum(part[name] for part in bins) for name in ("forecasts", "stockouts")}
    scores = {"brier": 0.0412, "brier_naive": 0.0873, "skill": 0.5281, "log_loss": 0.1402}
    return {
        "minutes": minutes,
        "horizons": [{"horizon": h, "reliability": bins} | total | scores for h in (5, 15, 30)],
        "course": [
            {
                "minute": iso(end - MINUTE * (minutes - 1 - k)),
                "forecasts": 3_000,
                "stockouts": 40,
                "brier": round(0.06 - 0.0004 * k, 4),
                "brier_naive": 0.09,
            }
            for k in range(minutes)
        ],
    }


def alerts(end: datetime, started: datetime) -> list[dict[str, Any]]:
    """Alerts that stood in a minute: one that Sana took after 3 min, one nobody took that sold out after 10."""
    age = (end - started) // MINUTE
    rows = [
        _alert(
            "taken", 1, 1, "critical", started, "acknowledged" if age >= 3 else "open", "Sana" if age >= 3 else None
        ),
        _alert("ignored", 2, 3, "sold_out" if age >= 10 else "high", started, "open", None),
    ]
    return rows + ([_alert("late", 3, 4, "high", started + MINUTE * 19, "open", None)] if age >= 20 else [])


def _alert(
    name: str, product: int, warehouse: int, severity: str, raised: datetime, state: str, owner: str | None
) -> dict[str, Any]:
    return {
        "alert_id": name,
        "product_id": product,
        "warehouse_id": warehouse,
        "severity": severity,
        "action": "restock",
        "qty": 500,
        "reason": "sells out in ~4 min; 500 ordered now arrive in 30 min",
        "value_saved": 100 * 1_500_000 // product,
        "state": state,
        "owner": owner,
        "raised_at": iso(raised),
        "count": 1,
    }


def write_past(client: RedisClient, end: datetime, minutes: int) -> None:
    """The last `minutes` minutes up to `end` as the KPI job leaves them."""
    first = end - MINUTE * (minutes - 1)
    for k in range(minutes):
        minute = first + MINUTE * k
        headline = parts(end)["headline"] | {
            "orders_per_minute": 20_000 + k,
            "lost_units": 10 * k,
            "lost_value": 1_000_000 * k,
            "high_risk_skus": k % 40,
        }
        write_history(client, SALE_ID, minute, {"headline": headline, "alerts": alerts(minute, first)})


def flooded(end: datetime) -> dict[str, Any]:
    """A minute in which three warehouses collapse: 214 alerts of theirs in three group rows, and a few others."""
    content = parts(end, open_actions=50)
    sizes = {1: 120, 3: 60, 4: 34}
    content["actions"]["groups"] = [_group_row(warehouse, count, end) for warehouse, count in sizes.items()]
    rows = content["actions"]["rows"]
    grouped = [row["alert_id"] for row in rows if row["warehouse_id"] in sizes and row["severity"] != "watch"]
    content["actions"]["grouped"] = grouped
    content["actions"]["total"] = sum(sizes.values()) + len(rows) - len(grouped)
    content["alerts"] = content["actions"]["groups"]
    return content


def _group_row(warehouse: int, count: int, end: datetime) -> dict[str, Any]:
    name = WAREHOUSES[warehouse][0]
    return {
        "alert_id": None,
        "product_id": None,
        "warehouse_id": warehouse,
        "severity": "critical",
        "action": "monitor",
        "qty": 0,
        "reason": f"{count} products of {name} at once, {count // 5} sold out",
        "value_saved": count * 9_000_000,
        "state": "open",
        "owner": None,
        "raised_at": iso(end - MINUTE * 4),
        "count": count,
    }


def snapshot(end: datetime, content: dict[str, Any] | None = None, **meta: Any) -> Snapshot:
    """A snapshot ready to publish; `meta` replaces fields of the part."""
    content = parts(end) if content is None else content
    identifier = snapshot_id(end, content)
    described = {
        "snapshot_id": identifier,
        "schema_version": SCHEMA_VERSION,
        "sale_id": SALE_ID,
        "data_interval_end": iso(end),
        "watermark": iso(end + timedelta(seconds=1)),
        "complete": True,
        "settled": False,
        "calibration_id": None,
        "published_at": iso(end + timedelta(seconds=6)),
        "code_version": "test",
    } | meta
    texts = {name: canonical_json(value) for name, value in ({"meta": described} | content).items()}
    return Snapshot(identifier, end, texts, {})


def open_sale(client: RedisClient, products: Mapping[int, str] | None = None, **changes: Any) -> None:
    """The sale and its names, with every part of the pipeline healthy."""
    run = sale(**changes)
    write_sale(client, run, [1000])
    write_dimensions(client, run.sale_id, dimensions(products))
    keys = SaleKeys(run.sale_id)
    for key in (keys.health("kpi"), keys.health_dag("minute_kpis")):
        write_health(client, key, "ok", "31,480 orders in 4.1 s", 60)
    for key in (keys.health("archive"), keys.health_dag("archive_facts")):
        write_health(client, key, "ok", "1 batch", 600)


def publish(client: RedisClient, end: datetime, content: dict[str, Any] | None = None, **meta: Any) -> Snapshot:
    """Publish the minute that ends at `end` the way the KPI job does."""
    made = snapshot(end, content, **meta)
    publish_snapshot(client, SALE_ID, made, end, 30)
    return made


def _trend_row(minute: datetime, k: int, dice: random.Random) -> dict[str, Any]:
    return {
        "minute": iso(minute),
        "orders": 24_000 + 110 * k + dice.randrange(1_500),
        "high_risk_skus": max(0, int(3 + k * 0.4 + dice.gauss(0, 1.3))),
        "sold_out_skus": k // 14,
        "overloaded_warehouses": 1 if k > 30 else 0,
        "value_at_risk": 100 * (2_000_000 + 100_000 * k + dice.randrange(400_000)),
        "lost_value": 100 * 21_000 * k,
    }


def _action_row(k: int, end: datetime, dice: random.Random) -> dict[str, Any]:
    severity = "critical" if k < 3 else "high" if k < 7 else "sold_out" if k < 9 else "watch"
    sold_out = severity == "sold_out"
    velocity = round(dice.uniform(4, 40), 4)
    eta = {"critical": dice.uniform(1, 8), "high": dice.uniform(8.1, 15), "watch": dice.uniform(16, 40)}.get(
        severity, 0
    )
    base = velocity / 2
    qty = int(velocity * 30)
    return {
        "product_id": 1 + k % len(PRODUCTS),
        "warehouse_id": 1 + (k * 5 + k // 6) % len(WAREHOUSES),
        "status": "sold_out" if sold_out else "at_risk" if severity != "watch" else "ok",
        "available": int(eta * velocity),
        "velocity": velocity,
        "eta_minutes": round(eta, 2),
        "eta_p10": round(eta * 0.6, 2),
        "eta_p50": round(eta, 2),
        "eta_p90": round(eta * 1.8, 2),
        "p5": round(max(0.02, 0.9 - eta / 8), 4) if not sold_out else 1.0,
        "p15": round(max(0.04, 1 - eta / 40), 4) if not sold_out else 1.0,
        "p30": round(max(0.08, 1 - eta / 90), 4) if not sold_out else 1.0,
        "value_at_risk": 100 * dice.randrange(90_000, 1_900_000),
        "lost_units": 35 * k if sold_out else 0,
        "lost_value": 100 * 42_000 * k if sold_out else 0,
        "surge": k == 1,
        "bot_orders": 70 if k == 4 else 0,
        "severity": severity,
        "velocities": [max(0, int(base + i * base / 7 + dice.gauss(0, base / 5))) for i in range(15)],
        **_answer(k, severity, qty),
        "alert_id": f"a{k}",
        "state": "open",
        "owner": None,
        "until": None,
        "raised_at": iso(end - MINUTE * dice.randrange(0, 15)),
    }


def _answer(k: int, severity: str, qty: int) -> dict[str, Any]:
    """One of the actions, with its reason as `flashsale.decisions.reasons` words it."""
    restock = ("restock", qty, None, f"sells out in ~6 min (90 % within 15); {qty:,} ordered now arrive in 30 min")
    answers = (
        restock,
        ("transfer", 420, 1 + k % 5, f"sells out in ~4 min (97 % within 15); 420 spare in {WAREHOUSES[1 + k % 5][0]}"),
        ("pause_ads", 0, None, "nothing that pays arrives in time: ads only turn customers away"),
        ("reroute", 90, 1 + k % 5, f"{WAREHOUSES[1 + k % 5][0]} can serve ~90 of its orders"),
    )
    watched = ("monitor", 0, None, "no longer at risk")
    action, units, source, reason = watched if severity == "watch" else answers[k % len(answers)]
    saved = 0 if action == "monitor" else 100 * (1_920_000 - 150_000 * k)
    return {"action": action, "qty": units, "from_warehouse_id": source, "reason": reason, "value_saved": saved}


def _warehouse_row(i: int, capacity: int, dice: random.Random) -> dict[str, Any]:
    load = {1: 1.04, 3: 0.93}.get(i, round(dice.uniform(0.3, 0.85), 4))
    return {
        "warehouse_id": i,
        "units_per_minute": round(load * capacity, 2),
        "capacity_units_per_minute": capacity,
        "load": load,
        "mean_fulfillment_delay": round(dice.uniform(4, 26), 2),
        "overloaded": load >= 0.9,
    }
