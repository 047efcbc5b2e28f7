"""The Kubernetes manifests by themselves: valid, complete, hardened, and closed to whom they should be."""

import os
import subprocess
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import kubernetes_validate
import pyspark
import pytest

from flashsale.settings import ENV_PREFIX, Settings, load_settings
from tests.support.kubernetes_manifests import (
    EXECUTOR_POD,
    FOLDER,
    Workload,
    documents,
    executor,
    kustomization,
    of_kind,
    rules,
    workloads,
)

KUBERNETES = ("1.33", "1.37")
"""The oldest and the newest version the manifests are written for."""
KUSTOMIZATION_KEYS = {
    "apiVersion", "kind", "namespace", "resources", "configMapGenerator", "labels", "images", "replacements",
}  # fmt: skip
NAME = "app.kubernetes.io/name"


@pytest.mark.parametrize("version", KUBERNETES)
@pytest.mark.parametrize("key", documents())
def test_document_is_valid_and_has_no_unknown_field(key: str, version: str) -> None:
    assert kubernetes_validate.validate(documents()[key], version, strict=True) == version


def test_kustomization_lists_every_file_and_nothing_else() -> None:
    listed = kustomization()["resources"] + [f for g in kustomization()["configMapGenerator"] for f in g["files"]]
    there = {path.name for path in FOLDER.iterdir()} - {"kustomization.yaml"}
    assert sorted(listed) == sorted(there)
    assert set(kustomization()) <= KUSTOMIZATION_KEYS


def test_kustomization_sets_the_version_of_every_image() -> None:
    ours = {c["image"].split(":")[0] for w in workloads().values() for c in w.containers}
    assert {image["name"] for image in kustomization()["images"]} == ours


def test_settings_are_real_and_have_values_that_start(monkeypatch: pytest.MonkeyPatch) -> None:
    told = {name: value for name, value in _variables() if name.startswith(ENV_PREFIX)}
    known = {ENV_PREFIX + name.upper() for name in Settings.model_fields}
    assert set(told) <= known
    for name in list(os.environ):
        if name.startswith(ENV_PREFIX):
            monkeypatch.delenv(name)
    for name in told:
        monkeypatch.setenv(name, told[name])
    assert load_settings().mongo_port == int(told["FLASHSALE_MONGO_PORT"])


@pytest.mark.parametrize("workload", [*workloads().values(), executor()], ids=lambda w: w.name)
def test_nobody_is_root_or_can_become_it_or_write_to_the_image(workload: Workload) -> None:
    pod = workload.pod["spec"]
    context = pod["securityContext"]
    assert context["runAsNonRoot"] is True
    assert (context["runAsUser"], context["runAsGroup"]) == (10001, 10001)
    assert context["seccompProfile"] == {"type": "RuntimeDefault"}
    assert not {"hostNetwork", "hostPID", "hostIPC"} & set(pod)
    for container in workload.containers:
        assert container["securityContext"] == {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        }
    # Only Spark's driver talks to Kubernetes.
    assert (pod.get("automountServiceAccountToken") is False) != (workload.name == "spark-connect")


@pytest.mark.parametrize("workload", workloads().values(), ids=lambda w: w.name)
def test_every_container_has_limits_and_every_service_its_probes(workload: Workload) -> None:
    for container in workload.containers:
        assert set(container["resources"]["requests"]) == set(container["resources"]["limits"]) == {"cpu", "memory"}
    if workload.runs_on:
        assert {"startupProbe", "readinessProbe", "livenessProbe"} <= set(workload.container)
        assert workload.pod["spec"]["terminationGracePeriodSeconds"] >= 30
    else:
        assert of_kind("Job")[workload.name]["spec"]["activeDeadlineSeconds"] <= 3600


def test_the_dashboard_reaches_redis_and_names_and_nothing_else() -> None:
    policies = of_kind("NetworkPolicy")
    reached = list(rules(policies["dashboard"], "egress"))
    assert [(peer["podSelector"]["matchLabels"][NAME], port) for peer, port in reached] == [("redis", 6379)]
    everyone = {name for name, policy in policies.items() if policy["spec"]["podSelector"] == {}}
    assert everyone == {"nobody", "names"}
    assert policies["nobody"]["spec"] == {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}
    assert {port for _, port in rules(policies["names"], "egress")} == {53}
    assert "ingress" not in policies["names"]["spec"]


def test_the_notifier_alone_reaches_the_world_outside() -> None:
    outside = {
        name for name, policy in of_kind("NetworkPolicy").items()
        for peer, _ in rules(policy, "egress") if "ipBlock" in peer
    }  # fmt: skip
    assert outside == {"notifier"}
    assert "ingress" not in of_kind("NetworkPolicy")["notifier"]["spec"]
    blocks = [peer["ipBlock"] for peer, _ in rules(of_kind("NetworkPolicy")["notifier"], "egress") if "ipBlock" in peer]
    assert all(block["except"] for block in blocks)


