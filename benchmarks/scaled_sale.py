"""A sale for measurements: the demo's shop, so many times as large, written through the generator's own door."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta

from benchmarks.cpu_meter import CpuMeter
from embedded.config import ROOT
from flashsale.errors import FlashsaleError
from flashsale.minutes import MINUTE, floor_minute, from_epoch_ms, utc_now
from flashsale.sale_run import SaleRun
from flashsale.scenario import Scenario, parse_scenario
from flashsale.settings import Settings
from flashsale.stores.ingest import LedgerEntry
from flashsale.stores.mongo import Client
from flashsale.stores.provision import provision_registry, provision_sale
from flashsale.stores.sales import activate
from generator.checkpoint import load_checkpoint, save_checkpoint
from generator.encoding import encode_inventory, encode_orders
from generator.facts import TICK_MS, tick_time_ms
from generator.shard_state import ShardState, Totals
from generator.simulation import step
from generator.tick_write import TickWrite
from generator.world import TICKS_PER_MINUTE, World, open_worlds
from generator.writer import FactWriter

DEMO = ROOT / "configs" / "sales" / "demo.toml"
GROWING = ("orders_per_second", "count", "sellers", "capacity_units_per_minute")
BEGAN = timedelta(minutes=40)
"""How long ago the sale starts: old enough for its first minutes to be archived."""


@dataclass(frozen=True, slots=True)
class Written:
    """What stands in MongoDB after `write_minutes`; `pairs` are stocked (product, warehouse)."""

    orders: int
    events: int
    pairs: int
    ticks: int

    @property
    def facts(self) -> int:
        return self.orders + self.events


@dataclass(slots=True)
class _Shard:
    world: World
    state: ShardState
    ledger: LedgerEntry
    writer: FactWriter


def scaled_scenario(scale: int) -> Scenario:
    """The demo's scenario with `scale` times its orders, products, sellers and capacities."""
    text, renamed = re.subn(r'^name = "demo"', f'name = "per_core_{scale}"', DEMO.read_text(), flags=re.MULTILINE)
    if renamed != 1:
        raise FlashsaleError(f'{DEMO}: name must be "demo", for this shop is the measure of the others')
    for key in GROWING:
        text, grown = re.subn(
            rf"^({key}) = ([\d_.]+)", lambda m: f"{m[1]} = {_times(m[2], scale)}", text, flags=re.MULTILINE
        )
        if not grown:
            raise FlashsaleError(f"{DEMO}: {key} is missing")
    return parse_scenario(text, f"{DEMO.name} times {scale}")


def open_sale(owner: Client, settings: Settings, scenario: Scenario) -> SaleRun:
    """A new active sale that started `BEGAN` ago; `owner` is logged in as owner."""
    start = floor_minute(utc_now()) - BEGAN
    sale = SaleRun(
        sale_id=scenario.name,
        scenario=scenario.name,
        scenario_toml=scenario.text,
        seed=scenario.seed,
        sale_start=start,
        sale_end=start + scenario.duration_minutes * MINUTE,
    )
    provision_registry(owner, settings)
    provision_sale(owner, sale)
    activate(owner, sale)
    return sale


def write_minutes(
    client: Client, settings: Settings, sale: SaleRun, scenario: Scenario, minutes: int, meter: CpuMeter
) -> Written:
    """Write the sale's first minutes tick by tick, as fast as it goes, each part in a phase of its own.

    Phases: simulate, encode, write, checkpoint.
    """
    database = client[sale.database]
    shards = []
    for world in open_worlds(scenario, sale):
        point = load_checkpoint(database, world, sale.sale_start)
        writer = FactWriter(database, settings, world.shard, resume=point.ledger)
        shards.append(_Shard(world, point.state, point.ledger, writer))
    orders = events = 0
    ticks = minutes * TICKS_PER_MINUTE
    for tick in range(ticks):
        totals = Totals.of(shard.state.aggregate for shard in shards)
        for shard in shards:
            counts = _write_tick(shard, totals, tick, meter)
            orders, events = orders + counts[0], events + counts[1]
        acked_through = sale.sale_start + (tick + 1) * timedelta(milliseconds=TICK_MS)
        if tick == ticks - 1:
            # As after a completed fast sale: its minutes are final at once.
            acked_through += settings.lateness + MINUTE
        with meter.phase("checkpoint"):
            for shard in shards:
                save_checkpoint(database, shard.world, acked_through, shard.state, shard.ledger)
    return Written(orders, events, _stocked_pairs(shard.world for shard in shards), ticks)


def _write_tick(shard: _Shard, totals: Totals, tick: int, meter: CpuMeter) -> tuple[int, int]:
    """(orders, inventory events) written."""
    arrived_ms = tick_time_ms(shard.world.start_ms, tick)
    with meter.phase("simulate"):
        shard.state, facts = step(shard.world, shard.state, totals)
    with meter.phase("encode"):
        blocks = [encode_orders(facts.orders, arrived_ms), encode_inventory(facts.inventory, arrived_ms)]
    with meter.phase("write"):
        shard.ledger = shard.writer.write([TickWrite(from_epoch_ms(arrived_ms), blocks, facts.strays)])
    return len(facts.orders.ts), len(facts.inventory.ts)


def _stocked_pairs(worlds: Iterable[World]) -> int:
    return sum(int(world.stocked.sum()) for world in worlds)


def _times(number: str, scale: int) -> str:
    value = float(number) * scale
    return str(value) if "." in number else str(int(value))
