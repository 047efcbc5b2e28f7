"""Waiting for a server: until it answers, no longer than told, and never for another kind of failure."""

import pytest

from containers.waiting import until_done
from flashsale.errors import ServiceUnavailableError


def test_failures_of_a_starting_server_are_waited_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("containers.waiting.POLL_SECONDS", 0.001)
    answers = iter([ConnectionError("not yet"), ConnectionError("not yet"), None])

    def attempt() -> None:
        if (error := next(answers)) is not None:
            raise error

    until_done(attempt, (ConnectionError,), "it did not start", 5)
    assert next(answers, "used up") == "used up"


def test_the_last_failure_is_told_when_time_is_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("containers.waiting.POLL_SECONDS", 0.001)

    def attempt() -> None:
        raise ConnectionError("refused")

    with pytest.raises(ServiceUnavailableError, match=r"it did not start within 0 s \(refused\)"):
        until_done(attempt, (ConnectionError,), "it did not start", 0.01)


def test_another_failure_is_not_waited_for() -> None:
    def attempt() -> None:
        raise ValueError("a defect")

    with pytest.raises(ValueError, match="a defect"):
        until_done(attempt, (ConnectionError,), "it did not start", 5)
