"""About thirty facts of a sale that opens at 09:00, and every KPI of 09:12 worked out by hand.

The first order is at 09:02:10, so at 09:12 ten whole minutes have passed: velocities divide
by 10, the last five minutes are 09:07 to 09:12.  Nothing is forgotten (`remembering`), so the forecast
stands on plain sums, and the plan is 1 throughout.
"""

from pathlib import Path
from typing import Any

from flashsale.calibration import Calibration
from flashsale.settings import Settings
from tests.support.shop import order, stock

END = "09:12"

ORDERS: list[dict[str, Any]] = [
    # product 1 in warehouse 1 at 1000 each: 4+4+5+9+6+6+4+2 = 40 units
    order(1, "09:02:10", (1, 1), 1, 4, 1000),
    order(2, "09:03:30", (1, 1), 1, 4, 1000, arrived="09:05:59.999"),  # the last moment in time
    order(3, "09:06:00", (1, 1), 2, 5, 1000),
    order(4, "09:08:00", (1, 1), 1, 9, 1000),
    order(5, "09:09:00", (1, 1), 1, 6, 1000),
    order(6, "09:10:10", (1, 1), 2, 6, 1000),
    order(7, "09:11:00", (1, 1), 1, 4, 1000),
    order(8, "09:11:59.999", (1, 1), 2, 2, 1000),
    order(9, "09:03:40", (1, 1), 1, 7, 1000, arrived="09:06:00"),  # late: counted nowhere
    # product 2 in warehouse 1 at 200 each: 10 units
    order(10, "09:04:00", (2, 1), 1, 3, 200),
    order(11, "09:11:20", (2, 1), 1, 7, 200),
    # product 3 in warehouse 1 at 500 each: 20 units, then sold out
    order(12, "09:05:10", (3, 1), 1, 9, 500),
    order(13, "09:06:20", (3, 1), 2, 5, 500),
    order(14, "09:09:20", (3, 1), 1, 6, 500),
    # product 1 in warehouse 2: plenty left
    order(15, "09:07:00", (1, 2), 2, 15, 1000),
    # product 6 in warehouse 2: no inventory event ever
    order(16, "09:10:30", (6, 2), 2, 5, 300),
    # the next minute
    order(17, "09:12:00", (1, 1), 1, 99, 1000),
]

INVENTORY: list[dict[str, Any]] = [
    stock(1, "09:00:00", (1, 1), 75, 5),
    stock(2, "09:00:00", (2, 1), 1010),
    stock(3, "09:00:00", (3, 1), 20),
    stock(4, "09:00:00", (4, 2), 0),  # not stocked
    stock(5, "09:00:00", (5, 2), 100),  # no demand
    stock(6, "09:00:00", (5, 3), 100),
    stock(7, "09:00:00", (1, 2), 615),
    stock(8, "09:09:30", (3, 1), 20, 20, delay=6.0),  # sold out from here
    stock(9, "09:11:30", (1, 1), 30, 0, delay=3.0),
    stock(10, "09:11:30", (2, 1), 900, 0, delay=4.0),
    stock(11, "09:11:30", (2, 1), 1000, 0, delay=5.0),  # same moment, greater id: this one counts
    stock(12, "09:08:00", (5, 3), 100, 0, delay=20.0),
    stock(13, "09:10:00", (5, 3), 100, 0, delay=40.0),
    stock(14, "09:07:30", (1, 2), 600, 0, delay=2.0),
    stock(15, "09:12:00", (1, 1), 0),  # the next minute
]


def remembering(settings: Settings, folder: Path) -> Settings:
    """The settings with a calibration, written into `folder`, in which a minute counts as much as any later one."""
    path = folder / "remembering.json"
    path.write_text(Calibration(forgetting=1.0).named().text())
    return settings.model_copy(update={"calibration": path})


