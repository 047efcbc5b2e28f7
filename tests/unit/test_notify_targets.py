"""How targets come to the notifier, who gets to see them, and when its container is well."""

import io
import os
import stat
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

import pytest
from apprise import Apprise

from containers import health, init_secrets
from containers.grants import PLAIN
from embedded.config import isolated_config
from embedded.pipeline import check_notifier
from embedded.service import NotAnsweringError
from flashsale.settings import Settings
from notifier.message import Message
from notifier.sending import Sender
from notifier.targets import MOST, read_targets

ROOT = Path(__file__).parents[2]
URL = "jsons://user:s3cr3t@hooks.example.com/token"


@pytest.fixture
def folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folders of the container: ``master`` and ``grants``."""
    (tmp_path / "grants").mkdir()
    monkeypatch.setattr(init_secrets, "GRANTS", tmp_path / "grants")
    monkeypatch.setattr(init_secrets, "PROJECT", ROOT)
    monkeypatch.setenv("FLASHSALE_SECRETS_DIR", str(tmp_path / "master"))
    _run(monkeypatch, "grant")
    return tmp_path


def _run(monkeypatch: pytest.MonkeyPatch, *arguments: str, text: str = "") -> int:
    monkeypatch.setattr(sys, "argv", ["init_secrets", *arguments])
    monkeypatch.setattr(sys, "stdin", io.StringIO(text))
    return init_secrets.main()


def test_targets_are_handed_to_the_notifier_alone_and_stay(folders: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert _run(monkeypatch, "targets", text=f"# ours\n{URL}\n") == 0
    assert _run(monkeypatch, "grant") == 0
    holders = {
        path.parent.name for path in (folders / "grants").rglob("*") if path.is_file() and URL in path.read_text()
    }
    assert holders == {"notifier"}
    path = folders / "grants" / "notifier" / "notify_targets"
    assert stat.S_IMODE(path.stat().st_mode) == 0o440
    (target,) = read_targets(Settings(secrets_dir=folders / "grants" / "notifier")).usable
    assert target.label == "jsons://hooks.example.com"
    assert _run(monkeypatch, "targets", text="# none\n") == 0
    assert not path.exists()
    assert {p.name for p in (folders / "grants" / "notifier").iterdir()} == set(PLAIN["notifier"])


def test_target_that_stands_twice_is_one_and_too_many_are_told(tmp_path: Path) -> None:
    settings = Settings(secrets_dir=tmp_path)
    file = tmp_path / "notify_targets"
    file.write_text(f"{URL}\n\n  {URL}  \n")
    assert len(read_targets(settings).usable) == 1
    file.write_text("".join(f"{URL}{n}\n" for n in range(MOST + 1)))
    found = read_targets(settings)
    assert len(found.usable) == MOST
    assert found.problems == ("notify_targets: at most 50 targets are used, got 51; send to a list or a channel",)


def test_file_that_cannot_be_read_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "notify_targets").write_bytes(b"\xff\xfe")
    (problem,) = read_targets(Settings(secrets_dir=tmp_path)).problems
    assert "not UTF-8 text" in problem
    assert "\n" not in problem


def test_tokens_that_stand_for_a_host_are_not_in_the_label(tmp_path: Path) -> None:
    (tmp_path / "notify_targets").write_text("slack://T1JJ3T3L2/A1BRTD4JD/TIiajkdnlazkcOXrIdevi7FQ/#ops\n")
    (target,) = read_targets(Settings(secrets_dir=tmp_path)).usable
    assert target.label.startswith("slack://")
    assert "T1JJ3T3L2" not in target.label


def test_container_is_well_while_it_looks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    heartbeat = tmp_path / "looked"
    monkeypatch.setenv("FLASHSALE_HEARTBEAT_FILE", str(heartbeat))
    monkeypatch.delenv("FLASHSALE_NOTIFY_LOOK_SECONDS", raising=False)
    assert health.main(["notifier"]) == 1
    heartbeat.touch()
    assert health.main(["notifier"]) == 0
    old = time.time() - 60
    os.utime(heartbeat, (old, old))
    assert health.main(["notifier"]) == 1
    monkeypatch.setenv("FLASHSALE_NOTIFY_LOOK_SECONDS", "30")
    assert health.main(["notifier"]) == 0


def test_process_of_the_demo_is_well_while_it_looks(tmp_path: Path) -> None:
    config, heartbeat = isolated_config(tmp_path), tmp_path / "alive"
    with pytest.raises(NotAnsweringError, match="has not looked yet"):
        check_notifier(config, heartbeat)
    heartbeat.touch()
    check_notifier(config, heartbeat)
    old = time.time() - 60
    os.utime(heartbeat, (old, old))
    with pytest.raises(NotAnsweringError, match="60 s old"):
        check_notifier(config, heartbeat)


def test_reason_of_a_failure_holds_nothing_of_the_url_but_its_host(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = "jsons://user-name:pass%40word@hooks.example.com/long-token?key=query-token#fragment-token"
    (tmp_path / "notify_targets").write_text(url)
    (target,) = read_targets(Settings(secrets_dir=tmp_path)).usable

    def fail(*_: object, **__: object) -> None:
        raise RuntimeError(f"cannot reach {url}, login pass@word refused\nsecond line")

    sender = Sender(target, 1.0)
    monkeypatch.setattr(Apprise, "notify", fail)
    message = Message("k", "alert", "high", "s", "b", False, datetime.now(UTC))
    outcome = sender.send(message)
    assert not outcome.delivered
    assert "hooks.example.com" in outcome.reason
    assert "\n" not in outcome.reason
    for secret in ("user-name", "pass%40word", "pass@word", "long-token", "query-token", "fragment-token"):
        assert secret not in outcome.reason
