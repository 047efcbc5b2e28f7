"""Choosing a sale on a running stack: start, stop, cancel and list, and what the generator makes of it."""

import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from flashsale.freshness import freshness
from flashsale.minutes import MINUTE, floor_minute, iso, parse_iso, utc_now
from flashsale.sale_cli import main
from flashsale.sale_ending import stop_sale
from flashsale.sale_opening import START_LEAD, start_sale
from flashsale.sale_run import STOP_LEAD, SaleRun
from flashsale.schema import FACTS, ORDERS, REGISTRY_DATABASE, SALES
from flashsale.settings import Settings
from flashsale.stores.context import active_sale_id, read_sale
from flashsale.stores.ingest import put_checkpoint, read_checkpoint, read_watermark
from flashsale.stores.mongo import Client, mongo_client
from flashsale.stores.provision import check_sale
from flashsale.stores.quarantine import quarantine_counts
from flashsale.stores.redis_client import redis_client
from flashsale.stores.rights import grant_registry_rights, grant_sale_rights, withdraw_writing
from flashsale.stores.sales import active_sale, find_sale, mark_sale
from spark_jobs import minute_kpis
from spark_jobs.seed_dimensions import seed
from tests.support.generator_runs import digest, ledger, run_in_process, start_generator, wait_for_tick
from tests.support.generator_sales import open_sale
from tests.support.published import read_current
from tests.support.scenarios import SMALL


