"""The stack on one machine runs the notifier like any other service, and tells how it is."""

from pathlib import Path

import pytest

from embedded.config import StackConfig, isolated_config
from embedded.status import status
from flashsale.redis_keys import SaleKeys
from flashsale.stores.mongo import mongo_client
from flashsale.stores.redis_client import redis_client
from flashsale.stores.sales import active_sale
from tests.support.receivers import Webhook, until
from tests.support.stacks import running_stack, temporary_home

SALE = Path(__file__).parents[3] / "configs" / "sales" / "flat.toml"


def _sale_id(config: StackConfig) -> str:
    with mongo_client(config.settings, "notifier") as mongo:
        return active_sale(mongo).sale_id


def test_stack_starts_the_notifier_which_tells_of_the_stack(hook: Webhook, capsys: pytest.CaptureFixture[str]) -> None:
    with temporary_home() as home:
        config = isolated_config(home, sale=SALE, notify_look_seconds=0.2, notify_settle_seconds=0.2)
        with running_stack(config, "notifier") as stack:
            (home / "secrets" / "notify_targets").write_text(hook.url)
            service = stack.services["notifier"]
            service.probe()
            health = SaleKeys(_sale_id(config)).health("notifier")
            with redis_client(config.settings, "publisher") as redis:
                until(lambda: "1 target" in str(redis.get(health)))
            status(config)
            (line,) = (row for row in capsys.readouterr().out.splitlines() if row.startswith("notifier"))
            assert line.split()[1] == "answers"
            assert "s old (1 target, 0 deliveries waiting)" in line
            stack.stop_one("redis")
            until(lambda: hook.taken, 30)
            assert hook.subjects() == ["URGENT: Redis does not answer"]
