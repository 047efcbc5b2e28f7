"""What can be said of docker-compose.yml and the files beside it without an engine."""

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml

from containers.grants import PLAIN
from containers.health import CHECKS
from flashsale.secret_files import SECRETS
from flashsale.settings import Settings

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "docker-compose.yml").read_text()
COMPOSE: dict[str, Any] = yaml.safe_load(TEXT)
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
LOCKS = sorted((ROOT / "containers" / "locks").glob("*.lock"))
FIXED = {"home", "secrets_dir", "mongo_replica_set", "hdfs_user", "heartbeat_file"}
"""Settings that a deployment has no reason to change: the images or single services say them."""


def _example() -> dict[str, str]:
    lines = (ROOT / ".env.example").read_text().splitlines()
    return dict(match.groups() for line in lines if (match := re.fullmatch(r"#([A-Z_0-9]+)=(.*)", line)))


def _passed_on() -> set[str]:
    return {name for name, value in COMPOSE["x-settings"].items() if value is None}


def test_every_setting_reaches_the_services() -> None:
    settings = {f"FLASHSALE_{name.upper()}" for name in Settings.model_fields if name not in FIXED}
    assert settings - {"FLASHSALE_SALE"} == {name for name in COMPOSE["x-settings"] if name.startswith("FLASHSALE_")}


def test_no_proxy_of_the_engines_user_comes_between_the_services() -> None:
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        assert COMPOSE["x-settings"][name] == COMPOSE["x-settings"][name.lower()] == ""


def test_example_of_the_environment_names_every_variable_with_its_default() -> None:
    with_default = dict(re.findall(r"\$\{([A-Z_0-9]+):-([^}]*)\}", TEXT))
    example = _example()
    assert example.keys() == with_default.keys() | _passed_on() | {"COMPOSE_PROJECT_NAME"}
    assert example["COMPOSE_PROJECT_NAME"] == COMPOSE["name"]
    for name, value in with_default.items():
        assert example[name] == value, name
    for name in _passed_on():
        default = Settings.model_fields[name.removeprefix("FLASHSALE_").lower()].default
        assert example[name] == str(default), name


def test_every_image_is_pinned_to_a_version() -> None:
    for name, service in SERVICES.items():
        repository, _, tag = service["image"].partition(":")
        if repository.startswith("flashsale/"):
            assert service["pull_policy"] == "never", "somebody else's registry would be asked first"
            assert tag == "${FLASHSALE_VERSION:-dev}", name
        else:
            assert re.fullmatch(r"\d+(\.\d+){1,2}(-\w+)?", tag), service["image"]
        assert repository.count("/") <= 1, "a registry's host is written down"


@pytest.mark.parametrize("lock", LOCKS, ids=lambda path: path.stem)
def test_images_install_what_the_one_lock_file_says(lock: Path) -> None:
    """Names, versions and every hash."""

    def entries(path: Path) -> dict[str, set[str]]:
        found: dict[str, set[str]] = {}
        for line in path.read_text().splitlines():
            if match := re.match(r"([A-Za-z0-9_.\-\[\]]+==[^ ;\\]+)", line):
                current = found.setdefault(match[1], set())
            elif match := re.match(r"\s+--hash=(\S+)", line):
                current.add(match[1])
        return found

    everything = entries(ROOT / "requirements.lock")
    part = entries(lock)
    assert part
    for name, hashes in part.items():
        assert hashes, name
        assert hashes == everything[name], name


def test_each_image_is_built_once_and_from_its_own_lock() -> None:
    built = [(s["image"], s["build"]["target"]) for s in SERVICES.values() if "build" in s]
    targets = {target for _, target in built}
    assert len(targets) == len(built)
    assert {image for image, _ in built} == {s["image"] for s in SERVICES.values() if "pull_policy" in s}
    assert {path.stem for path in LOCKS} == targets | {"build"}


def test_secrets_are_handed_over_in_volumes_of_their_own() -> None:
    mounts = {name: [v for v in service.get("volumes", []) if isinstance(v, str)] for name, service in SERVICES.items()}
    granted = {m.split(":/grants/")[1]: m.split(":")[0] for m in mounts["secrets"] if "/grants/" in m}
    assert granted == {name: "hdfs-configuration" if name == "hdfs" else f"secrets-{name}" for name in PLAIN}
    image = (ROOT / "containers" / "Dockerfile").read_text().replace("\\\n", " ")
    folders = re.search(r"for service in ([^;]+);", image)
    assert folders is not None
    assert set(folders[1].split()) == PLAIN.keys()
    for name, volumes in mounts.items():
        own = [v.split(":") for v in volumes if v.startswith("secrets") and name != "secrets"]
        assert len(own) <= 1, name
        for source, target, mode in own:
            assert (source, target, mode) == (f"secrets-{name}", "/run/secrets", "ro"), name
    assert {secret for names in PLAIN.values() for secret in names} <= SECRETS.keys()


def test_every_one_shot_is_waited_for() -> None:
    """Otherwise `up --wait` would fail although it ended well."""
    awaited = {
        name
        for service in SERVICES.values()
        for name, how in service.get("depends_on", {}).items()
        if how["condition"] == "service_completed_successfully"
    }
    assert {name for name, service in SERVICES.items() if service["restart"] == "no"} == awaited


def test_own_images_are_checked_by_the_program_in_them() -> None:
    for name, service in SERVICES.items():
        if service["image"].startswith("flashsale/") and service["restart"] != "no":
            assert service["healthcheck"]["test"] == ["CMD", "python", "-I", "-S", "health.py", name]
            assert name in CHECKS


def test_only_loopback_is_published() -> None:
    ports = [port for service in SERVICES.values() for port in service.get("ports", [])]
    assert len(ports) == 4
    assert all(port.startswith("127.0.0.1:") for port in ports)


def test_one_network_leads_out_and_the_notifier_is_alone_in_it() -> None:
    for name, network in COMPOSE["networks"].items():
        users = [service for service, told in SERVICES.items() if name in told.get("networks", [])]
        if name == "outside":
            assert users == ["notifier"]
        elif name.startswith("ui-"):
            assert network["driver_opts"]["com.docker.network.bridge.enable_ip_masquerade"] == "false"
            assert len(users) == 1
        else:
            assert network["internal"] is True


def test_every_package_of_the_wheel_that_an_image_runs_is_let_into_the_build() -> None:
    """What .dockerignore leaves out is missing in the image, and its service ends at its first import."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    packages = set(project["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"]) - {"evaluation"}
    let_in = {line[1:].rstrip("/") for line in (ROOT / ".dockerignore").read_text().splitlines() if line[:1] == "!"}
    assert packages <= let_in, packages - let_in