@pytest.fixture
def settings(data_services: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """Settings of a scenario file of the test's own, also in the environment."""
    scenario = tmp_path / "small.toml"
    scenario.write_text(SMALL)
    chosen = data_services.model_copy(update={"sale": scenario})
    for name in ("home", "mongo_port", "sale"):
        monkeypatch.setenv(f"FLASHSALE_{name.upper()}", str(getattr(chosen, name)))
    return chosen


@pytest.fixture
def owner(settings: Settings) -> Iterator[Client]:
    with mongo_client(settings, "owner") as client:
        yield client


def test_a_stopped_sale_ends_exactly_at_its_new_end_with_the_facts_it_would_have_had(
    owner: Client, settings: Settings, spark_services: Settings, tmp_path: Path
) -> None:
    beating = settings.model_copy(update={"heartbeat_file": tmp_path / "heartbeat"})
    sale = open_sale(settings, SMALL, floor_minute(utc_now()) - MINUTE, shipments=True)
    seed(settings)
    database = owner[sale.database]
    process = start_generator(beating)
    wait_for_tick(database, 70, process)
    _until(lambda: _lag(owner, sale) < 2)
    before = utc_now()
    stopped = stop_sale(owner)
    assert before + STOP_LEAD <= stopped.sale_end <= utc_now() + STOP_LEAD + timedelta(seconds=2)
    assert stopped.planned_end == sale.sale_end > stopped.sale_end
    assert stopped.stopped_early
    time.sleep(2)
    assert stop_sale(owner).sale_end == stopped.sale_end, "stopping again must not move the end"
    seed(settings)
    with redis_client(settings, "dashboard_read") as redis:
        view = read_sale(redis, sale.sale_id)
        assert view is not None
        assert (view["sale_end"], len(view["plan"])) == (iso(stopped.sale_end), stopped.minutes)

    _until(lambda: find_sale(owner, sale.sale_id).phase == "ended")
    ended = utc_now()
    assert timedelta(0) <= ended - stopped.sale_end < timedelta(seconds=15), "it was planned to end minutes later"
    last_beat = beating.heartbeat_file.stat().st_mtime  # type: ignore[union-attr]
    # After the end the watermark moves with the clock, and the heart goes on beating.
    _until(lambda: _lag(owner, sale) < (utc_now() - ended).total_seconds())
    _until(lambda: beating.heartbeat_file.stat().st_mtime > last_beat)  # type: ignore[union-attr]
    process.send_signal(signal.SIGTERM)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 0, errors
    for table in FACTS:
        assert database[table.name].count_documents({table.event_time or "": {"$gte": stopped.sale_end}}) == 0
        assert database[table.name].count_documents({"arrived_at": {"$gte": stopped.sale_end}}) == 0
    last = {"$gte": stopped.sale_end - timedelta(seconds=1)}
    assert database[ORDERS.name].count_documents({"order_ts": last}) > 0, "the last second must have its orders"

    _last_minute_is_published(spark_services, owner, stopped)

    whole = open_sale(settings, SMALL, sale.sale_start, shipments=True)
    with mongo_client(settings, "generator") as client:
        run_in_process(client, settings, whole, stopped.seconds)
    assert digest(owner[whole.database]) == digest(database)
    assert ledger(owner[whole.database]) == ledger(database)
    assert quarantine_counts(database) == {}


def _last_minute_is_published(settings: Settings, owner: Client, sale: SaleRun) -> None:
    """The run that reaches the end publishes what was ordered in the sale's last minute, as final figures."""
    database = owner[sale.database]
    end = floor_minute(sale.sale_end - timedelta(milliseconds=1)) + MINUTE
    # As the generator does while the clock goes on.
    for shard in (0, 1):
        checkpoint = read_checkpoint(database, shard)
        assert checkpoint is not None
        put_checkpoint(database, shard, end + 3 * MINUTE, checkpoint["tick"], checkpoint["state"])
    minute_kpis.run(settings, end, sale.sale_id)
    with redis_client(settings, "dashboard_read") as redis:
        view, shown = read_sale(redis, sale.sale_id), read_current(redis, sale.sale_id)
    assert view is not None
    assert shown is not None
    assert (view["phase"], view["sale_end"]) == ("ended", iso(sale.sale_end))
    minute = {"$gte": end - MINUTE, "$lt": end}
    assert shown["headline"]["orders_per_minute"] == database[ORDERS.name].count_documents({"order_ts": minute}) > 0
    assert freshness(shown["meta"], view, utc_now() + timedelta(hours=1), settings).state == "final"


def test_a_stop_while_the_generator_is_away_is_kept_to_when_it_comes_back(owner: Client, settings: Settings) -> None:
    sale = open_sale(settings, SMALL, utc_now().replace(microsecond=0) - timedelta(seconds=40))
    with mongo_client(settings, "generator") as client:
        run_in_process(client, settings, sale, 20)
        stopped = stop_sale(owner)
        process = start_generator(settings)
        _until(lambda: find_sale(owner, sale.sale_id).phase == "ended")
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=60)
        ticks = {read_checkpoint(client[sale.database], shard)["tick"] for shard in (0, 1)}  # type: ignore[index]
    assert ticks == {stopped.seconds - 1}
    assert stopped.seconds < sale.seconds


