"""The manifests below configs/kubernetes and the compose file, as the tests look at them."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "configs" / "kubernetes"
EXECUTOR_POD = FOLDER / "spark-executor-pod.yaml"
COMPOSE = ROOT / "docker-compose.yml"

Document = dict[str, Any]


@cache
def kustomization() -> Document:
    return yaml.safe_load((FOLDER / "kustomization.yaml").read_text())


@cache
def documents() -> dict[str, Document]:
    """``file:Kind/name`` -> document, of every manifest but kustomization.yaml."""
    found: dict[str, Document] = {}
    for path in sorted(FOLDER.glob("*.yaml")):
        if path.name == "kustomization.yaml":
            continue
        for document in yaml.safe_load_all(path.read_text()):
            key = f"{path.name}:{document['kind']}/{document['metadata'].get('name', '')}"
            assert key not in found, f"{key} stands twice"
            found[key] = document
    return found


def of_kind(*kinds: str) -> dict[str, Document]:
    """name -> document of these kinds, but for the executor's template."""
    return {
        document["metadata"]["name"]: document
        for key, document in documents().items()
        if document["kind"] in kinds and not key.startswith(EXECUTOR_POD.name)
    }


@dataclass(frozen=True)
class Workload:
    """A program that runs in pods of its own, by its name: that of the compose service."""

    name: str
    kind: str
    pod: Document

    @property
    def container(self) -> Document:
        (container,) = self.pod["spec"]["containers"]
        return container

    @property
    def containers(self) -> list[Document]:
        return [*self.pod["spec"].get("initContainers", []), *self.pod["spec"]["containers"]]

    @property
    def runs_on(self) -> bool:
        return self.kind in ("Deployment", "StatefulSet")

    @property
    def secrets(self) -> set[str]:
        """Names of the Secrets its pod mounts."""
        return {v["secret"]["secretName"] for v in self.pod["spec"].get("volumes", []) if "secret" in v}


def workloads() -> dict[str, Workload]:
    return {
        name: Workload(name, document["kind"], document["spec"]["template"])
        for name, document in of_kind("Deployment", "StatefulSet", "Job").items()
    }


def executor() -> Workload:
    return Workload("spark-executor", "Pod", yaml.safe_load(EXECUTOR_POD.read_text()))


@cache
def compose() -> Document:
    """docker-compose.yml with its defaults, as nobody sets a variable."""
    assert COMPOSE.exists(), f"{COMPOSE} is missing: the manifests are held against it"
    text = re.sub(r"\$\{\w+(?::-([^{}]*))?\}", lambda m: m[1] or "", COMPOSE.read_text())
    text = re.sub(r"\$\{\w+:\+[^}]*\}", "", text)
    return yaml.safe_load(text)


def compose_service(name: str) -> Document:
    return compose()["services"][name]


def megabytes(size: str) -> int:
    """``768m``, ``2g``, ``768Mi`` or ``2Gi``."""
    number, unit = re.fullmatch(r"(\d+)([mg])i?", size.lower()).groups()  # type: ignore[union-attr]
    return int(number) * (1024 if unit == "g" else 1)


def rules(policy: Document, direction: str) -> Iterator[tuple[Document, int]]:
    """(peer, port) of each thing a NetworkPolicy allows; a rule without peers has the peer {}."""
    for rule in policy["spec"].get(direction, []):
        peers = rule.get({"ingress": "from", "egress": "to"}[direction]) or [{}]
        for peer in peers:
            for port in rule.get("ports", [{"port": 0}]):
                yield peer, port["port"]
