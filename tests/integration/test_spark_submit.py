"""The minute job as the driver of its own Spark: by spark-submit, on one machine and on a cluster."""

import os
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from embedded.config import free_ports
from flashsale.minutes import MINUTE, iso
from flashsale.sale_run import SaleRun
from flashsale.schema import ALERT_EVENTS, KPI_HISTORY, KPI_STATE, ROLLUP_PW, ROLLUP_PWC
from flashsale.settings import Settings
from flashsale.stores.ingest import put_checkpoint
from spark_jobs import minute_kpis
from tests.support.random_sale import draw
from tests.support.shop import Pipeline, Shop, at

ROOT = Path(__file__).parents[2]
BIN = Path(sys.executable).parent
MINUTES = 3
AGO = timedelta(days=3650)
"""Hand-made sales lie on one day: so long before it that no clock calls these minutes the future."""
START = at("09:00") - AGO
END = START + MINUTES * MINUTE
SECRET = "spark.authenticate.secret a-secret-of-the-test-cluster\n"


@pytest.fixture(scope="module")
def pipeline(spark_services: Settings, open_test_sale: Callable[..., SaleRun]) -> Pipeline:
    """A sale with settled facts, of which no minute was computed."""
    sale = open_test_sale(spark_services, sale_start=START, sale_end=END)
    pipeline = Pipeline(spark_services, sale, Shop(products=4, capacities=(20, 30, 1000)))
    orders, inventory = draw(11, "09:00", MINUTES)
    pipeline.add(*([_earlier(fact) for fact in facts] for facts in (orders, inventory)))
    put_checkpoint(pipeline.database, 0, END + 10 * MINUTE, 0, None)
    return pipeline


@pytest.fixture(scope="module")
def connected(pipeline: Pipeline) -> tuple[str, dict[datetime, str]]:
    """(snapshot id, digests) of the run through the Connect server; nothing it computed is left."""
    report = minute_kpis.run(pipeline.settings, END, pipeline.sale.sale_id)
    return report.snapshot_id, _taken_digests(pipeline)


def test_a_submitted_run_publishes_the_bytes_of_the_connect_run(
    pipeline: Pipeline, connected: tuple[str, dict[datetime, str]]
) -> None:
    command = _written_properties(pipeline, "local[2]")
    ended = _submit(pipeline, command, "--at", iso(END))
    assert ended.returncode == 0, ended.stderr[-2000:]
    assert _published(ended.stdout) == connected[0]
    assert _taken_digests(pipeline) == connected[1]
    assert len(connected[1]) == MINUTES
    assert pipeline.settings.secret("mongo_jobs") not in ended.stdout + ended.stderr


def test_what_goes_wrong_in_a_submitted_run_is_one_line(pipeline: Pipeline) -> None:
    command = _written_properties(pipeline, "local[2]")
    ended = _submit(pipeline, command, "--at", iso(END + MINUTE))
    # spark-submit hands both of the program's outputs on as its own stdout.
    errors = [line for line in ended.stdout.splitlines() if line.startswith("error: ")]
    assert (ended.returncode, len(errors)) == (1, 1), ended.stdout + ended.stderr[-2000:]
    assert f"--at {END + MINUTE:%Y-%m-%dT%H:%MZ}: sale {pipeline.sale.sale_id} runs from" in errors[0]
    assert "Traceback" not in ended.stdout + ended.stderr


@pytest.mark.soak
def test_a_run_on_a_standalone_cluster_publishes_the_same_bytes(
    pipeline: Pipeline, connected: tuple[str, dict[datetime, str]], tmp_path: Path
) -> None:
    """Master and worker know the driver by a secret; the executor is a process of its own."""
    command = _written_properties(pipeline, "local[2]")
    properties = pipeline.settings.home / "spark" / "submit.properties"
    with properties.open("a") as file:
        file.write("spark.authenticate true\n" + SECRET)
    with _cluster(tmp_path) as master:
        memory = ("--conf", "spark.executor.memory=512m")
        ended = _submit(pipeline, [command[0], "--master", master, *memory, *command[1:]], "--at", iso(END))
        assert ended.returncode == 0, ended.stderr[-2000:]
        assert list((tmp_path / "work").rglob("stderr")), "no executor ran"
    assert _published(ended.stdout) == connected[0]
    assert _taken_digests(pipeline) == connected[1]