def test_a_start_opens_a_new_sale_a_few_seconds_ahead_and_ends_the_live_one(
    owner: Client, settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    old = open_sale(settings, SMALL, floor_minute(utc_now()) - MINUTE)
    process = start_generator(settings)
    wait_for_tick(owner[old.database], 10, process)
    before = utc_now()
    assert main(["start"]) == 0
    new = active_sale(owner)
    assert new.sale_id in capsys.readouterr().out
    assert START_LEAD <= new.sale_start - before <= START_LEAD + timedelta(seconds=5)
    check_sale(owner, new)
    ended = find_sale(owner, old.sale_id)
    assert (ended.phase, ended.stopped_early) == ("ended", True)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 0, errors
    assert f"{new.sale_id} is the active one now" in errors
    assert owner[old.database][ORDERS.name].count_documents({"order_ts": {"$gte": ended.sale_end}}) == 0
    seed(settings)
    with redis_client(settings, "dashboard_read") as redis:
        assert active_sale_id(redis) == new.sale_id

    assert main(["list"]) == 0
    lines = capsys.readouterr().out.splitlines()
    starts = [line.split()[-5 if line.endswith("early") else -3] for line in lines]
    assert starts == sorted(starts, reverse=True), "newest first"
    marked = [line for line in lines if line.startswith("*")]
    assert len(marked) == 1
    assert new.sale_id in marked[0]
    assert any(old.sale_id in line and "stopped early" in line for line in lines)


def test_two_starts_in_one_second_are_two_sales(owner: Client, settings: Settings) -> None:
    at = utc_now().replace(microsecond=0) + timedelta(hours=2)
    sales = [start_sale(owner, settings, at) for _ in range(3)]
    assert len({sale.sale_id for sale in sales}) == 3
    assert {sale.sale_start for sale in sales} == {at}
    assert active_sale(owner).sale_id == sales[-1].sale_id
    assert [find_sale(owner, sale.sale_id).phase for sale in sales] == ["ended", "ended", "planned"]


def test_starts_side_by_side_are_two_sales_of_which_one_is_live(owner: Client, settings: Settings) -> None:
    at = iso(utc_now().replace(microsecond=0) + timedelta(hours=3))
    command = [sys.executable, "-m", "flashsale.sale_cli", "start", "--at", at]
    processes = [subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) for _ in range(3)]
    outputs = [process.communicate(timeout=60) for process in processes]
    assert [process.returncode for process in processes] == [0, 0, 0], outputs
    opened = {out.split()[1].rstrip(":") for out, _ in outputs}
    assert len(opened) == 3
    assert active_sale(owner).sale_id in opened
    assert owner[REGISTRY_DATABASE][SALES].count_documents({"active": True}) == 1


