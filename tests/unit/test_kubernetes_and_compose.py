"""The two deployments agree: the same images, commands, health checks, secrets, sizes, ports and networks."""

import re
from typing import Any

import pytest

from containers.grants import PLAIN
from flashsale.secret_files import SECRETS
from tests.support.kubernetes_manifests import (
    Workload,
    compose,
    compose_service,
    megabytes,
    of_kind,
    rules,
    workloads,
)

ELSEWHERE = {
    "secrets": "made on the operator's machine",
    "mongo-init": "the first user is made by who runs MongoDB",
    "postgres-init": "role and database are made by who runs PostgreSQL",
    "spark-master": "Kubernetes is the cluster manager",
    "spark-worker": "executors are pods the driver asks for",
}
DATA = "flashsale-data.svc.cluster.local"
STORES = ("mongo", "redis", "postgres", "namenode", "datanode")
NAME = "app.kubernetes.io/name"
every_workload = pytest.mark.parametrize("workload", workloads().values(), ids=lambda w: w.name)


def test_every_service_of_ours_is_there() -> None:
    ours = {n for n, s in compose()["services"].items() if s["image"].startswith("flashsale/")}
    assert set(workloads()) == ours - set(ELSEWHERE)


@every_workload
def test_image_and_command_are_those_of_compose(workload: Workload) -> None:
    service = compose_service(workload.name)
    assert all(container["image"] == service["image"] for container in workload.containers)
    if workload.name == "spark-connect":
        # Another cluster manager; what is not about it is the same.
        assert _spark_options(service["command"]) <= _spark_options(workload.container["args"])
        return
    command = service.get("command")
    assert workload.container.get("args") == (command.split() if isinstance(command, str) else command)


@every_workload
def test_health_command_and_memory_are_those_of_compose(workload: Workload) -> None:
    service = compose_service(workload.name)
    assert megabytes(workload.container["resources"]["limits"]["memory"]) == megabytes(service["mem_limit"])
    if workload.runs_on:
        kind, *command = service["healthcheck"]["test"]
        assert kind == "CMD"
        for probe in ("startupProbe", "readinessProbe"):
            assert workload.container[probe]["exec"]["command"] == command


@every_workload
def test_secret_is_the_services_own_and_holds_known_ones(workload: Workload) -> None:
    volumes = [v for v in compose_service(workload.name).get("volumes", []) if str(v).startswith("secrets-")]
    granted = {v.split(":")[0].removeprefix("secrets-") for v in volumes}
    assert workload.secrets == {f"flashsale-{name}" for name in granted}
    for name in granted:
        assert set(PLAIN[name]) <= set(SECRETS)


def test_published_ports_are_served() -> None:
    for name, workload in workloads().items():
        published = {int(p.rsplit(":", 1)[1]) for p in compose_service(name).get("ports", [])}
        assert published <= {port["containerPort"] for port in workload.container.get("ports", [])}


def test_addresses_have_the_ports_of_compose() -> None:
    settings = of_kind("ConfigMap")["flashsale-settings"]["data"]
    for name, value in compose()["x-settings"].items():
        if value is not None and not name.lower().endswith("_proxy"):
            assert _with_compose_hosts(settings[name]) == value, name


def test_airflow_is_told_what_compose_tells_it() -> None:
    ours = dict(of_kind("ConfigMap")["airflow-settings"]["data"])
    theirs = {n: v for n, v in compose()["x-airflow-environment"].items() if n.startswith(("AIRFLOW", "PG"))}
    assert (ours.pop("PGPASSFILE"), theirs.pop("PGPASSFILE")) == ("/run/pgpass/pgpass", "/run/secrets/pgpass")
    assert {name: _with_compose_hosts(value) for name, value in ours.items()} == theirs


@every_workload
def test_policy_lets_through_what_compose_networks_do(workload: Workload) -> None:
    networks = set(compose_service(workload.name)["networks"])
    shared = {store for store in STORES if networks & set(compose_service(store)["networks"])}
    policy = of_kind("NetworkPolicy")[workload.name]
    reached = {
        (peer["podSelector"]["matchLabels"][NAME], port)
        for peer, port in rules(policy, "egress")
        if "namespaceSelector" in peer
    }
    # Making folders is the NameNode's business alone.
    assert {store for store, _ in reached} == (shared - {"datanode"} if workload.name == "hdfs-init" else shared)
    known = {("mongo", 27017), ("redis", 6379), ("postgres", 5432), ("namenode", 9870), ("namenode", 8020),
             ("datanode", 9864), ("datanode", 9866)}  # fmt: skip
    assert reached <= known


@every_workload
def test_only_neighbours_of_compose_talk_to_one_another(workload: Workload) -> None:
    mine = set(compose_service(workload.name)["networks"])
    for direction in ("ingress", "egress"):
        for peer, _ in rules(of_kind("NetworkPolicy")[workload.name], direction):
            name = peer.get("podSelector", {}).get("matchLabels", {}).get(NAME)
            if name in workloads():
                assert mine & set(compose_service(name)["networks"]), f"{workload.name} and {name}"


def _spark_options(arguments: list[str]) -> set[str]:
    """Names of options and properties; which secret file and which addresses differ."""
    names = {re.sub(r"^(--(?:conf=)?[\w.-]+).*", r"\1", a) for a in arguments if a.startswith("--")}
    # Executors' logs are Kubernetes' business: nothing is written to files.
    return {n for n in names if not n.startswith("--conf=spark.executor.logs.")}


def _with_compose_hosts(value: Any) -> str:
    return str(value).replace(f".{DATA}", "")