# What the forecast knows at 09:12 (order 9 is late).  In stock: from 09:00 on, (3, 1) until 09:09:30, (4, 2) never;
# (6, 2) for the two minutes since its first order, its stock being unknown.
#   pair     units   units²  orders  minutes
#   (1, 1)    40      230      8      12
#   (1, 2)    15      225      1      12
#   (2, 1)    10       58      2      12
#   (3, 1)    20      142      3       9.5
#   (5, 2)     0        0      0      12      and (5, 3) the same, (4, 2) nothing
#   (6, 2)     5       25      1       2
#   all       90      680     15      71.5    of one category: 90 / 71.5 = 1.2587 units a minute
# Pull of a warehouse, 5 average units weighing beside its own: 1: (70 + 5) / (33.5 * 1.2587 + 5) = 1.5901;
# 2: (20 + 5) / (26 * 1.2587 + 5) = 0.6627; 3: 5 / (12 * 1.2587 + 5) = 0.2487
# The category's rate: (90 + 1.2587) / (33.5 * 1.5901 + 26 * 0.6627 + 12 * 0.2487 + 1) = 91.2587 / 74.4805 = 1.2253
# A product's, 5 units of the category's weighing beside its own:
#   product 1: (55 + 5) / (12 * 1.5901 + 12 * 0.6627 + 5 / 1.2253) = 60 / 31.1133 = 1.9284
#   product 3: (20 + 5) / (9.5 * 1.5901 + 5 / 1.2253) = 25 / 19.1864 = 1.3030
# Sizes of orders, beside 20 units of the category's: 680 / 90 = 7.5556 = E[q²] / E[q] and 90 / 15 = 6 = E[q].
#   (1, 1): phi = (230 + 20 * 7.5556) / (40 + 20) = 6.3519, m = (40 + 20) / (8 + 20 / 6) = 5.2941
#   (3, 1): phi = (142 + 20 * 7.5556) / (20 + 20) = 7.3278, m = (20 + 20) / (3 + 20 / 6) = 6.3158
# Orders per minute, the prior weighing 2 orders; then units per minute:
#   (1, 1): expected 1.9284 * 1.5901 = 3.0663: (2 + 8) / (5.2941 * 2 / 3.0663 + 12) = 10 / 15.4531; * 5.2941 = 3.4259
#   (3, 1): expected 1.3030 * 1.5901 = 2.0719: (2 + 3) / (6.3158 * 2 / 2.0719 + 9.5) = 5 / 15.5967; * 6.3158 = 2.0247
# (1, 1) runs out: 1 / A = 1 / 10 + (6.3519 / 5.2941 - 1) * 8 / (8 + 20 / 5.2941)² = 0.11152, A = 8.9668,
#   B = 6.3519 * 8.9668 / 3.4259 = 16.6249, s = (30 + 5.3519 / 2) / 6.3519 = 5.1443, x = h / (B + h), P = I(x; s, A)
#   h      3       5       7       10      15      20      30
#   x    0.1529  0.2312  0.2963  0.3756  0.4743  0.5461  0.6434
#   P    0.0313  0.1455  0.3120  0.5535  0.8072  0.9185  0.9837
#   10 % after 3 + 2 * 0.06867 / 0.11418, 50 % after 7 + 3 * 0.18804 / 0.24158, 90 % after 15 + 5 * 0.09282 / 0.11131
#   short within 30: mu = 8.9668 * 30 / 16.6249 = 16.1808, s0 = 30 / 6.3519 = 4.7230, I(x; s0 - 1, A + 1) = 0.99770,
#   I(x; s0, A) = 0.98801: 6.3519 * (16.1808 * 0.99770 - 4.7230 * 0.98801) = 72.901 units at 1000
ENDANGERED = {"p5": 0.1455, "p15": 0.8072, "p30": 0.9837, "eta_p10": 4.2, "eta_p50": 9.34, "eta_p90": 19.17}
_SOLD_OUT = {"p5": 1.0, "p15": 1.0, "p30": 1.0, "eta_p10": 0.0, "eta_p50": 0.0, "eta_p90": 0.0}
_UNKNOWN: dict[str, Any] = dict.fromkeys(_SOLD_OUT)
_SAFE = {**_UNKNOWN, "p5": 0.0, "p15": 0.0, "p30": 0.0}


def _product(
    pair: tuple[int, int],
    status: str,
    available: int | None,
    velocity: float,
    eta: float | None,
    value_at_risk: int | None,
    stated: dict[str, Any],
    lost: tuple[int, int] = (0, 0),
) -> dict[str, Any]:
    """A row; `lost` units and value."""
    return {
        "product_id": pair[0],
        "warehouse_id": pair[1],
        "status": status,
        "available": available,
        "velocity": velocity,
        "eta_minutes": eta,
        "value_at_risk": value_at_risk,
        "lost_units": lost[0],
        "lost_value": lost[1],
        "surge": False,
        "bot_orders": 0,
        **stated,
    }


