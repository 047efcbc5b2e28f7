"""A plan in figures: for machines, and as lines for people."""

import json
import math
from dataclasses import asdict
from typing import Any

import numpy as np

from flashsale.settings import Settings
from generator.planning.overload import Overload, overloads
from generator.planning.plan import COVER_QUANTILES, Plan
from generator.planning.planned_world import left_out
from generator.planning.spread import relative_spread
from generator.planning.storage import (
    DATA_BYTES_PER_FACT,
    FACTS_PER_SECOND,
    INDEX_BYTES_PER_FACT,
    MEASURED_BY,
    Storage,
    storage,
)
from generator.wording import clock, gigabytes, money, percent, table


def figures(plan: Plan, settings: Settings, top: int) -> dict[str, Any]:
    """All figures of the plan; money in minor units, `minute` counts from the start of the sale, 0 is the first.

    `top` bounds the list of stockouts.  What is not a number in JSON is None.
    """
    series, scenario = plan.minutes, plan.scenario
    orders, units, lost = (float(one.sum()) for one in (series.orders, series.units, series.lost_units))
    events = float(series.inventory_events.sum())
    peak = int(series.orders.argmax())
    return {
        "scenario": scenario.name,
        "seed": plan.seed,
        "minutes": len(series.orders),
        "products": scenario.products.count,
        "warehouses": len(scenario.warehouses),
        "pairs": plan.pairs,
        "currency": settings.currency,
        "orders": round(orders),
        "units": round(units),
        "value_minor": round(float(series.value.sum())),
        "lost_units": round(lost),
        "lost_units_share": round(lost / (units + lost), 4) if units + lost else 0.0,
        "lost_value_minor": round(float(series.lost_value.sum())),
        "peak": {"orders_per_second": round(float(series.orders[peak]) / 60, 1), "minute": peak},
        "orders_wanted_spread": round(relative_spread(series.rate, scenario.uncertainty), 4),
        "sigma": scenario.uncertainty.sigma,
        "left_out": left_out(scenario),
        "inventory_events": round(events),
        "records": round(orders + events),
        "storage": {name: round(value) for name, value in asdict(storage(orders, events)).items()},
        "overloads": [asdict(one) for one in overloads(plan, settings)],
        "stockouts": len(plan.stockouts),
        "first_stockouts": _first_stockouts(plan, top),
        "pairs_empty_at_start": plan.opens_empty,
        "pairs_empty_at_end": plan.ends_empty,
        "pairs_empty_at_end_share": round(plan.ends_empty / plan.pairs, 4),
        "by_minute": {
            "orders": _rounded(series.orders),
            "units": _rounded(series.units),
            "value_minor": _rounded(series.value, 0),
            "lost_units": _rounded(series.lost_units),
            "inventory_events": _rounded(series.inventory_events),
            "in_stock_share": _rounded(series.in_stock, 4),
            **{f"cover_minutes_p{round(100 * q)}": _rounded(series.cover[:, i]) for i, q in enumerate(COVER_QUANTILES)},
        },
    }


def lines(plan: Plan, settings: Settings, top: int) -> list[str]:
    """The same for people."""
    facts, scenario, currency = figures(plan, settings, top), plan.scenario, settings.currency
    peak = facts["peak"]
    text = [
        f"plan of {scenario.name}, seed {plan.seed}: {facts['products']:,} products in {facts['warehouses']} "
        f"warehouses ({plan.pairs:,} pairs), {facts['minutes']} minutes; expected values",
        "",
        f"  orders            {facts['orders']:,}",
        f"  units sold        {facts['units']:,}",
        f"  units lost        {facts['lost_units']:,} ({percent(facts['lost_units_share'])} of those wanted)",
        f"  value sold        {money(facts['value_minor'], currency)}",
        f"  value lost        {money(facts['lost_value_minor'], currency)}",
        f"  peak              {peak['orders_per_second']:,.0f} orders/s, mean of minute {clock(peak['minute'])}",
        f"  sold out          {facts['pairs_empty_at_end']:,} of {plan.pairs:,} pairs at the end "
        f"({percent(facts['pairs_empty_at_end_share'], 0)}), {facts['pairs_empty_at_start']:,} at the start",
        f"  inventory events  {facts['inventory_events']:,}",
        f"  records           {facts['records']:,}",
        *_storage_lines(storage(facts["orders"], facts["inventory_events"])),
        *_spread_lines(facts["sigma"], facts["orders_wanted_spread"]),
    ]
    if facts["left_out"]:
        text.append(f"  not in the plan   {'; '.join(facts['left_out'])}")
    text += [
        "",
        f"minute by minute, every {_stride(plan)} min (h:mm of the sale, means per minute)",
        *_series(plan, currency),
    ]
    text += ["", *_overload_lines(plan, overloads(plan, settings))]
    return [*text, "", *_stockout_lines(plan, facts["first_stockouts"])]


