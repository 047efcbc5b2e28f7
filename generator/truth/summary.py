"""The truth of a sale on one screen."""

from datetime import datetime, timedelta
from typing import Any

from flashsale.minutes import from_epoch_ms, iso
from generator.facts import TICK_MS
from generator.truth.again import Replay
from generator.truth.log import Stockout, TruthLog
from generator.wording import clock, money, percent, table


def figures(replay: Replay, count: int, log: TruthLog, currency: str, top: int) -> dict[str, Any]:
    """Totals of the first `count` ticks, which `log` has seen, and the `top` first stockouts; money in minor units."""
    totals, stockouts = log.totals, log.stockouts()
    pairs = sum(int(world.stocked.sum()) for world in replay.worlds)
    return {
        "sale_id": replay.sale.sale_id,
        "scenario": replay.sale.scenario,
        "seed": replay.sale.seed,
        "sale_start": iso(replay.sale.sale_start),
        "through": iso(_through(replay, count)),
        "currency": currency,
        "orders": totals.orders,
        "units": totals.units,
        "value_minor": totals.value,
        "lost_units": totals.lost_units,
        "lost_units_share": round(totals.lost_share, 4),
        "lost_value_minor": totals.lost_value,
        "bot_units": totals.bot_units,
        "cancelled_units": totals.cancelled_units,
        "written_off_units": totals.written_off_units,
        "pairs": pairs,
        "sold_out_pairs": log.sold_out_pairs,
        "sold_out_pairs_share": round(log.sold_out_pairs / pairs, 4),
        "stockouts": len(stockouts),
        "first_stockouts": [_stockout(replay, one) for one in stockouts[:top]],
    }


def lines(replay: Replay, count: int, log: TruthLog, currency: str, top: int) -> list[str]:
    """The same for people."""
    facts, totals = figures(replay, count, log, currency, top), log.totals
    through = _through(replay, count)
    text = [
        f"truth of {facts['sale_id']}, seed {facts['seed']}: {facts['sale_start']} to {facts['through']} "
        f"({clock((through - replay.sale.sale_start) / timedelta(minutes=1), seconds=True)}); for evaluation only",
        "",
        f"  orders         {totals.orders:,}",
        f"  units sold     {totals.units:,}",
        f"  value sold     {money(totals.value, currency)}",
        f"  units lost     {totals.lost_units:,} ({percent(totals.lost_share)} of those people wanted)",
        f"  value lost     {money(totals.lost_value, currency)}",
        f"  sold out       {log.sold_out_pairs:,} of {facts['pairs']:,} pairs at the end "
        f"({percent(facts['sold_out_pairs_share'], 0)}); {facts['stockouts']:,} stockouts",
        f"  bots           {totals.bot_units:,} units bought by machines",
        f"  phantom stock  {totals.written_off_units:,} units found missing, {totals.cancelled_units:,} sold in vain",
        "",
    ]
    rows = [("first stockouts", "warehouse", "sold out at (UTC)", "after", "available again")]
    for one in facts["first_stockouts"]:
        rows.append(
            (
                f"{one['product_id']} {one['product']}",
                one["warehouse"],
                one["sold_out_at"],
                clock(one["minute"], seconds=True),
                one["available_again_at"] or "not before the end",
            )
        )
    return [*text, *(table(rows, text_columns=3) if len(rows) > 1 else ["no pair sold out"])]


def _through(replay: Replay, count: int) -> datetime:
    return replay.sale.sale_start + count * timedelta(milliseconds=TICK_MS)


def _stockout(replay: Replay, one: Stockout) -> dict[str, Any]:
    sold_out_at, again = from_epoch_ms(one.sold_out_ms), one.available_again_ms
    return {
        "product_id": one.product_id,
        "product": replay.market.products.names[one.product_id - 1],
        "warehouse_id": one.warehouse_id,
        "warehouse": replay.scenario.warehouses[one.warehouse_id - 1].name,
        "minute": round((sold_out_at - replay.sale.sale_start) / timedelta(minutes=1), 3),
        "sold_out_at": iso(sold_out_at),
        "available_again_at": None if again is None else iso(from_epoch_ms(again)),
    }