PRODUCTS = [
    # 40 units / 10 min = 4.0; 30 left / 4.0 = 7.5 min
    _product((1, 1), "at_risk", 30, 4.0, 7.5, 72_901, ENDANGERED),
    _product((1, 2), "ok", 600, 1.5, 400.0, 0, _SAFE),
    _product((2, 1), "ok", 1000, 1.0, 1000.0, 0, _SAFE),
    # 20 / 10 = 2.0; nothing left; all of the next 30 minutes' demand is short: 2.02472 * 30 = 60.742 units at 500
    _product((3, 1), "sold_out", 0, 2.0, 0.0, 30_371, _SOLD_OUT, (5, 2_546)),
    # nobody ever wanted it, so that nobody will be short of it
    _product((4, 2), "not_stocked", 0, 0.0, None, 0, _UNKNOWN),
    _product((5, 2), "ok", 100, 0.0, None, 0, _SAFE),
    _product((5, 3), "ok", 100, 0.0, None, 0, _SAFE),
    # how much is left is unknown, and so is how long it lasts and what is at risk
    _product((6, 2), "unknown", None, 0.5, None, None, _UNKNOWN),
]

HEADLINE = {
    "orders_per_minute": 3,  # orders 7, 8, 11
    "units_per_minute": 13,
    "value_per_minute": 7_400,
    "high_risk_skus": 1,  # product 1
    "sold_out_skus": 1,  # product 3; product 4 is not stocked, which is not sold out
    "overloaded_warehouses": 2,
    "value_at_risk": 103_272,
    # Product 3 was wanted at 2.0462 a minute by what was known at 09:10, 2.0406 at 09:11, 2.0247 at 09:12.
    # Lost: 30 s of 09:09, all of 09:10 and 09:11 = 1.023 + 2.041 + 2.025 units, at 500 each and halves up
    # 512 + 1021 + 1013.
    "lost_units": 5,
    "lost_value": 2_546,
    "surging_pairs": 0,
    "bot_orders": 0,
}

WAREHOUSES = [
    # 27 + 7 + 6 units in five minutes; delays 6, 3, 4, 5
    {
        "warehouse_id": 1,
        "units_per_minute": 8.0,
        "capacity_units_per_minute": 8,
        "load": 1.0,
        "mean_fulfillment_delay": 4.5,
        "overloaded": True,
    },
    {
        "warehouse_id": 2,
        "units_per_minute": 4.0,
        "capacity_units_per_minute": 1000,
        "load": 0.004,
        "mean_fulfillment_delay": 2.0,
        "overloaded": False,
    },
    # idle, but what it ships waits (20 + 40) / 2 = 30 minutes
    {
        "warehouse_id": 3,
        "units_per_minute": 0.0,
        "capacity_units_per_minute": 500,
        "load": 0.0,
        "mean_fulfillment_delay": 30.0,
        "overloaded": True,
    },
]

# Hidden demand of product 3: 2.02472 a minute for the 2.5 sold-out minutes = 5.062 units, split as its
# buyers were before: city 1 bought 15 of 20 (3.796), city 2 bought 5 (1.265).
CITIES = [
    {
        "city_id": 1,
        "province": "Sindh",
        "demand_units": 35.796,  # 19 + 7 + 6 + 3.796
        "at_risk_share": 0.8044,  # (19 + 6 + 3.796) / 35.796
        "at_risk_value_per_minute": 4_780,  # (19 * 1000 + 9.796 * 500) / 5 = 4779.6
    },
    {
        "city_id": 2,
        "province": "Punjab",
        "demand_units": 29.265,  # 8 + 20 + 1.265
        "at_risk_share": 0.3166,  # (8 + 1.265) / 29.265
        "at_risk_value_per_minute": 1_727,  # (8 * 1000 + 1.265 * 500) / 5 = 1726.5
    },
]

CITY_WAREHOUSE = [
    {"city_id": 1, "warehouse_id": 1, "demand_units": 35.796, "at_risk_share": 0.8044},
    {"city_id": 2, "warehouse_id": 1, "demand_units": 9.265, "at_risk_share": 1.0},
    {"city_id": 2, "warehouse_id": 2, "demand_units": 20.0, "at_risk_share": 0.0},
]

# (severity, product, warehouse, action, quantity, units of the last 15 minutes).  Units sell at 10 and 5 rupees, an
# order or a van costs thousands: nothing that brings stock pays, and fewer customers turned away is all to be gained.
ACTIONS = [
    ("critical", 1, 1, "pause_ads", 0, [0, 0, 0, 0, 0, 4, 4, 0, 0, 5, 0, 9, 6, 6, 6]),
    ("sold_out", 3, 1, "pause_ads", 0, [0, 0, 0, 0, 0, 0, 0, 0, 9, 5, 0, 0, 6, 0, 0]),
]

LEDGER_RESIDUAL = 5  # the five units of product 6, of which no shelf ever knew
