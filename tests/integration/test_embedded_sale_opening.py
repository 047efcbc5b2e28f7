"""Which sale a start goes on with, and when it opens a new one."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from flashsale.minutes import utc_now
from flashsale.sale_cli import main
from flashsale.sale_opening import new_sale, open_or_resume
from flashsale.sale_run import SaleRun
from flashsale.scenario import load_scenario
from flashsale.settings import Settings
from flashsale.stores.ingest import put_checkpoint
from flashsale.stores.mongo import Client, mongo_client
from flashsale.stores.provision import check_sale, provision_registry, provision_sale
from flashsale.stores.sales import activate, active_sale, find_sale
from tests.support.scenarios import SMALL


@pytest.fixture
def settings(data_services: Settings, tmp_path: Path) -> Settings:
    scenario = tmp_path / "small.toml"
    scenario.write_text(SMALL)
    return data_services.model_copy(update={"sale": scenario})


@pytest.fixture
def owner(settings: Settings) -> Iterator[Client]:
    with mongo_client(settings, "owner") as client:
        provision_registry(client, settings)
        yield client


def _live_sale(owner: Client, settings: Settings, started_before: timedelta, paused: timedelta) -> SaleRun:
    """An active sale of the scenario whose generator stopped `paused` ago."""
    now = utc_now()
    sale = new_sale(load_scenario(settings.sale), now - started_before)
    provision_sale(owner, sale)
    activate(owner, sale)
    put_checkpoint(owner[sale.database], 0, now - paused, 1, {})
    put_checkpoint(owner[sale.database], 1, now, 1, {})
    return sale


def test_new_sale_starts_at_the_next_second_and_is_ready(owner: Client, settings: Settings) -> None:
    before = utc_now()
    # Another seed than every other test's, so that there is nothing to go on with.
    settings.sale.write_text(SMALL.replace("seed = 7", "seed = 9"))
    sale = open_or_resume(owner, settings, switch=True)
    assert timedelta(0) <= sale.sale_start - before <= timedelta(seconds=15)
    assert sale.sale_start.microsecond == 0
    assert sale.sale_end - sale.sale_start == timedelta(minutes=10)
    assert sale.sale_id.startswith(f"test_small_{sale.sale_start:%Y%m%d_%H%M%S}")
    assert (sale.seed, sale.scenario_toml) == (9, settings.sale.read_text())
    with mongo_client(settings, "jobs") as jobs:
        check_sale(jobs, sale)
        assert active_sale(jobs) == sale


def test_pause_up_to_the_limit_goes_on_and_a_longer_one_does_not(owner: Client, settings: Settings) -> None:
    sale = _live_sale(owner, settings, timedelta(minutes=4), timedelta(seconds=1))
    put_checkpoint(owner[sale.database], 0, utc_now() - timedelta(seconds=110), 1, {})
    assert open_or_resume(owner, settings).sale_id == sale.sale_id
    assert active_sale(owner).sale_id == sale.sale_id
    put_checkpoint(owner[sale.database], 0, utc_now() - timedelta(seconds=121), 1, {})
    other = open_or_resume(owner, settings)
    assert other.sale_id != sale.sale_id
    assert active_sale(owner).sale_id == other.sale_id
    assert find_sale(owner, sale.sale_id).phase == "ended"


@pytest.mark.parametrize("change", [("seed = 7", "seed = 8"), ('name = "test_small"', 'name = "test_other"')])
def test_a_sale_of_another_scenario_goes_on_unless_told_to_switch(
    owner: Client, settings: Settings, change: tuple[str, str]
) -> None:
    sale = _live_sale(owner, settings, timedelta(minutes=3, seconds=len(change[0])), timedelta(seconds=1))
    settings.sale.write_text(SMALL.replace(*change))
    assert open_or_resume(owner, settings).sale_id == sale.sale_id
    other = open_or_resume(owner, settings, switch=True)
    assert other.sale_id != sale.sale_id
    assert other.scenario_toml == settings.sale.read_text()
    assert open_or_resume(owner, settings, switch=True).sale_id == other.sale_id


def test_an_edited_scenario_goes_on_as_it_was_opened_and_the_line_says_so(
    owner: Client, settings: Settings, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("home", "mongo_port", "sale"):
        monkeypatch.setenv(f"FLASHSALE_{name.upper()}", str(getattr(settings, name)))
    sale = _live_sale(owner, settings, timedelta(minutes=2), timedelta(seconds=1))
    assert main(["open"]) == 0
    assert "goes on as it was opened" not in capsys.readouterr().out
    settings.sale.write_text(SMALL.replace("seed = 7", "seed = 8"))
    assert main(["open"]) == 0
    assert "is another scenario" in capsys.readouterr().out
    settings.sale.write_text(SMALL + "\n# a comment\n")
    assert main(["open", "--switch"]) == 0
    line = capsys.readouterr().out
    assert line.count("\n") == 1
    assert sale.sale_id in line
    assert "has changed since" in line
    assert f"make sale-start SALE={settings.sale}" in line
    assert active_sale(owner).scenario_toml == sale.scenario_toml == SMALL


def test_a_planned_sale_goes_on_however_long_the_stack_was_down_before_its_start(
    owner: Client, settings: Settings
) -> None:
    sale = _live_sale(owner, settings, timedelta(hours=-1), timedelta(hours=5))
    assert open_or_resume(owner, settings).sale_id == sale.sale_id


def test_sale_that_is_over_does_not_go_on(owner: Client, settings: Settings) -> None:
    sale = _live_sale(owner, settings, timedelta(minutes=11), timedelta(seconds=1))
    assert open_or_resume(owner, settings).sale_id != sale.sale_id


def test_command_opens_lists_and_checks(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("home", "mongo_port", "sale"):
        monkeypatch.setenv(f"FLASHSALE_{name.upper()}", str(getattr(settings, name)))
    assert main(["open"]) == 0
    opened = capsys.readouterr().out.split()[1].rstrip(":")
    assert main(["list"]) == 0
    assert opened in capsys.readouterr().out
    assert main(["check"]) == 0
    assert "in place" in capsys.readouterr().out
    assert main(["check", "--sale", "never_opened"]) == 1
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert "never_opened" in error
    monkeypatch.setenv("FLASHSALE_SALE", "no/such.toml")
    assert main(["open"]) == 1
    assert "no/such.toml" in capsys.readouterr().err


def test_missing_index_is_found_and_opening_again_mends_it(
    owner: Client, settings: Settings, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("home", "mongo_port", "sale"):
        monkeypatch.setenv(f"FLASHSALE_{name.upper()}", str(getattr(settings, name)))
    sale = _live_sale(owner, settings, timedelta(minutes=1), timedelta(seconds=1))
    owner[sale.database].orders_fact.drop_index("order_ts_1")
    assert main(["check"]) == 1
    assert "order_ts" in capsys.readouterr().err
    assert main(["open"]) == 0
    assert main(["check"]) == 0
