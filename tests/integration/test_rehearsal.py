"""A simulated sale beside the live one: prepared by the owner, filled by the generator, listed for what it is."""

import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from flashsale.dimensions import draw_dimensions
from flashsale.minutes import MINUTE, floor_minute, iso, utc_now
from flashsale.sale_cli import main
from flashsale.scenario import load_scenario
from flashsale.schema import CAMPAIGNS, FACTS, INBOUND_SHIPMENTS, PRODUCTS
from flashsale.settings import Settings
from flashsale.stores.ingest import read_watermark
from flashsale.stores.mongo import Client, mongo_client
from flashsale.stores.provision import check_sale
from flashsale.stores.sales import active_sale, find_sale
from tests.support.generator_runs import digest, environment, run_in_process
from tests.support.generator_sales import open_sale
from tests.support.scenarios import SMALL

BRIEF = SMALL.replace("duration_minutes = 10\nshards", "duration_minutes = 4\nshards")
BRIEF = BRIEF[: BRIEF.index("[[campaigns]]")]


@pytest.fixture
def settings(data_services: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """Settings of a scenario file of the test's own, also in the environment."""
    scenario = tmp_path / "brief.toml"
    scenario.write_text(BRIEF)
    chosen = data_services.model_copy(update={"sale": scenario})
    for name in ("home", "mongo_port", "sale"):
        monkeypatch.setenv(f"FLASHSALE_{name.upper()}", str(getattr(chosen, name)))
    return chosen


@pytest.fixture
def owner(settings: Settings) -> Iterator[Client]:
    with mongo_client(settings, "owner") as client:
        yield client


def _listed(capsys: pytest.CaptureFixture[str], sale_id: str) -> str:
    capsys.readouterr()
    assert main(["list"]) == 0
    return next(line for line in capsys.readouterr().out.splitlines() if sale_id in line)


def test_a_rehearsed_sale_is_filled_by_the_printed_command_while_the_live_one_stays(
    owner: Client, settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    live = open_sale(settings, SMALL, utc_now() - MINUTE)
    assert main(["rehearse"]) == 0
    first, command = capsys.readouterr().out.splitlines()
    sale_id = first.split()[1].rstrip(":")
    sale = find_sale(owner, sale_id)
    assert sale.sale_end == floor_minute(sale.sale_end)
    assert timedelta(0) <= utc_now() - sale.sale_end < 2 * MINUTE
    assert sale.sale_end - sale.sale_start == 4 * MINUTE
    check_sale(owner, sale)
    drawn = draw_dimensions(load_scenario(settings.sale), sale.seed, sale.sale_start)
    database = owner[sale.database]
    assert list(database[PRODUCTS.name].find().sort("_id", 1)) == drawn.products
    assert list(database[CAMPAIGNS.name].find().sort("_id", 1)) == drawn.campaigns
    assert list(database[INBOUND_SHIPMENTS.name].find().sort("_id", 1)) == drawn.shipments
    assert all(database[table.name].find_one() is None for table in FACTS)
    assert active_sale(owner).sale_id == live.sale_id
    assert " empty " in _listed(capsys, sale_id)

    name, *arguments = shlex.split(command)
    assert name == "flashsale-generate"
    root = Path(__file__).parents[2]
    done = subprocess.run(
        [sys.executable, "-m", "generator.cli", *arguments, "--max-ticks", "50"],
        env=environment(settings),
        cwd=root,
        check=False,
    )
    assert done.returncode == 0
    assert " partial " in _listed(capsys, sale_id)
    done = subprocess.run(
        [sys.executable, "-m", "generator.cli", *arguments], env=environment(settings), cwd=root, check=False
    )
    assert done.returncode == 0
    assert " ended " in _listed(capsys, sale_id)
    assert read_watermark(database) == sale.sale_end + 3 * MINUTE
    assert active_sale(owner).sale_id == live.sale_id

    whole = open_sale(settings, BRIEF, sale.sale_start, shipments=True)
    with mongo_client(settings, "generator") as client:
        run_in_process(client, settings, whole, None, pace="max")
    assert digest(database) == digest(owner[whole.database])


def test_rehearsals_of_the_same_minutes_are_two_sales(
    owner: Client, settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    ids = set()
    for _ in range(2):
        assert main(["rehearse", "--ends-at", "2026-02-03T04:05:06.7Z"]) == 0
        ids.add(capsys.readouterr().out.split()[1].rstrip(":"))
    assert len(ids) == 2
    ends = {iso(find_sale(owner, one).sale_end) for one in ids}
    assert ends == {"2026-02-03T04:05:06.000Z"}


def test_a_rehearsal_cannot_end_in_the_future(
    owner: Client, settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    at = iso(floor_minute(utc_now()) + 2 * MINUTE)
    before = owner.list_database_names()
    assert main(["rehearse", "--ends-at", at]) == 1
    assert re.fullmatch(rf"error: a rehearsal cannot end at {at}[^\n]*\n", capsys.readouterr().err)
    assert owner.list_database_names() == before
