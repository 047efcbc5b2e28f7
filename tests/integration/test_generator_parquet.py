"""A sale written to Parquet files, without MongoDB: the facts that MongoDB would hold."""

import contextlib
import fcntl
import json
import os
import pty
import re
import signal
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from pyarrow import parquet

from flashsale.minutes import iso, parse_iso
from flashsale.rendering import arrow_schema
from flashsale.schema import FACTS, INVENTORY, ORDERS
from flashsale.settings import Settings
from flashsale.stores.mongo import Client, mongo_client
from tests.support.generator_runs import digest, run_in_process
from tests.support.generator_sales import open_sale
from tests.support.parquet_facts import parquet_digest, parquet_files, parquet_table
from tests.support.quarantined import quarantined
from tests.support.scenarios import SMALL

START = datetime(2026, 3, 1, 23, 58, 30, tzinfo=UTC)
"""Some minutes across an hour and a day."""
PLAIN = SMALL[: SMALL.index("[[campaigns]]")].replace("duration_minutes = 10\nshards", "duration_minutes = 5\nshards")
BRIEF = PLAIN.replace("duration_minutes = 5\nshards", "duration_minutes = 1\nshards")
FAULTY = (
    PLAIN
    + """
[faults]
late_share = 0.01
late_minutes_max = 4.0
out_of_order_share = 0.02
duplicate_share = 0.02
conflict_share = 0.01
skewed_share = 0.02
skew_seconds_max = 90
malformed_share = 0.02
"""
)


@pytest.fixture
def client(data_services: Settings) -> Iterator[Client]:
    with mongo_client(data_services, "generator") as client:
        yield client


def _command(folder: Path, scenario: Path, *arguments: str) -> list[str]:
    command = [sys.executable, "-m", "generator.cli", "run", "--sink", f"parquet:{folder}", "--scenario", str(scenario)]
    return [*command, *arguments]


