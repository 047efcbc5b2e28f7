"""Waiting for MongoDB: what heals is waited out and said, what does not is one clear error."""

import logging
import threading

import pytest
from pymongo.errors import AutoReconnect, OperationFailure, ServerSelectionTimeoutError

from flashsale.errors import FlashsaleError, ServiceUnavailableError
from generator import retry
from generator.retry import until_acknowledged


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retry, "FIRST_WAIT_SECONDS", 0.001)


@pytest.mark.parametrize(
    "failure", [AutoReconnect("gone"), ServerSelectionTimeoutError("no primary"), OperationFailure("stepped down", 189)]
)
def test_an_outage_is_waited_out_and_said(failure: Exception, caplog: pytest.LogCaptureFixture) -> None:
    answers: list[Exception | int] = [failure, failure, 42]

    def attempt() -> int:
        answer = answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    with caplog.at_level(logging.WARNING):
        assert until_acknowledged("write", attempt, threading.Event()) == 42
    assert [r.message.startswith("write: MongoDB does not answer (") for r in caplog.records] == [True, True]


@pytest.mark.parametrize(
    ("code", "line"),
    [
        (59, r"^write: MongoDB refused \(no such command\)$"),
        (13, r"^write: not authorized by MongoDB; .* goes on from the last acknowledged tick$"),
    ],
)
def test_a_refusal_is_one_line_and_not_repeated(code: int, line: str) -> None:
    calls = 0

    def attempt() -> None:
        nonlocal calls
        calls += 1
        raise OperationFailure("no", code, {"errmsg": "no such command"})

    with pytest.raises(FlashsaleError, match=line):
        until_acknowledged("write", attempt, threading.Event())
    assert calls == 1


def test_stop_ends_the_waiting() -> None:
    stop = threading.Event()
    stop.set()

    def attempt() -> None:
        raise AutoReconnect("gone")

    with pytest.raises(ServiceUnavailableError, match="done again at the next start"):
        until_acknowledged("write", attempt, stop)
