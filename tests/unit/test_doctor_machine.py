"""Doctor on the machine: engine, limits, memory, disk, files, clock."""

import json
import platform
from dataclasses import replace
from pathlib import Path

import pytest

from containers.host import checks_clock, checks_machine
from containers.host.answers import parse_info
from containers.host.container import parse_containers
from containers.host.engine import Docker, EngineError
from containers.host.findings import Finding, exit_code, ok, problem, verdict, warning
from containers.host.survey import ask_info
from tests.support.engine_answers import info, inspected, project

SOCKET = "unix:///var/run/docker.sock"
GIB = 2**30


def _only(findings: list[Finding]) -> Finding:
    (finding,) = findings
    assert "\n" not in finding.line()
    return finding


def test_engine_that_answers_is_told_with_its_versions() -> None:
    found, about_neighbours = checks_machine.check_engine(info(), SOCKET)
    assert found == ok("engine", "Docker 26.1.5+dfsg1, Compose 2.26.1-4")
    assert (about_neighbours.mark, "127.0.0.1" in about_neighbours.text) == ("warning", True)
    newer = _only(checks_machine.check_engine(info(ServerVersion="28.0.1"), SOCKET))
    assert newer == ok("engine", "Docker 28.0.1, Compose 2.26.1-4")


def test_second_checkout_under_the_same_name_is_a_problem() -> None:
    entries = json.loads(inspected())
    here = Path("/srv/flashsale")
    for entry in entries:
        entry["Config"]["Labels"]["com.docker.compose.project.working_dir"] = str(here)
    containers = parse_containers(json.dumps(entries))
    assert not checks_machine.check_checkout(containers, here)
    found = _only(checks_machine.check_checkout(containers, Path("/somewhere/else")))
    assert (found.mark, str(here) in found.text, "COMPOSE_PROJECT_NAME" in found.way_out) == ("problem", True, True)


