"""The embedded services are set up as clients and people rely on it."""

import json
import urllib.request
from contextlib import suppress

import hdfs
import psutil
import pytest
import redis

from embedded.processes import ProcessTable
from embedded.service import NotAnsweringError
from embedded.spark_connect import _probe
from embedded.stack import Stack
from flashsale.settings import Settings
from flashsale.stores.redis_client import redis_client
from spark_jobs.session import spark_session


def _get_json(url: str) -> object:
    with urllib.request.urlopen(url, timeout=10) as answer:
        return json.load(answer)


def test_spark_refuses_whoever_does_not_know_the_token(stack: Stack, spark_services: Settings) -> None:
    port = stack.config.spark_port
    with pytest.raises(NotAnsweringError, match=r"UNAUTHENTICATED|Invalid|token"):
        _probe(port, "not the token at all")
    _probe(port, spark_services.secret("spark_connect"))
    with spark_session(spark_services, "test") as spark:
        assert spark.range(3).count() == 3


def test_spark_pages_never_show_the_password_of_mongodb(stack: Stack, spark_services: Settings) -> None:
    base = f"http://127.0.0.1:{stack.config.ports.spark_ui}/api/v1/applications"
    applications = _get_json(base)
    assert isinstance(applications, list)
    text = json.dumps(_get_json(f"{base}/{applications[0]['id']}/environment"))
    assert "spark.mongodb.read.connection.uri" in text
    for secret in ("mongo_jobs", "spark_connect"):
        assert spark_services.secret(secret) not in text


def test_hdfs_takes_files_of_the_pipelines_user_and_hands_them_to_spark(spark_services: Settings) -> None:
    client = hdfs.InsecureClient(spark_services.hdfs_http, user=spark_services.hdfs_user)
    client.write("/embedded-test/one.txt", data=b"a line\n", overwrite=True)
    assert client.status("/embedded-test/one.txt")["owner"] == spark_services.hdfs_user
    with spark_session(spark_services, "test") as spark:
        assert [row.value for row in spark.read.text("/embedded-test/one.txt").collect()] == ["a line"]
    client.delete("/embedded-test", recursive=True)


def test_no_secret_is_on_a_command_line_or_in_a_log(stack: Stack, spark_services: Settings) -> None:
    config = stack.config
    secrets = [path.read_text().strip() for path in config.secrets_dir.iterdir()]
    table = ProcessTable(config.stack_id)
    assert set(table.marked.values()) >= {"mongo", "spark", "namenode", "datanode"}
    for pid in table.marked:
        with suppress(psutil.NoSuchProcess):
            assert not [s for s in secrets if s in " ".join(psutil.Process(pid).cmdline())]
    for log in config.logs.iterdir():
        text = log.read_text(errors="replace")
        assert not [secret for secret in secrets if secret in text], log


def test_every_port_is_on_this_machine_alone(stack: Stack, spark_services: Settings) -> None:
    pids = set(ProcessTable(stack.config.stack_id).marked)
    listening = [c for c in psutil.net_connections("inet") if c.status == psutil.CONN_LISTEN and c.pid in pids]
    assert len(listening) >= 6
    assert {c.laddr.ip for c in listening} <= {"127.0.0.1", "::ffff:127.0.0.1"}


def test_one_service_is_ended_and_brought_back_with_its_data(stack: Stack, data_services: Settings) -> None:
    with redis_client(data_services, "publisher") as client:
        client.set("fs:embedded-test", "kept")
    stack.stop_one("redis")
    with redis_client(data_services, "publisher") as client, pytest.raises(redis.ConnectionError):
        client.ping()
    stack.start("redis")
    with redis_client(data_services, "publisher") as client:
        assert client.get("fs:embedded-test") == "kept"
        client.delete("fs:embedded-test")