def test_a_sale_that_has_not_begun_is_cancelled_at_once_and_writes_nothing(
    owner: Client, settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    at = utc_now().replace(microsecond=0) + timedelta(seconds=15)
    assert main(["start", "--at", iso(at)]) == 0
    sale = active_sale(owner)
    assert sale.sale_start == at
    process = start_generator(settings)
    _until(lambda: read_watermark(owner[sale.database]) is not None)
    capsys.readouterr()
    assert main(["stop"]) == 0
    assert "cancelled" in capsys.readouterr().out
    cancelled = find_sale(owner, sale.sale_id)
    assert (cancelled.phase, cancelled.sale_end, cancelled.seconds) == ("ended", sale.sale_start, 0)
    seed(settings)
    with redis_client(settings, "dashboard_read") as redis:
        view = read_sale(redis, sale.sale_id)
    assert view is not None
    assert (view["phase"], view["plan"]) == ("ended", [])
    stopped = utc_now()
    _until(lambda: utc_now() - timedelta(seconds=_lag(owner, sale)) > stopped)
    watermark = read_watermark(owner[sale.database])
    assert watermark is not None
    assert watermark < utc_now() < at, "a watermark must not run ahead of the clock"
    _until(lambda: utc_now() > at + timedelta(seconds=4))
    process.send_signal(signal.SIGTERM)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 0, errors
    for table in FACTS:
        assert owner[sale.database][table.name].find_one() is None
    later = read_watermark(owner[sale.database])
    assert later is not None
    assert later > watermark

    assert main(["stop"]) == 1
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert "no sale is live" in error


def test_a_generator_that_waits_for_a_far_start_leaves_it_for_a_nearer_one(owner: Client, settings: Settings) -> None:
    far = start_sale(owner, settings, utc_now() + timedelta(days=1))
    process = start_generator(settings)
    _until(lambda: read_watermark(owner[far.database]) is not None)
    near = start_sale(owner, settings)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 0
    assert f"{near.sale_id} is the active one now" in errors


@pytest.mark.parametrize("at", ["2026-01-01T00:00Z", "2026-01-01T00:00:00"])
def test_a_start_in_the_past_is_refused_in_one_line(
    owner: Client, settings: Settings, capsys: pytest.CaptureFixture[str], at: str
) -> None:
    live = open_sale(settings, SMALL, utc_now() - MINUTE)
    assert main(["start", "--at", at]) == 1
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert iso(parse_iso(at)) in error
    assert active_sale(owner).sale_id == live.sale_id


def test_a_start_that_is_no_time_is_refused(settings: Settings, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["start", "--at", "tomorrow"])
    assert "tomorrow" in capsys.readouterr().err


@pytest.mark.parametrize("user", ["owner", "jobs", "notifier", "generator"])
def test_list_and_check_work_with_any_one_secret(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, user: str
) -> None:
    open_sale(settings, SMALL, utc_now() - MINUTE)
    only = tmp_path / "secrets"
    only.mkdir()
    (only / f"mongo_{user}").write_text(settings.secret(f"mongo_{user}"))
    monkeypatch.setenv("FLASHSALE_SECRETS_DIR", str(only))
    assert main(["list"]) == 0
    assert main(["check"]) == 0


def test_without_rights_the_generator_ends_in_one_line_and_the_next_goes_on_as_if_nothing_had_been(
    owner: Client, settings: Settings
) -> None:
    start = floor_minute(utc_now()) - timedelta(minutes=5)
    whole = open_sale(settings, SMALL, start)
    with mongo_client(settings, "generator") as client:
        run_in_process(client, settings, whole, 150)
    sale = open_sale(settings, SMALL, start)
    database = owner[sale.database]
    for tick in (20, 60):
        process = start_generator(settings)
        wait_for_tick(database, tick, process)
        withdraw_writing(owner, sale)
        _, errors = process.communicate(timeout=60)
        assert process.returncode == 1
        assert "Traceback" not in errors
        assert re.fullmatch(r"error: .*not authorized[^\n]*", errors.splitlines()[-1])
        grant_registry_rights(owner, settings)
        grant_sale_rights(owner, sale)
    with mongo_client(settings, "generator") as client:
        reached = min(read_checkpoint(client[sale.database], s)["tick"] for s in (0, 1))  # type: ignore[index]
        run_in_process(client, settings, sale, 149 - reached)
    assert digest(database) == digest(owner[whole.database])
    assert ledger(database) == ledger(owner[whole.database])
    assert quarantine_counts(database) == {}


def test_another_contract_in_mid_run_ends_the_generator_in_one_line(owner: Client, settings: Settings) -> None:
    for version, words in ((3, "newer version"), (1, "is of contract 1")):
        sale = open_sale(settings, SMALL, floor_minute(utc_now()) - timedelta(minutes=5))
        process = start_generator(settings)
        wait_for_tick(owner[sale.database], 5, process)
        mark_sale(owner, sale.sale_id, version)
        _, errors = process.communicate(timeout=60)
        assert process.returncode == 1
        assert re.fullmatch(rf"error: .*{words}[^\n]*", errors.splitlines()[-1])
        again = start_generator(settings)
        _, errors = again.communicate(timeout=60)
        assert (again.returncode, errors.count("\n")) == (1, 1)
        mark_sale(owner, sale.sale_id, 2)


def test_the_heartbeat_beats_before_the_start_and_an_unwritable_file_is_one_warning(
    owner: Client, settings: Settings, tmp_path: Path
) -> None:
    sale = start_sale(owner, settings, utc_now() + timedelta(hours=1))
    file = tmp_path / "heartbeat"
    process = start_generator(settings.model_copy(update={"heartbeat_file": file}))
    _until(file.exists)
    first = file.stat().st_mtime
    _until(lambda: file.stat().st_mtime > first)
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=60)

    lost = settings.model_copy(update={"heartbeat_file": tmp_path / "no" / "heartbeat"})
    process = start_generator(lost)
    watermark = read_watermark(owner[sale.database])
    _until(lambda: read_watermark(owner[sale.database]) > watermark + timedelta(seconds=3))  # type: ignore[operator]
    process.send_signal(signal.SIGTERM)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 0
    assert errors.count("heartbeat file") == 1


def _lag(owner: Client, sale: SaleRun) -> float:
    watermark: datetime | None = read_watermark(owner[sale.database])
    assert watermark is not None
    return (utc_now() - watermark).total_seconds()


def _until(condition, seconds: float = 60.0) -> None:  # type: ignore[no-untyped-def]
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.1)
