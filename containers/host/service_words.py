"""What is said of one container in each of its conditions."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from containers.host.container import WELL, Condition, Container
from containers.host.findings import Finding, one_line, problem, warning

RECENT_RESTART_SECONDS = 3600
START_SECONDS = 180
_KILLED = 137


@dataclass(frozen=True)
class Case:
    """A container, what its state means, and what was found out about it.

    `said` is the line of its log, `because` the words for its probable causes; both may be empty.
    """

    container: Container
    condition: Condition
    looping: bool
    out_of_memory: bool
    because: str
    said: str
    now: datetime

    @property
    def well(self) -> bool:
        return self.condition in WELL and not self.looping

    def seconds_since(self, moment: datetime | None) -> float:
        return float("inf") if moment is None else (self.now - moment).total_seconds()


def finding_of(case: Case) -> Finding | None:
    """One line about the container; None when there is nothing to say."""
    if case.well:
        return _restarted(case)
    if case.out_of_memory and case.condition != "starting":
        limit = _limit(case.container) or "the machine's memory"
        return problem(case.container.service, f"killed for want of memory: {limit} did not suffice", "raise its limit")
    if case.condition == "waiting":
        return _not_started(case)
    if case.condition in ("starting", "paused", "dead", "stopped") and not case.looping:
        return _at_rest(case)
    return _in_trouble(case)


def _in_trouble(case: Case) -> Finding:
    container = case.container
    if case.condition == "restarting" or case.looping:
        what = f"restarts again and again ({container.restarts} times, {_ending(container)})"
    elif case.condition == "unhealthy":
        check = one_line(container.check_output, 120)
        what = f"unhealthy (its check says: {check})" if check else "unhealthy"
    else:
        what = f"failed with {_ending(container)}"
    text = what + (f": {case.said}" if case.said else "") + case.because
    return problem(container.service, text, f"`docker compose logs {container.service}` tells more")


def _at_rest(case: Case) -> Finding:
    name = case.container.service
    if case.condition == "starting":
        return warning(name, f"still starting, since {case.seconds_since(case.container.started_at):.0f} s")
    if case.condition == "paused":
        return problem(name, "paused", f"`docker compose unpause {name}` lets it go on")
    if case.condition == "dead":
        return problem(
            name, f"is {case.container.state} and cannot be used", "`docker compose rm -fs` it and `make up`"
        )
    said = f": {case.said}" if case.said else ""
    return problem(name, f"stopped with {_ending(case.container)}{said}", "`make up` starts it again")


def _not_started(case: Case) -> Finding:
    name = case.container.service
    if case.container.error:
        return problem(name, f"cannot be started: {one_line(case.container.error)}{case.because}")
    if case.because:
        return problem(name, f"was never started{case.because}")
    if case.seconds_since(case.container.created_at) < START_SECONDS:
        return warning(name, "not started yet: what it needs comes first")
    return problem(name, "was never started", "`make up` starts it")


def _restarted(case: Case) -> Finding | None:
    container = case.container
    age = case.seconds_since(container.started_at)
    if not container.restarts or age >= RECENT_RESTART_SECONDS:
        return None
    times = "once" if container.restarts == 1 else f"{container.restarts} times"
    why = " for want of memory" if case.out_of_memory else ""
    text = f"was restarted {times}{why}, the last time {age / 60:.0f} min ago; it is well now"
    return warning(container.service, text)


def _ending(container: Container) -> str:
    if container.exit_code != _KILLED:
        return f"exit code {container.exit_code}"
    # The engine does not always notice that it was the kernel.
    limit = _limit(container)
    return f"exit code {_KILLED}, killed" + (f" by somebody or for want of memory (limit: {limit})" if limit else "")


def _limit(container: Container) -> str:
    return f"{container.memory_limit / 2**20:,.0f} MB" if container.memory_limit else ""