def test_policies_services_and_rights_select_pods_that_exist() -> None:
    labels = {w.name: w.pod["metadata"]["labels"] for w in [*workloads().values(), executor()]}
    assert all(name == own[NAME] for name, own in labels.items())
    selected = [p["spec"]["podSelector"] for p in of_kind("NetworkPolicy").values() if p["spec"]["podSelector"]]
    assert sorted(s["matchLabels"][NAME] for s in selected) == sorted(labels)
    for name, service in of_kind("Service").items():
        container = workloads()[service["spec"]["selector"][NAME]].container
        ports = {port["name"]: port["containerPort"] for port in container.get("ports", [])}
        for port in service["spec"].get("ports", []):
            assert ports[port["targetPort"]] == port["port"], name
    (subject,) = of_kind("RoleBinding")["spark-connect"]["subjects"]
    assert subject["name"] == workloads()["spark-connect"].pod["spec"]["serviceAccountName"]
    assert subject["namespace"] == kustomization()["namespace"] == of_kind("Namespace").popitem()[0]


def test_spark_knows_every_property_it_is_told_of_kubernetes() -> None:
    told = {a.removeprefix("--conf=").partition("=")[0] for a in workloads()["spark-connect"].container["args"]}
    told = {name for name in told if name.startswith("spark.kubernetes.")}
    (jar,) = (Path(pyspark.__file__).parent / "jars").glob("spark-kubernetes_*.jar")
    with zipfile.ZipFile(jar) as classes:
        known = classes.read("org/apache/spark/deploy/k8s/Config$.class")
    assert len(told) >= 8
    assert [name for name in sorted(told) if name.encode() not in known] == []


def test_executor_script_starts_the_backend_with_what_spark_tells_it(tmp_path: Path) -> None:
    command = executor().container["command"]
    assert command[:4] == ["tini", "--", "sh", "-c"]
    java = tmp_path / "java"
    java.write_text('#!/bin/sh\nprintf "%s\\n" "$@"\n')
    java.chmod(0o755)
    environment = {
        "PATH": f"{tmp_path}:/usr/bin:/bin",
        "SPARK_JAVA_OPT_0": "-Dspark.driver.port=7078",
        "SPARK_JAVA_OPT_1": "-Da=two words",
        "SPARK_EXECUTOR_MEMORY": "1024m",
        "SPARK_CONF_DIR": "/opt/spark/conf",
        "SPARK_CLASSPATH": "/opt/flashsale/jars/*",
        "SPARK_DRIVER_URL": "spark://driver",
        "SPARK_EXECUTOR_ID": "7",
        "SPARK_EXECUTOR_CORES": "2",
        "SPARK_APPLICATION_ID": "app",
        "SPARK_EXECUTOR_POD_IP": "10.0.0.7",
        "SPARK_RESOURCE_PROFILE_ID": "0",
        "SPARK_EXECUTOR_POD_NAME": "pod-7",
    }
    done = subprocess.run([*command[2:], "executor"], env=environment, capture_output=True, text=True, check=True)
    told = done.stdout.splitlines()
    assert told[:5] == ["-Dspark.driver.port=7078", "-Da=two words", "-Xms1024m", "-Xmx1024m", "-cp"]
    assert told[5].startswith("/opt/flashsale/configs/spark:/opt/flashsale/jars/*:")
    assert told[6] == "org.apache.spark.scheduler.cluster.k8s.KubernetesExecutorBackend"
    assert dict(zip(told[7::2], told[8::2], strict=True)) == {
        "--driver-url": "spark://driver",
        "--executor-id": "7",
        "--cores": "2",
        "--app-id": "app",
        "--hostname": "10.0.0.7",
        "--resourceProfileId": "0",
        "--podName": "pod-7",
    }


def test_driver_reads_the_template_by_the_name_it_is_mounted_under() -> None:
    driver = workloads()["spark-connect"]
    (mount,) = (m for m in driver.container["volumeMounts"] if m["name"] == "executor-pod")
    assert (
        f"--conf=spark.kubernetes.executor.podTemplateFile={mount['mountPath']}/{EXECUTOR_POD.name}"
        in (driver.container["args"])
    )


def _variables() -> Iterator[tuple[str, Any]]:
    for document in of_kind("ConfigMap").values():
        yield from document["data"].items()
    for workload in [*workloads().values(), executor()]:
        for container in workload.containers:
            yield from ((e["name"], e.get("value")) for e in container.get("env", []))
