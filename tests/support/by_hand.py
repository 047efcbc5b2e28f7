"""About thirty facts of a sale that opens at 09:00, and every KPI of 09:12 worked out by hand.

The first order is at 09:02:10, so at 09:12 ten whole minutes have passed: velocities divide
by 10, the last five minutes are 09:07 to 09:12.
"""

from typing import Any

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

_NO_FORECAST = {"eta_p10": None, "eta_p50": None, "eta_p90": None, "p5": None, "p15": None, "p30": None}


def _product(
    pair: tuple[int, int],
    status: str,
    available: int | None,
    velocity: float,
    eta: float | None,
    value_at_risk: int | None,
) -> dict[str, Any]:
    return {
        "product_id": pair[0],
        "warehouse_id": pair[1],
        "status": status,
        "available": available,
        "velocity": velocity,
        "eta_minutes": eta,
        "value_at_risk": value_at_risk,
        **_NO_FORECAST,
    }


PRODUCTS = [
    # 40 units / 10 min = 4.0; 30 left / 4.0 = 7.5 min; (4.0 * 30 - 30) * 1000
    _product((1, 1), "at_risk", 30, 4.0, 7.5, 90_000),
    _product((1, 2), "ok", 600, 1.5, 400.0, 0),
    _product((2, 1), "ok", 1000, 1.0, 1000.0, 0),
    # 20 / 10 = 2.0; nothing left; 2.0 * 30 * 500
    _product((3, 1), "sold_out", 0, 2.0, 0.0, 30_000),
    _product((4, 2), "not_stocked", 0, 0.0, None, 0),
    _product((5, 2), "ok", 100, 0.0, None, 0),
    _product((5, 3), "ok", 100, 0.0, None, 0),
    # how much is left is unknown, and so is how long it lasts and what is at risk
    _product((6, 2), "unknown", None, 0.5, None, None),
]

HEADLINE = {
    "orders_per_minute": 3,  # orders 7, 8, 11
    "units_per_minute": 13,
    "value_per_minute": 7_400,
    "high_risk_skus": 1,  # product 1
    "sold_out_skus": 1,  # product 3; product 4 is not stocked, which is not sold out
    "overloaded_warehouses": 2,
    "value_at_risk": 120_000,
    # Product 3 sold 14 units in the 7 minutes to 09:09: 2.0 a minute before it sold out.
    # Lost: 30 s of 09:09, all of 09:10 and 09:11 = 1 + 2 + 2 units, at 500 each.
    "lost_value": 2_500,
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

# Hidden demand of product 3: 2.0 a minute for the 2.5 sold-out minutes = 5 units, split as its
# buyers were before: city 1 bought 15 of 20, city 2 bought 5.
CITIES = [
    {
        "city_id": 1,
        "province": "Sindh",
        "demand_units": 35.75,  # 19 + 7 + 6 + 3.75
        "at_risk_share": 0.8042,  # (19 + 6 + 3.75) / 35.75
        "at_risk_value_per_minute": 4_775,  # (19 * 1000 + 9.75 * 500) / 5
    },
    {
        "city_id": 2,
        "province": "Punjab",
        "demand_units": 29.25,  # 8 + 20 + 1.25
        "at_risk_share": 0.3162,  # (8 + 1.25) / 29.25
        "at_risk_value_per_minute": 1_725,  # (8 * 1000 + 1.25 * 500) / 5
    },
]

CITY_WAREHOUSE = [
    {"city_id": 1, "warehouse_id": 1, "demand_units": 35.75, "at_risk_share": 0.8042},
    {"city_id": 2, "warehouse_id": 1, "demand_units": 9.25, "at_risk_share": 1.0},
    {"city_id": 2, "warehouse_id": 2, "demand_units": 20.0, "at_risk_share": 0.0},
]

# (severity, product, warehouse, action, quantity, units of the last 15 minutes)
ACTIONS = [
    ("critical", 1, 1, "restock", 90, [0, 0, 0, 0, 0, 4, 4, 0, 0, 5, 0, 9, 6, 6, 6]),
    ("sold_out", 3, 1, "restock", 60, [0, 0, 0, 0, 0, 0, 0, 0, 9, 5, 0, 0, 6, 0, 0]),
]

LEDGER_RESIDUAL = 5  # the five units of product 6, of which no shelf ever knew
