"""What is in the way is told in one line, before anything starts."""

import os
import socket
import stat
from dataclasses import replace
from pathlib import Path

import pytest

from embedded.config import Ports, Sizes, StackConfig, free_ports, isolated_config, load_config
from embedded.preflight import check_before_start
from embedded.service import PortUse, Service
from flashsale.errors import FlashsaleError, SettingsError
from flashsale.secret_files import SECRETS, ensure_secrets
from flashsale.settings import load_settings

SMALL = Sizes(needed=1, disk=1)


@pytest.fixture
def config(tmp_path: Path) -> StackConfig:
    return replace(isolated_config(tmp_path / "home"), sizes=SMALL)


def _service(port: int) -> Service:
    return Service(name="dashboard", argv=(), ports=(PortUse(port, "FLASHSALE_PORT_DASHBOARD"),))


def test_taken_port_names_port_service_holder_and_way_out(config: StackConfig) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        with pytest.raises(FlashsaleError) as refused:
            check_before_start(config, [_service(port)])
    text = str(refused.value)
    assert f"port {port} (dashboard) is in use" in text
    assert f"(pid {os.getpid()})" in text
    assert "FLASHSALE_PORT_DASHBOARD" in text
    assert "\n" not in text
    check_before_start(config, [_service(port)])


def test_too_little_memory_and_disk_are_refused(config: StackConfig) -> None:
    with pytest.raises(FlashsaleError, match=r"memory: \d+ MB available, 99999999 MB needed"):
        check_before_start(replace(config, sizes=Sizes(needed=99_999_999, disk=1)), [])
    with pytest.raises(FlashsaleError, match=r"disk of .*: \d+ MB free, 999999999 MB needed"):
        check_before_start(replace(config, sizes=Sizes(needed=1, disk=999_999_999)), [])


def test_home_with_a_blank_is_refused(tmp_path: Path) -> None:
    config = StackConfig(load_settings(home=tmp_path / "my home"), Ports(), SMALL)
    with pytest.raises(FlashsaleError, match="FLASHSALE_HOME"):
        check_before_start(config, [])


def test_settings_of_another_machine_and_bad_ports_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FLASHSALE_REDIS_HOST", "redis.example.org")
    with pytest.raises(SettingsError, match=r"FLASHSALE_REDIS_HOST.*got redis\.example\.org"):
        load_config()
    monkeypatch.delenv("FLASHSALE_REDIS_HOST")
    monkeypatch.setenv("FLASHSALE_PORT_AIRFLOW", "airflow")
    with pytest.raises(SettingsError, match="FLASHSALE_PORT_AIRFLOW=airflow"):
        load_config()


def test_two_isolated_stacks_share_no_port(tmp_path: Path) -> None:
    first, second = isolated_config(tmp_path / "a"), isolated_config(tmp_path / "b")

    def ports(config: StackConfig) -> set[int]:
        named = set(config.ports.model_dump().values())
        return named | {config.settings.mongo_port, config.settings.redis_port, config.hdfs_rpc_port, config.spark_port}

    assert not ports(first) & ports(second)
    assert first.stack_id != second.stack_id


def test_a_port_is_given_once_and_never_one_that_is_taken() -> None:
    with socket.socket() as taken:
        (port,) = free_ports(1)
        taken.bind(("127.0.0.1", port + 1))
        taken.listen()
        given = free_ports(300)
    assert len({port, *given}) == 301
    assert port + 1 not in given
    assert max(given) < 32_768, "a port that an outgoing connection may get"


def test_secrets_are_private_different_and_kept(tmp_path: Path) -> None:
    folder = tmp_path / "secrets"
    ensure_secrets(folder)
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    made = {name: (folder / name).read_text() for name in SECRETS}
    assert len(set(made.values())) == len(SECRETS)
    assert {stat.S_IMODE((folder / name).stat().st_mode) for name in SECRETS} == {0o600}
    (folder / "mongo_jobs").unlink()
    (folder / "mongo_owner").chmod(0o644)
    ensure_secrets(folder)
    again = {name: (folder / name).read_text() for name in SECRETS}
    assert {name for name in SECRETS if again[name] != made[name]} == {"mongo_jobs"}
    assert stat.S_IMODE((folder / "mongo_owner").stat().st_mode) == 0o600
