"""The stack on one machine runs the notifier like any other service, and tells how it is."""

from pathlib import Path

import pytest

from embedded.config import isolated_config
from embedded.status import status
from tests.support.receivers import Webhook, until
from tests.support.stacks import running_stack, temporary_home

SALE = Path(__file__).parents[3] / "configs" / "sales" / "flat.toml"


def test_stack_starts_the_notifier_which_tells_of_the_stack(hook: Webhook, capsys: pytest.CaptureFixture[str]) -> None:
    with temporary_home() as home:
        config = isolated_config(home, sale=SALE, notify_look_seconds=0.2, notify_settle_seconds=0.2)
        with running_stack(config, "notifier") as stack:
            (home / "secrets" / "notify_targets").write_text(hook.url)
            service = stack.services["notifier"]
            service.probe()
            status(config)
            (line,) = (row for row in capsys.readouterr().out.splitlines() if row.startswith("notifier"))
            assert line.split()[1] == "answers"
            stack.stop_one("redis")
            until(lambda: hook.taken, 30)
            assert hook.subjects() == ["URGENT: Redis does not answer"]
