"""What a run does and where its facts go: all that a worker, of whatever process, has to know."""

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from flashsale.market import draw_market
from flashsale.sale_run import SaleRun
from flashsale.scenario import Scenario, parse_scenario
from flashsale.settings import Settings
from flashsale.stores.mongo import mongo_client
from generator.running.options import RunOptions
from generator.running.sinks import Sink
from generator.world import World


@dataclass(frozen=True, slots=True)
class Job:
    """A run of `sale`; facts go to MongoDB, or to Parquet files below `folder`."""

    sale: SaleRun
    settings: Settings
    options: RunOptions
    folder: Path | None = None

    @property
    def scenario(self) -> Scenario:
        """The sale's scenario as it was opened with; raises ScenarioError."""
        return parse_scenario(self.sale.scenario_toml, f"of sale {self.sale.sale_id}")

    def worlds(self, shards: Sequence[int]) -> list[World]:
        """The worlds of these shards."""
        scenario, sale = self.scenario, self.sale
        market = draw_market(scenario, sale.seed)
        return [World(scenario, market, sale.seed, sale.sale_start, shard) for shard in shards]

    @contextmanager
    def open_sink(self, stop: threading.Event) -> Iterator[Sink]:
        """Where one worker's facts go; `stop` ends waiting for a store that is away."""
        if self.folder is not None:
            from generator.running.parquet_sink import ParquetSink  # Arrow takes 40 MB, and MongoDB needs none of it

            with ParquetSink(self.folder, self.sale, self.scenario.shards, self.settings) as files:
                yield files
            return
        from generator.running.mongo_sink import MongoSink

        with mongo_client(self.settings, "generator") as client:
            yield MongoSink(client[self.sale.database], self.settings, self.sale, stop)
