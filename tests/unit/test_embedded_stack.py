"""Order, records and words of the stack, without any service."""

import hashlib
import json
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from embedded.catalog import catalog, with_needs
from embedded.config import isolated_config
from embedded.minute_line import Published, minute_line
from embedded.processes import identify
from embedded.redis_server import ACL_TEMPLATE
from embedded.run_records import RunRecord, read_records, supervisor_lock, supervisor_pid
from flashsale.errors import FlashsaleError
from flashsale.redis_acl import USERS, render_acl

NOW = datetime(2026, 11, 11, 14, 7, 4, tzinfo=UTC)


def test_every_service_comes_after_what_it_needs(tmp_path: Path) -> None:
    services = catalog(isolated_config(tmp_path))
    order = with_needs(services, services)
    assert sorted(order) == sorted(services)
    for name in order:
        assert all(order.index(need) < order.index(name) for need in services[name].needs)
    assert with_needs(services, ["generator"]) == ["mongo", "redis", "sale", "seed", "generator"]


def test_no_secret_stands_on_a_command_line(tmp_path: Path) -> None:
    config = isolated_config(tmp_path)
    services = catalog(config)
    secrets = [path.read_text().strip() for path in config.secrets_dir.iterdir()]
    for service in services.values():
        commands = [service.argv, *(step.argv for step in service.steps)]
        assert not any(secret in text for command in commands for text in command for secret in secrets)


def test_every_port_is_bound_to_this_machine_alone(tmp_path: Path) -> None:
    config = isolated_config(tmp_path)
    for service in catalog(config).values():
        assert "0.0.0.0" not in json.dumps([service.argv, dict(service.env)])


def test_acl_file_holds_the_hashes_and_no_comment() -> None:
    text = render_acl(ACL_TEMPLATE.read_text(), lambda name: f"secret of {name}")
    lines = text.splitlines()
    assert [line.split()[1] for line in lines] == ["default", *USERS]
    assert "off" in lines[0].split()
    for user, line in zip(USERS, lines[1:], strict=True):
        assert f"#{hashlib.sha256(f'secret of redis_{user}'.encode()).hexdigest()}" in line.split()
        assert "nopass" not in line


def test_records_come_back_in_start_order_and_rubbish_is_ignored(tmp_path: Path) -> None:
    me = identify(os.getpid())
    assert me is not None
    RunRecord("redis", me, 2, "ready", restarts=3).save(tmp_path)
    RunRecord("mongo", me, 1, "starting").save(tmp_path)
    (tmp_path / "broken.json").write_text("{")
    (tmp_path / "other.json").write_text("[]")
    assert [(r.service, r.state, r.restarts) for r in read_records(tmp_path)] == [
        ("mongo", "starting", 0),
        ("redis", "ready", 3),
    ]


def test_one_supervisor_at_a_time(tmp_path: Path) -> None:
    assert supervisor_pid(tmp_path) is None
    with supervisor_lock(tmp_path):
        assert supervisor_pid(tmp_path) == os.getpid()
        with pytest.raises(FlashsaleError, match=rf"already running \(pid {os.getpid()}\)"), supervisor_lock(tmp_path):
            pass
    assert supervisor_pid(tmp_path) is None


def _published(age: timedelta | None, ended: bool = False) -> Published:
    return Published("demo", "id", None if age is None else NOW - age, 30_120, 12, 3, ended)


@pytest.mark.parametrize(
    ("published", "text"),
    [
        (None, "14:07 UTC  no sale is open yet"),
        (_published(None), "14:07 UTC  no KPIs published yet for sale demo"),
        (
            _published(timedelta(seconds=4)),
            "14:07 UTC  orders 30,120  KPI age 4 s  at-risk SKUs 12  sold out 3",
        ),
        (
            _published(timedelta(seconds=300)),
            "14:07 UTC  STALE  orders 30,120  KPI age 300 s  at-risk SKUs 12  sold out 3",
        ),
        (
            _published(timedelta(seconds=300), ended=True),
            "14:07 UTC  orders 30,120  KPI age 300 s  at-risk SKUs 12  sold out 3  (the sale has ended)",
        ),
    ],
)
def test_minute_line_tells_figures_or_why_there_are_none(published: Published | None, text: str) -> None:
    assert minute_line(published, NOW) == text