@pytest.mark.parametrize(
    ("stderr", "words"),
    [
        ("Cannot connect to the Docker daemon at unix:///x. Is the docker daemon running?", "does not answer"),
        ("permission denied while trying to connect to the Docker daemon socket at unix:///x", "may not talk"),
        ("error during connect: tls: bad certificate", "does not answer (error during connect: tls: bad certificate)"),
    ],
)
def test_engine_that_does_not_answer_is_a_problem_with_its_reason(
    stderr: str, words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("DOCKER_HOST", raising=False)
    found = _only(checks_machine.check_engine(parse_info('{"ServerVersion":""}', stderr), SOCKET))
    assert found.mark == "problem"
    assert words in found.text
    assert SOCKET in found.text
    assert found.way_out


def test_engine_of_an_older_client_tells_its_reason_in_the_answer() -> None:
    assert parse_info('{"ServerErrors":["permission denied"]}', "").error == "permission denied"


def test_unreachable_docker_host_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_HOST", "tcp://127.0.0.1:1")
    silent = parse_info("", "Cannot connect to the Docker daemon")
    assert "DOCKER_HOST=tcp://127.0.0.1:1" in _only(checks_machine.check_engine(silent, "tcp://127.0.0.1:1")).text


@pytest.mark.parametrize("version", ["2.19.1", "1.29.2"])
def test_old_compose_is_refused(version: str) -> None:
    found = _only(checks_machine.check_engine(replace(info(), compose_version=version), SOCKET))
    assert found.mark == "problem"
    assert f"Compose {version} is too old, 2.20" in found.text


def test_missing_compose_and_old_engine_are_refused() -> None:
    missing = _only(checks_machine.check_engine(replace(info(), compose_version=""), SOCKET))
    assert (missing.mark, "Compose plugin is missing" in missing.text) == ("problem", True)
    broken = parse_info('{"ServerVersion":"26.1","ClientInfo":{"Plugins":[{"Name":"compose","Err":"bad"}]}}', "")
    assert broken.compose_version == ""
    old = _only(checks_machine.check_engine(info(ServerVersion="24.0.7"), SOCKET))
    assert (old.mark, "Docker 24.0.7 is too old, 25.0" in old.text) == ("problem", True)


def test_docker_command_that_is_not_there_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(EngineError, match="no-such-docker is not on the PATH"):
        ask_info(Docker(tmp_path, "no-such-docker"))


def test_limits_the_kernel_does_not_enforce_are_warned_of() -> None:
    assert _only(checks_machine.check_limits(info())).mark == "ok"
    found = _only(checks_machine.check_limits(info(MemoryLimit=False, PidsLimit=False)))
    assert (found.mark, found.text) == ("warning", "the engine cannot enforce memory and pid limits")


def test_memory_counts_the_engine_and_what_is_free_before_a_start() -> None:
    small = info(MemTotal=4 * GIB)
    assert _only(checks_machine.check_memory(small, None, running=True)).mark == "problem"
    assert "4.0 GiB in all, 6 GiB needed" in _only(checks_machine.check_memory(small, None, running=False)).text
    found = _only(checks_machine.check_memory(info(), 5 * GIB, running=False))
    assert (found.mark, found.text) == ("problem", "5.0 GiB available, 6 GiB needed")
    # A running stack has taken its memory already.
    assert _only(checks_machine.check_memory(info(), 5 * GIB, running=True)).mark == "ok"
    assert _only(checks_machine.check_memory(info(), 7 * GIB, running=False)).mark == "ok"


def test_available_memory_is_read_from_the_kernel(tmp_path: Path) -> None:
    (tmp_path / "meminfo").write_text("MemTotal: 100 kB\nMemAvailable:   2048 kB\n")
    assert checks_machine.available_memory(tmp_path / "meminfo") == 2 * 2**20
    assert checks_machine.available_memory(tmp_path / "none") is None


def test_disk_asks_for_more_while_images_are_to_be_built() -> None:
    folder = Path("/var/lib/docker")
    missing = frozenset({"flashsale/spark:dev"})
    found = _only(checks_machine.check_disk(folder, 9 * 10**9, missing, engines_own=True))
    assert (found.mark, "10 GB needed to build" in found.text) == ("problem", True)
    assert _only(checks_machine.check_disk(folder, 9 * 10**9, frozenset(), engines_own=True)).mark == "ok"
    full = _only(checks_machine.check_disk(folder, 2 * 10**9, frozenset(), engines_own=False))
    assert (full.mark, "3 GB needed to run" in full.text) == ("problem", True)
    assert "cannot be seen" in full.text


def test_images_of_ours_that_are_not_there_are_found() -> None:
    ours = replace(project(), built_images=frozenset({"flashsale/spark:dev", "flashsale/airflow"}))
    assert checks_machine.missing_images(ours, frozenset({"flashsale/airflow:latest"})) == {"flashsale/spark:dev"}
    assert not checks_machine.missing_images(ours, frozenset({"flashsale/airflow:latest", "flashsale/spark:dev"}))


def test_engine_is_local_only_on_the_same_kernel() -> None:
    here = info(KernelVersion=platform.release())
    assert checks_machine.is_local(here, SOCKET)
    assert not checks_machine.is_local(here, "ssh://me@far")
    assert not checks_machine.is_local(info(KernelVersion="6.6.31-linuxkit"), SOCKET)


def test_scenario_that_does_not_exist_is_a_problem(tmp_path: Path) -> None:
    (tmp_path / "there.toml").touch()
    assert not checks_machine.check_files(replace(project(), files={"sale": str(tmp_path / "there.toml")}))
    (tmp_path / "there.toml").chmod(0o600)
    closed = _only(checks_machine.check_files(replace(project(), files={"sale": str(tmp_path / "there.toml")})))
    assert (closed.mark, f"chmod o+r {tmp_path}/there.toml" in closed.way_out) == ("problem", True)
    found = _only(checks_machine.check_files(replace(project(), files={"sale": str(tmp_path / "x.toml")})))
    assert (found.mark, f"{tmp_path}/x.toml" in found.text, "set SALE" in found.way_out) == ("problem", True, True)


@pytest.mark.parametrize(
    ("difference", "synchronised", "mark", "words"),
    [
        (0.3, True, "ok", "synchronised"),
        (0.3, False, "warning", "nothing synchronises it"),
        (0.3, None, "warning", "cannot be checked"),
        (None, True, "ok", "cannot be compared"),
        (-40.0, True, "problem", "40 s behind this machine's"),
        (3.0, None, "problem", "3 s ahead of this machine's"),
    ],
)
def test_clock(difference: float | None, synchronised: bool | None, mark: str, words: str) -> None:
    found = _only(checks_clock.check_clock(difference, synchronised))
    assert (found.mark, words in found.text) == (mark, True)


def test_kernel_tells_whether_the_clock_is_kept() -> None:
    assert checks_clock._kernel_is_synchronised() in (True, False)


def test_only_problems_fail_and_the_verdict_counts() -> None:
    assert exit_code([ok("a", "x"), warning("b", "y")]) == 0
    assert exit_code([ok("a", "x"), problem("b", "y")]) == 1
    assert verdict([ok("a", "x")]) == "all is well"
    assert verdict([problem("a", "x"), problem("b", "x"), warning("c", "x")]) == "2 problems, 1 warning"
    assert problem("mongo", "unhealthy", "look").line() == "problem  mongo                  unhealthy; look"