def _run(folder: Path, scenario: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """In an environment without any service or secret."""
    bare = {name: value for name, value in os.environ.items() if not name.startswith("FLASHSALE_")}
    bare |= {"FLASHSALE_SECRETS_DIR": "/nowhere", "FLASHSALE_MONGO_PORT": "1"}
    return subprocess.run(
        _command(folder, scenario, *arguments),
        env=bare,
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def _scenario(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "scenario.toml"
    path.write_text(text)
    return path


@pytest.mark.parametrize(("text", "workers"), [(PLAIN, 1), (FAULTY, 2)], ids=["clean", "faulty"])
def test_files_hold_what_mongodb_holds(
    client: Client, data_services: Settings, tmp_path: Path, text: str, workers: int
) -> None:
    sale = open_sale(data_services, text, START, shipments=True)
    run_in_process(client, data_services, sale, None, pace="max")
    database = client[sale.database]
    assert (sum(quarantined(database).values()) > 100) == (text == FAULTY)

    folder = tmp_path / "facts"
    ended = _run(folder, _scenario(tmp_path, text), "--start", iso(START), "--workers", str(workers), "--json")
    assert ended.returncode == 0, ended.stderr
    stored = digest(database)
    assert parquet_digest(folder) == {table.name: stored[table.name] for table in FACTS}
    totals = json.loads(ended.stdout.splitlines()[-1])
    assert totals["orders"] == database[ORDERS.name].count_documents({})
    assert totals["inventory_events"] == database[INVENTORY.name].count_documents({})


def test_there_is_a_compressed_file_for_each_table_shard_and_hour(tmp_path: Path) -> None:
    folder = tmp_path / "facts"
    ended = _run(folder, _scenario(tmp_path, PLAIN), "--start", iso(START))
    assert ended.returncode == 0, ended.stderr
    hours = [("2026-03-01", "23"), ("2026-03-02", "00")]
    expected = {
        f"{table.name}/date={date}/hour={hour}/shard-{shard:02d}.parquet"
        for table in FACTS
        for date, hour in hours
        for shard in (0, 1)
    }
    assert set(parquet_files(folder)) == expected | {"run.json", "scenario.toml"}
    for table in FACTS:
        for date, hour in hours:
            file = parquet.ParquetFile(folder / table.name / f"date={date}" / f"hour={hour}" / "shard-01.parquet")
            assert file.schema_arrow.equals(arrow_schema(table))
            assert file.metadata.row_group(0).column(0).compression == "ZSTD"
            arrived = file.read()["arrived_at"].to_pylist()
            assert {f"{moment:%Y-%m-%d %H}" for moment in arrived} == {f"{date} {hour}"}
    label = json.loads((folder / "run.json").read_text())
    assert (label["complete"], label["sale_start"]) == (True, iso(START))


def test_a_killed_run_is_done_again_with_the_same_files(tmp_path: Path) -> None:
    """Also when nobody says again when the sale started."""
    busy = _scenario(tmp_path, PLAIN.replace("second = 40.0", "second = 800.0").replace("shards = 2", "shards = 4"))
    whole, broken = tmp_path / "whole", tmp_path / "broken"
    assert _run(whole, busy, "--start", iso(START)).returncode == 0
    first_hour = {name for name in parquet_files(whole) if "hour=23" in name}
    assert len(first_hour) == 8

    environment = {**os.environ, "FLASHSALE_SECRETS_DIR": "/nowhere"}
    command = _command(broken, busy, "--start", iso(START), "--workers", "2")
    with subprocess.Popen(command, env=environment, cwd=Path(__file__).parents[2], stderr=subprocess.PIPE) as process:
        deadline = time.monotonic() + 60
        while not list(broken.rglob("*.parquet.tmp")):
            assert process.poll() is None
            assert time.monotonic() < deadline
        process.send_signal(signal.SIGKILL)
    killed = parquet_files(broken)
    assert any(name.endswith(".tmp") for name in killed)
    assert json.loads(killed["run.json"])["complete"] is False

    ended = _run(broken, busy)
    assert ended.returncode == 0, ended.stderr
    assert parquet_files(broken) == parquet_files(whole)


def test_sigterm_leaves_no_half_file(tmp_path: Path) -> None:
    busy = _scenario(tmp_path, PLAIN.replace("second = 40.0", "second = 4_000.0"))
    folder = tmp_path / "facts"
    command = _command(folder, busy, "--start", iso(START))
    environment = {**os.environ, "FLASHSALE_SECRETS_DIR": "/nowhere"}
    with subprocess.Popen(
        command, env=environment, cwd=Path(__file__).parents[2], stderr=subprocess.PIPE, text=True
    ) as process:
        while not list(folder.rglob("*.parquet.tmp")):
            assert process.poll() is None
        process.send_signal(signal.SIGTERM)
        _, errors = process.communicate(timeout=30)
    assert process.returncode == 0, errors
    assert "Traceback" not in errors
    left = parquet_files(folder)
    assert not any(name.endswith(".tmp") for name in left)
    assert json.loads(left.pop("run.json"))["complete"] is False
    assert _run(folder, busy).returncode == 0
    whole = parquet_files(folder)
    assert left.keys() < whole.keys()
    assert all(whole[name] == content for name, content in left.items()), "a file was there before its hour was whole"


def test_a_terminal_is_shown_a_bar_with_event_time_and_rate(tmp_path: Path) -> None:
    screen, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 200, 0, 0))
    environment = {**os.environ, "FLASHSALE_SECRETS_DIR": "/nowhere"}
    command = _command(tmp_path / "facts", _scenario(tmp_path, PLAIN), "--start", iso(START))
    with subprocess.Popen(command, env=environment, cwd=Path(__file__).parents[2], stderr=theirs) as process:
        os.close(theirs)
        shown = b""
        with contextlib.suppress(OSError):  # how a terminal ends
            while part := os.read(screen, 4096):
                shown += part
    os.close(screen)
    assert process.returncode == 0
    end = START + timedelta(minutes=5)
    assert re.search(rf"{end:%Y-%m-%d %H:%M:%S}Z: 100%.* 300/300 .* orders/s, .* inventory events/s", shown.decode())
    assert re.search(r"stored [\d,]+ orders and [\d,]+ inventory events in [\d.]+ s", shown.decode())


@pytest.mark.parametrize("change", ["seed", "scenario", "start", "foreign"])
def test_a_folder_with_anything_else_in_it_is_refused_and_left_alone(tmp_path: Path, change: str) -> None:
    folder = tmp_path / "facts"
    if change == "foreign":
        folder.mkdir()
        (folder / "letter.txt").write_text("dear customer")
    else:
        assert _run(folder, _scenario(tmp_path, BRIEF), "--start", iso(START)).returncode == 0
    before = parquet_files(folder)
    text = {"seed": BRIEF.replace("seed = 7", "seed = 8"), "scenario": BRIEF.replace("= 40.0", "= 41.0")}
    start = START + timedelta(seconds=change == "start")
    refused = _run(folder, _scenario(tmp_path, text.get(change, BRIEF)), "--start", iso(start))
    assert refused.returncode == 1
    assert re.fullmatch(rf"error: {folder}: [^\n]*\n", refused.stderr), refused.stderr
    assert parquet_files(folder) == before


def test_by_default_the_sale_ends_with_the_last_minute(tmp_path: Path) -> None:
    before = datetime.now(UTC)
    ended = _run(tmp_path / "facts", _scenario(tmp_path, BRIEF))
    assert ended.returncode == 0, ended.stderr
    label = json.loads((tmp_path / "facts" / "run.json").read_text())
    end = parse_iso(label["sale_end"])
    assert before - timedelta(minutes=1) < end <= datetime.now(UTC)
    last = parquet_table(tmp_path / "facts", ORDERS)["order_ts"].to_pylist()[-1]
    assert end - timedelta(seconds=5) < last < end


def test_a_folder_that_cannot_be_written_is_one_line(tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("")
    refused = _run(blocked / "facts", _scenario(tmp_path, SMALL))
    assert refused.returncode == 1
    assert re.fullmatch(r"error: [^\n]*cannot be written[^\n]*\n", refused.stderr), refused.stderr
