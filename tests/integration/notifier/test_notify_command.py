"""``flashsale-notify`` by its three commands, and no secret of a target in anything it says."""

import time
from pathlib import Path

import pytest

from tests.support.notified_sale import NotifiedSale
from tests.support.receivers import Mailbox, Webhook, until

SECRET_PARTS = ("hook-password", "hook-token", "mail-password", "s3cr3t")


def _run(watched: NotifiedSale, command: str, log: Path) -> tuple[int, str]:
    log.unlink(missing_ok=True)
    code = watched.start(command, log=log).wait(60)
    return code, log.read_text()


def test_test_says_per_target_what_happened(
    watched: NotifiedSale, hook: Webhook, mailbox: Mailbox, tmp_path: Path
) -> None:
    watched.targets("# ours", hook.url, "", mailbox.url)
    code, text = _run(watched, "test", tmp_path / "log")
    assert (code, text.count("delivered (")) == (0, 2)
    assert hook.subjects() == mailbox.subjects() == ["Test of the war room's messages"]
    hook.status = 500
    code, text = _run(watched, "test", tmp_path / "log")
    assert code == 1
    lines = {line.split()[0]: line for line in text.splitlines()}
    assert "FAILED" in lines[f"json://127.0.0.1:{hook.port}"]
    assert "500" in lines[f"json://127.0.0.1:{hook.port}"]
    assert "delivered" in lines[f"mailto://127.0.0.1:{mailbox.port}"]
    assert not [part for part in SECRET_PARTS if part in text]


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("nonsense://user:s3cr3t@host", "line 2: nonsense://… is no target"),
        ("mail-password", "line 2: a text without a scheme is no target"),
        ("json://", "line 2: json://… is no target"),
    ],
)
def test_bad_target_is_one_line_without_its_secrets(
    watched: NotifiedSale, hook: Webhook, tmp_path: Path, line: str, said: str
) -> None:
    watched.targets(hook.url, line)
    code, text = _run(watched, "test", tmp_path / "log")
    assert code == 1
    (error,) = (one for one in text.splitlines() if one.startswith("error:"))
    assert said in error
    assert not [part for part in SECRET_PARTS if part in text]
    assert len(hook.taken) == 1


def test_test_without_targets_says_where_to_write_them(watched: NotifiedSale, tmp_path: Path) -> None:
    code, text = _run(watched, "test", tmp_path / "log")
    assert code == 1
    assert text.startswith("error: no targets are configured; write one URL a line into ")
    assert text.count("\n") == 1


def test_without_targets_it_says_so_once_and_is_well(watched: NotifiedSale, tmp_path: Path) -> None:
    log = tmp_path / "log"
    process = watched.start("run", log=log)
    watched.raise_alerts((7, 2))
    until(lambda: watched.own_health(), 30)
    until(lambda: watched.outbox.find_one({"alert_id": {"$ne": None}}))
    time.sleep(0.6)
    process.terminate()
    assert process.wait(20) == 0
    assert log.read_text().count("no targets are configured") == 1
    health = watched.own_health()
    assert health is not None
    assert (health["state"], health["detail"]) == ("ok", "no targets are configured: nothing is sent")


def test_targets_may_change_while_it_runs(watched: NotifiedSale, hook: Webhook, mailbox: Mailbox) -> None:
    hook.status = 500
    watched.targets(hook.url)
    with watched.watching():
        watched.raise_alerts((1, 1))
        until(lambda: hook.asked)
        watched.targets(mailbox.url)
        until(lambda: (f"json://127.0.0.1:{hook.port}", "given_up") in watched.deliveries())
        watched.raise_alerts((2, 1))
        until(lambda: mailbox.taken)
    assert mailbox.subjects() == ["CRITICAL: product 2 in warehouse 1"]


def test_log_of_a_troubled_run_holds_no_secret(watched: NotifiedSale, hook: Webhook, tmp_path: Path) -> None:
    hook.status = 403
    nobody = "mailto://mail-user:mail-password@127.0.0.1:9?from=a@example.com&to=b@example.com"
    watched.targets(hook.url, nobody, "slack://s3cr3tA/s3cr3tB/s3cr3tC/#x", "nonsense://s3cr3t@host")
    watched.raise_alerts((7, 2))
    log = tmp_path / "log"
    process = watched.start("run", log=log)
    until(lambda: watched.outbox.find_one({"deliveries.attempts": {"$gte": 2}}), 30)
    process.terminate()
    process.wait(20)
    text = log.read_text() + str(list(watched.outbox.find())) + str(watched.own_health())
    assert "not delivered" in text
    assert not [part for part in SECRET_PARTS if part in text]


def test_status_tells_what_waits_and_why(watched: NotifiedSale, hook: Webhook, tmp_path: Path) -> None:
    hook.status = 500
    watched.targets(hook.url)
    watched.raise_alerts((7, 2))
    watched.health("dag:retention", "failed")
    with watched.watching():
        until(lambda: watched.outbox.count_documents({"deliveries.attempts": {"$gte": 1}}) == 2)
    code, text = _run(watched, "status", tmp_path / "log")
    lines = text.splitlines()
    assert code == 0
    assert lines[0].startswith("waiting 2 (oldest ")
    assert lines[1] == "faults told and not over: dag_failed:retention"
    assert lines[2].split()[:3] == [f"json://127.0.0.1:{hook.port}", "waiting", "2"]
    assert "500" in lines[2]


def test_command_without_secrets_ends_with_one_line(watched: NotifiedSale, tmp_path: Path) -> None:
    assert watched.settings.secrets_dir is not None
    (watched.settings.secrets_dir / "mongo_notifier").unlink()
    for command in ("run", "status"):
        code, text = _run(watched, command, tmp_path / "log")
        assert code == 1
        assert text.startswith("error: secret mongo_notifier: ")
        assert text.count("\n") == 1
