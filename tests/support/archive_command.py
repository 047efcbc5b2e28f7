"""An archived sale, and ``flashsale-archive`` as a user types it."""

import sys
from collections.abc import Callable
from datetime import datetime

import pytest

from flashsale.sale_run import SaleRun
from flashsale.settings import Settings
from spark_jobs import archive_cli, archive_facts
from tests.support.archived_sale import NOW, settled_sale
from tests.support.shop import Pipeline


def in_hour(facts: list[dict[str, object]], time: str, hour: int) -> list[dict[str, object]]:
    """Those whose event time lies in `hour`."""
    return [fact for fact in facts if isinstance(moment := fact[time], datetime) and moment.hour == hour]


def archived_sale(settings: Settings, open_test_sale: Callable[..., SaleRun], batch_rows: int = 4_000_000) -> Pipeline:
    """`settled_sale` with all its facts archived, in batches of at most `batch_rows`."""
    shop = settled_sale(settings, open_test_sale)
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
