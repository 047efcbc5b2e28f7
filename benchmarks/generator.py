"""``python -m benchmarks.generator``: how fast the generator stores a sale, against the most that MongoDB takes.

One run on one real mongod: encoded documents in a sweep of batch sizes; then the best of these (the
floor) and ``flashsale-generate run --speed max`` in turns; then a longer run of that, for memory and
bytes.  Before all that the simulation alone.
"""

import argparse
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from benchmarks.bounded import bounded
from benchmarks.cpu_meter import CpuMeter
from benchmarks.generator_figures import Measured, figures
from benchmarks.generator_floor import FloorWriters, Order, Way
from benchmarks.generator_pass import Pass
from benchmarks.generator_simulation import simulate
from benchmarks.generator_store import FactSizes, fact_sizes, store
from benchmarks.report import print_figures, write_section
from embedded.config import ROOT, Sizes, StackConfig, isolated_config
from embedded.stack import Stack
from flashsale.errors import exit_with_one_line
from flashsale.minutes import MINUTE, floor_minute, utc_now
from flashsale.sale_opening import new_sale
from flashsale.sale_rehearsal import rehearse_sale
from flashsale.sale_run import SaleRun
from flashsale.scenario import load_scenario
from flashsale.stores.mongo import Client, mongo_client, mongo_errors
from flashsale.stores.provision import provision_registry, provision_sale

SCENARIO = ROOT / "configs" / "sales" / "eleven_eleven.toml"
BATCHES = (1_000, 2_000, 5_000, 10_000, 20_000, 50_000, 100_000)
MANY_BATCHES = (2_000, 10_000, 50_000)
SWEEP_TICKS, ROUND_TICKS, LONG_TICKS = 60, 120, 1200
"""Seconds of the sale that are written in a pass of the sweep, in one of a round, and in the long run."""
SWEEP_PASSES, ROUNDS = 2, 3
CONTENDERS = 2
"""So many batch sizes, the best of the sweep, take part in the rounds."""
LONGEST_SECONDS, LONGEST_FULL_SECONDS = 900, 3600


def main() -> int:
    """Entry point; exit code 0 when everything was measured."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.generator", description=__doc__)
    parser.add_argument("--full", action="store_true", help="store the whole sale in the long run (12 GB of disk)")
    options = parser.parse_args()
    return exit_with_one_line(lambda: _run(options.full))


def _run(full: bool) -> int:
    measured = _measure(None if full else LONG_TICKS)
    main_table, sweep = figures(measured)
    print_figures([*main_table, *sweep])
    write_section(
        "generator",
        "Storing a simulated sale",
        f"python -m benchmarks.generator{' --full' if full else ''}",
        f"The first {ROUND_TICKS} s of `{SCENARIO.name}` by the floor and by the generator in turns, {ROUNDS} times, "
        f"medians; the longest run is of {'the whole sale' if full else f'its first {LONG_TICKS} s'}. The floor is the "
        f"best of a sweep over batch sizes: two processes that send the same documents, encoded beforehand, into "
        "collections with the same validators and indexes, acknowledged by the majority. The generator's time "
        "begins with its first tick: simulation, encoding, ledger, shipments and checkpoints are in it.",
        [main_table, sweep],
    )
    return 0


def _measure(long_ticks: int | None) -> Measured:
    scenario = load_scenario(SCENARIO)
    past = new_sale(scenario, floor_minute(utc_now()) - scenario.duration_minutes * MINUTE)
    with (
        tempfile.TemporaryDirectory(prefix="flashsale-bench-") as home,
        # The cache of a deployment: a test's small one would be measured instead.
        Stack(replace(isolated_config(Path(home), sale=SCENARIO), sizes=Sizes()), _say) as stack,
        bounded("benchmarks.generator", LONGEST_SECONDS if long_ticks else LONGEST_FULL_SECONDS),
        mongo_errors("benchmark"),
    ):
        _say(f"simulating {scenario.name}, {scenario.duration_minutes} minutes")
        simulated = simulate(scenario, past)
        stack.start("mongo")
        settings = stack.config.settings
        with mongo_client(settings, "owner") as owner, FloorWriters(settings, past, ROUND_TICKS) as floor:
            provision_registry(owner, settings)
            passes = _Passes(stack.config, owner, past, floor)
            sweep, many = passes.sweep("blocks", BATCHES), passes.sweep("insert_many", MANY_BATCHES)
            best = sorted(sweep, key=lambda one: -one.rate)[:CONTENDERS]
            rounds = []
            for _ in range(ROUNDS):
                floors = [passes.floor("blocks", one.batch, ROUND_TICKS) for one in best]
                rounds.append((floors, passes.generator(ROUND_TICKS)))
            floor.end()
            long_run, sizes = passes.long_run(long_ticks)
            return Measured(simulated, sweep, many, rounds, long_run, sizes)


class _Passes:
    """Writes of the sale's first ticks, each into a database of its own."""

    def __init__(self, config: StackConfig, owner: Client, past: SaleRun, floor: FloorWriters) -> None:
        self._config, self._owner, self._past, self._floor = config, owner, past, floor
        self._meter = CpuMeter(config)
        self._number = 0

    def sweep(self, way: Way, batches: Sequence[int]) -> list[Pass]:
        """The best pass of each batch size; one size's are not in a row, for the machine has its moods."""
        passes = [[self.floor(way, batch, SWEEP_TICKS) for batch in batches] for _ in range(SWEEP_PASSES)]
        return [max(of_size, key=lambda one: one.rate) for of_size in zip(*passes, strict=True)]

    def floor(self, way: Way, batch: int, ticks: int) -> Pass:
        """By the floor's writers."""
        sale = replace(self._past, sale_id=f"floor_{way}_{batch}")
        provision_sale(self._owner, sale)
        order = Order(sale.database, way, batch, ticks)
        found = self._metered(f"floor, {way} of {batch:,}", lambda: self._floor.write(order))
        self._owner.drop_database(sale.database)
        return found

    def generator(self, ticks: int) -> Pass:
        """By the generator."""
        sale = rehearse_sale(self._owner, self._config.settings)
        found = self._metered("generator", lambda: store(self._config, self._owner, sale, ticks))
        self._owner.drop_database(sale.database)
        return found

    def long_run(self, ticks: int | None) -> tuple[Pass, FactSizes]:
        """By the generator, and what it left; the whole sale without a number."""
        sale = rehearse_sale(self._owner, self._config.settings)
        found = self._metered("generator, long run", lambda: store(self._config, self._owner, sale, ticks))
        self._settle()
        return found, fact_sizes(self._owner, sale)

    def _metered(self, what: str, write: Callable[[], Pass]) -> Pass:
        """What the pass before left to be written is no debt of this one."""
        self._settle()
        self._number += 1
        with self._meter.phase(str(self._number)):
            found = write()
        _say(f"{what}: {found.rate:,.0f} documents/s")
        return replace(found, mongod_cpu_seconds=self._meter.seconds(str(self._number), "mongo"))

    def _settle(self) -> None:
        self._owner.admin.command("fsync")


def _say(line: str) -> None:
    sys.stderr.write(f"{line}\n")


if __name__ == "__main__":
    sys.exit(main())
