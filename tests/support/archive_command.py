"""A small sale that was archived: 09:52 to 10:08, so two hours of two tables on HDFS."""

import sys
from collections.abc import Callable
from datetime import datetime

import pytest

from flashsale.sale_run import SaleRun
from flashsale.settings import Settings
from spark_jobs import archive_cli, archive_facts
from tests.support.random_sale import Facts, draw
from tests.support.shop import Pipeline, Shop, at

START, END, MINUTES = "09:52", "10:08", 16
NOW = at("10:30")
"""With an age of 20 minutes everything before 10:10 may go."""


def drawn() -> Facts:
    """Orders and inventory events of the sale."""
    return draw(11, START, MINUTES, orders_per_minute=8)


def in_hour(facts: list[dict[str, object]], time: str, hour: int) -> list[dict[str, object]]:
    """Those whose event time lies in `hour`."""
    return [fact for fact in facts if isinstance(moment := fact[time], datetime) and moment.hour == hour]


def open_sale(settings: Settings, open_test_sale: Callable[..., SaleRun]) -> Pipeline:
    """The sale with its facts in MongoDB and its minutes marked settled."""
    sale = open_test_sale(settings, sale_start=at(START), sale_end=at("12:00"))
    shop = Pipeline(settings, sale, Shop(products=4, capacities=(20, 30, 1000)))
    shop.add(*drawn())
    shop.acked_through("10:30")
    shop.mark_settled(START, "10:10")
    return shop


def archived_sale(settings: Settings, open_test_sale: Callable[..., SaleRun], batch_rows: int = 4_000_000) -> Pipeline:
    """The same, all facts archived, in batches of at most `batch_rows`."""
    shop = open_sale(settings, open_test_sale)
    archive_facts.run(settings.model_copy(update={"archive_batch_rows": batch_rows}), shop.sale.sale_id, NOW)
    return shop


class ArchiveCommand:
    """``flashsale-archive`` in an environment that leads to the test's services, for one sale."""

    def __init__(self, pipeline: Pipeline, patch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
        for name, value in pipeline.settings:
            if value is not None:
                patch.setenv(f"FLASHSALE_{name.upper()}", str(value))
        self._sale, self._capsys = pipeline.sale.sale_id, capsys

    def __call__(self, command: str, *arguments: str) -> tuple[int, str, str]:
        """(exit code, stdout, stderr)."""
        self._capsys.readouterr()
        sys.stdout.flush()
        code = archive_cli.main([command, "--sale", self._sale, *arguments])
        out, err = self._capsys.readouterr()
        return code, out, err