def _earlier(fact: dict[str, Any]) -> dict[str, Any]:
    return {name: value - AGO if isinstance(value, datetime) else value for name, value in fact.items()}


def _taken_digests(pipeline: Pipeline) -> dict[datetime, str]:
    """Digests of the settled minutes; then all that runs leave in MongoDB is taken away."""
    found = pipeline.database[KPI_HISTORY].find({"settled": True})
    digests = {document["_id"]: document["digest"] for document in found}
    for name in (KPI_HISTORY, KPI_STATE, ROLLUP_PW, ROLLUP_PWC, ALERT_EVENTS):
        pipeline.database[name].delete_many({})
    return digests


def _environment(settings: Settings) -> dict[str, str]:
    given = {f"FLASHSALE_{name.upper()}": str(value) for name, value in settings if value is not None}
    return {**os.environ, **given, "FLASHSALE_SPARK_REMOTE": "submit", "PYSPARK_PYTHON": sys.executable}


def _written_properties(pipeline: Pipeline, master: str) -> list[str]:
    """The command that `flashsale-kpi submit-conf` prints, up to its `run`."""
    written = subprocess.run(
        [BIN / "flashsale-kpi", "submit-conf", "--master", master],
        env=_environment(pipeline.settings),
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    words = written.stdout.split()
    assert words[:2] == ["FLASHSALE_SPARK_REMOTE=submit", f"PYSPARK_PYTHON={sys.executable}"]
    return words[2:]


def _submit(pipeline: Pipeline, command: list[str], *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*command, *arguments, "--sale", pipeline.sale.sale_id],
        env=_environment(pipeline.settings),
        capture_output=True,
        text=True,
        check=False,
        timeout=150,
    )


def _published(out: str) -> str:
    match = re.search(r"published (\S+): .*complete=True, .* ([1-9]\d*) minutes rolled up", out)
    assert match, out
    return match.group(1)


@contextmanager
def _cluster(folder: Path) -> Iterator[str]:
    """A master and a worker on this machine; yields the master's address."""
    port, *pages = free_ports(3)
    address = f"spark://127.0.0.1:{port}"
    conf = folder / "cluster.properties"
    conf.write_text("spark.authenticate true\nspark.master.rest.enabled false\n" + SECRET)
    deploy, common = "org.apache.spark.deploy", ("--host", "127.0.0.1", "--properties-file", str(conf))
    work = ("--work-dir", str(folder / "work"), "--cores", "2", "--memory", "1g")
    with ExitStack() as stack:
        for role, page, more in (
            ("master.Master", pages[0], ("--port", str(port))),
            ("worker.Worker", pages[1], (*work, address)),
        ):
            log = stack.enter_context((folder / f"{role}.log").open("w"))
            argv = [BIN / "spark-class", f"{deploy}.{role}", *common, "--webui-port", str(page), *more]
            environment = {**os.environ, "SPARK_LOCAL_IP": "127.0.0.1", "SPARK_DAEMON_MEMORY": "256m"}
            environment["PYSPARK_PYTHON"] = sys.executable  # where the script finds Spark
            process = subprocess.Popen(argv, env=environment, stdout=log, stderr=log)
            stack.callback(process.wait, 30)
            stack.callback(process.terminate)
            # The classes print what they do at INFO, which is the default without a configuration of ours.
            _wait_for(folder / f"{role}.log", "I have been elected leader" if "Master" in role else "registered")
        yield address


def _wait_for(log: Path, words: str) -> None:
    deadline = time.monotonic() + 60
    while words not in log.read_text():
        assert time.monotonic() < deadline, log.read_text()[-2000:]
        time.sleep(0.2)
