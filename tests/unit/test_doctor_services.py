"""Doctor and status on the services: what is said of each kind of trouble, and in which order."""

from dataclasses import replace
from datetime import timedelta

import pytest

from containers.host.causes import because_of, causes_of, in_order, with_runtime_needs
from containers.host.checks_services import check_services
from containers.host.container import Container, parse_containers
from containers.host.findings import Finding, one_line
from containers.host.status import service_lines
from tests.support.engine_answers import CAPTURED_AT, container, containers, inspected, project


def _check(*found: Container, used: dict[str, int] | None = None, killed: tuple[str, ...] = ()) -> list[Finding]:
    only = {c.service for c in found}
    part = replace(project(), needs={name: needs for name, needs in project().needs.items() if name in only})
    return check_services(
        part, list(found), CAPTURED_AT, lambda c: f"log of {c.service}", used or {}, frozenset(killed)
    )


def _only(*found: Container, killed: tuple[str, ...] = ()) -> Finding:
    problems = [f for f in _check(*found, killed=killed) if f.mark != "ok"]
    (finding,) = problems
    return finding


@pytest.mark.parametrize(
    ("service", "words"),
    [
        ("mongo", "unhealthy: log of mongo"),
        ("datanode", "unhealthy (its check says: the NameNode has not heard from this DataNode for 10 s): log of"),
        ("once", "failed with exit code 3: log of once"),
        ("hog", "killed for want of memory: 20 MB did not suffice"),
        ("loop", "restarts again and again (7 times, exit code 4): log of loop"),
        ("dependent", "was never started"),
    ],
)
def test_each_trouble_is_a_problem_in_words(service: str, words: str) -> None:
    one = container(service)
    if service == "dependent":
        one = replace(one, created_at=CAPTURED_AT - timedelta(minutes=10))
    found = _only(one)
    assert (found.mark, found.subject) == ("problem", service)
    assert found.text.startswith(words)


def test_restart_after_a_kill_for_memory_is_known_from_the_engines_events() -> None:
    """A restarted container has forgotten why it ended."""
    loop = container("hogloop")
    assert not loop.out_of_memory
    assert _only(loop).text.startswith("restarts again and again (5 times")
    assert _only(loop, killed=("hogloop",)).text.startswith("killed for want of memory: 20 MB")


def test_one_restart_some_time_ago_is_a_warning_and_then_forgotten() -> None:
    once = replace(container("dashboard"), restarts=1, started_at=CAPTURED_AT - timedelta(minutes=10))
    found = _only(once)
    assert (found.mark, found.text) == ("warning", "was restarted once, the last time 10 min ago; it is well now")
    assert [f.mark for f in _check(replace(once, started_at=CAPTURED_AT - timedelta(hours=2)))] == ["ok"]


@pytest.mark.parametrize(
    ("state", "exit_code", "words"),
    [
        ("exited", 1, "stopped with exit code 1: log of loop"),
        ("exited", 137, "stopped with exit code 137, killed by somebody or for want of memory (limit: 64 MB)"),
    ],
)
def test_service_that_should_run_and_does_not(state: str, exit_code: int, words: str) -> None:
    ended = replace(container("loop"), state=state, exit_code=exit_code, restarts=0, memory_limit=64 * 2**20)
    found = _only(ended)
    assert (found.mark, found.text.startswith(words)) == ("problem", True)


def test_paused_and_unbindable_and_starting_services() -> None:
    assert "unpause dashboard" in _only(replace(container("dashboard"), state="paused")).way_out
    bound = replace(container("dashboard"), state="created", health="", error="Bind for 127.0.0.1:8501 failed")
    assert _only(bound).text == "cannot be started: Bind for 127.0.0.1:8501 failed"
    starting = replace(container("dashboard"), health="starting", started_at=CAPTURED_AT - timedelta(seconds=9))
    assert (_only(starting).mark, _only(starting).text) == ("warning", "still starting, since 9 s")
    early = replace(container("dependent"), created_at=CAPTURED_AT - timedelta(seconds=20))
    assert _only(early).mark == "warning"


def test_memory_near_its_limit_is_warned_of() -> None:
    one = replace(container("dashboard"), memory_limit=1000 * 2**20)
    (near, _) = _check(one, used={one.identifier: 940 * 2**20})
    assert (near.mark, near.text) == ("warning", "uses 940 of its 1,000 MB")
    assert [f.mark for f in _check(one, used={one.identifier: 900 * 2**20})] == ["ok"]