def as_json(plan: Plan, settings: Settings, top: int) -> str:
    """`figures` as one line."""
    return json.dumps(figures(plan, settings, top))


def _first_stockouts(plan: Plan, top: int) -> list[dict[str, Any]]:
    found = plan.stockouts
    warehouses = plan.scenario.warehouses
    return [
        {
            "product_id": int(found.product_id[i]),
            "product": plan.product_names[int(found.product_id[i]) - 1],
            "warehouse_id": int(found.warehouse_id[i]),
            "warehouse": warehouses[int(found.warehouse_id[i]) - 1].name,
            "minute": round(float(found.at[i]), 2),
            "again_minute": None if math.isnan(found.again[i]) else round(float(found.again[i]), 2),
        }
        for i in range(min(top, len(found)))
    ]


def _rounded(values: np.typing.NDArray[np.float64], digits: int = 1) -> list[float | None]:
    return [round(value, digits) if math.isfinite(value) else None for value in values.tolist()]


def _storage_lines(needs: Storage) -> list[str]:
    return [
        f"  as sent           {gigabytes(needs.wire)} of BSON: {needs.order_bytes} bytes an order, "
        f"{needs.event_bytes} an inventory event",
        f"  on disk           {gigabytes(needs.data + needs.indexes)} in MongoDB: {gigabytes(needs.data)} data, "
        f"{gigabytes(needs.indexes)} indexes; one copy, {DATA_BYTES_PER_FACT} + {INDEX_BYTES_PER_FACT} bytes a record",
        f"  at --speed max    about {clock(needs.seconds / 60, seconds=True)} with 2 workers, at {FACTS_PER_SECOND:,} "
        "records/s (h:mm:ss, on the machine",
        f"                    of the measurement; both figures: {MEASURED_BY})",
    ]


def _spread_lines(sigma: float, of_the_sale: float) -> list[str]:
    if not sigma:
        return []
    # Standard deviation of a log-normal with mean 1.
    of_a_minute = math.sqrt(math.expm1(sigma**2))
    return [
        f"  may stray by      ±{percent(of_the_sale)} in orders wanted over the sale, "
        f"±{percent(of_a_minute, 0)} in those of a category and minute",
        f"                    (one standard deviation, as it follows from sigma {sigma:g})",
    ]


def _stride(plan: Plan) -> int:
    """Minutes between two lines of the table: some twelve lines."""
    return next(s for s in (1, 2, 5, 10, 15, 30, 60, 120, 240, 480, 960) if len(plan.minutes.orders) <= 13 * s)


def _series(plan: Plan, currency: str) -> list[str]:
    series, stride = plan.minutes, _stride(plan)
    rows = [("from", "orders", "orders/s", f"value, {currency}", "units lost", "pairs in stock", "median cover")]
    for first in range(0, len(series.orders), stride):
        part = slice(first, first + stride)
        cover = float(series.cover[part, 1][-1])
        rows.append(
            (
                clock(first),
                f"{series.orders[part].mean():,.0f}",
                f"{series.orders[part].mean() / 60:,.0f}",
                money(float(series.value[part].mean()), "").strip(),
                f"{series.lost_units[part].mean():,.0f}",
                percent(float(series.in_stock[part][-1]), 0),
                f"{cover:,.0f} min" if math.isfinite(cover) else "-",
            )
        )
    return table(rows, indent="  ")


def _overload_lines(plan: Plan, found: list[Overload]) -> list[str]:
    if not found:
        return ["no warehouse is overloaded"]
    rows = [("overloaded warehouse", "from", "until", "peak load", "longest delay")]
    for one in found:
        name = plan.scenario.warehouses[one.warehouse_id - 1].name
        load, delay = percent(one.peak_load, 0), f"{one.longest_delay_minutes:,.0f} min"
        rows.append((name, clock(one.first), clock(one.after), load, delay))
    return table(rows)


def _stockout_lines(plan: Plan, first: list[dict[str, Any]]) -> list[str]:
    if not first:
        return [f"pairs that sell out: {len(plan.stockouts):,}"]
    rows = [(f"first stockouts (of {len(plan.stockouts):,})", "warehouse", "sold out at", "in stock again")]
    for one in first:
        again = one["again_minute"]
        back = "not before the end" if again is None else clock(again, seconds=True)
        rows.append(
            (f"{one['product_id']} {one['product']}", one["warehouse"], clock(one["minute"], seconds=True), back)
        )
    return table(rows, text_columns=2)