def test_service_without_a_container_is_a_problem() -> None:
    part = replace(project(), needs={"ok": (), "gone": ()})
    found = check_services(part, containers("ok"), CAPTURED_AT, lambda c: "", {}, frozenset())
    assert [(f.mark, f.text) for f in found] == [("problem", "gone has no container")]


def test_all_well_is_one_line() -> None:
    (found,) = _check(container("ok"), container("dashboard"))
    assert (found.mark, found.text) == ("ok", "1 running, 1 done")


def test_the_cause_comes_before_what_it_causes() -> None:
    found = [f for f in _check(*containers("mongo", "dependent", "once")) if f.mark == "problem"]
    subjects = [f.subject for f in found]
    assert subjects.index("mongo") < subjects.index("dependent")
    by_subject = {f.subject: f.text for f in found}
    assert by_subject["dependent"] == "was never started (probably because of mongo)"
    assert "because" not in by_subject["mongo"]
    assert "because" not in by_subject["once"]


NEEDS = {"mongo": (), "redis": (), "seed": ("mongo",), "dashboard": ("seed",), "scheduler": ("seed", "redis")}


def test_only_the_first_of_a_chain_of_causes_is_blamed() -> None:
    assert causes_of("scheduler", NEEDS, {"mongo", "seed", "scheduler"}) == ["mongo"]
    assert causes_of("scheduler", NEEDS, {"mongo", "redis"}) == ["mongo", "redis"]
    assert causes_of("mongo", NEEDS, {"mongo", "scheduler"}) == []
    assert because_of(["mongo", "redis"]) == " (probably because of mongo and redis)"


def test_finished_one_shot_passes_no_blame_on() -> None:
    assert causes_of("dashboard", NEEDS, {"mongo"}) == ["mongo"]
    assert causes_of("dashboard", NEEDS, {"mongo"}, finished={"seed"}) == []


def test_what_is_needed_while_running_counts_too() -> None:
    needs = with_runtime_needs({"generator": ("seed",), "seed": ("mongo",), "mongo": ()})
    assert causes_of("generator", needs, {"mongo"}, finished={"seed"}) == ["mongo"]
    assert causes_of("minute KPIs", needs, {"mongo", "generator", "minute_kpis"}) == ["mongo"]


def test_order_survives_a_circle() -> None:
    order = in_order(NEEDS)
    assert all(order.index(other) < order.index(name) for name, others in NEEDS.items() for other in others)
    assert sorted(in_order({"a": ("b",), "b": ("a",)})) == ["a", "b"]
    assert causes_of("a", {"a": ("b",), "b": ("a",)}, {"a", "b"}) == ["b"]


def test_status_has_a_line_for_each_service() -> None:
    found = containers()
    used = {container("mongo").identifier: 3 * 2**20, container("hogloop").identifier: 2**20}
    lines = {line.name: line for line in service_lines(project(), found, used, CAPTURED_AT)}
    assert {name for name, line in lines.items() if line.well} == {"airflow-db", "dashboard", "ok", "hogloop"}
    assert lines["once"].state == "FAILED (exit code 3)"
    assert (lines["hog"].state, lines["hog"].result) == ("FAILED (exit code 137)", "killed for want of memory")
    assert lines["ok"].state == "done"
    assert lines["loop"].result.endswith("restarts: 7")
    assert (lines["mongo"].address, lines["mongo"].memory) == ("127.0.0.1:18999", "3 MB")
    assert lines["hogloop"].memory == "1 / 20 MB"
    assert "health check" in lines["dashboard"].result
    assert all(one_line(line.text(), 1000) for line in lines.values())


def test_containers_of_compose_run_are_left_out() -> None:
    label = '"com.docker.compose.oneoff": "False"'
    assert label in inspected()
    assert not parse_containers(inspected().replace(label, label.replace("False", "True")))


def test_one_shot_that_others_wait_for_has_not_done_its_work_while_it_runs() -> None:
    at_work = replace(container("ok"), state="running")
    assert at_work.condition(project().awaited) == "starting"
    assert at_work.condition(frozenset()) == "running"


def test_scaled_service_has_a_line_for_each_container() -> None:
    first = container("dashboard")
    names = [
        line.name for line in service_lines(project(), [first, replace(first, number=2)], {}, CAPTURED_AT) if line.well
    ]
    assert names == ["dashboard-1", "dashboard-2"]
