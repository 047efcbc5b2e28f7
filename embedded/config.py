"""What one embedded stack is: where its state lies, which ports it takes, how large it may grow."""

import hashlib
import os
import socket
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from pydantic import ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from flashsale.errors import SettingsError
from flashsale.settings import ENV_PREFIX, Port, Settings, load_settings

ROOT = Path(__file__).resolve().parents[1]
PORT_PREFIX = f"{ENV_PREFIX}PORT_"
HOST = "127.0.0.1"


class Ports(BaseSettings):
    """Ports no client of ours asks `Settings` for; each is ``FLASHSALE_PORT_<NAME>``."""

    model_config = SettingsConfigDict(env_prefix=PORT_PREFIX, frozen=True, extra="ignore")

    dashboard: Port = 8501
    airflow: Port = 8088
    airflow_scheduler_health: Port = 8974
    postgres: Port = 5632
    datanode: Port = 9866
    datanode_http: Port = 9864
    datanode_ipc: Port = 9867
    spark_ui: Port = 4040


@dataclass(frozen=True)
class Sizes:
    """Memory bounds in MB; `needed` must be available before the whole stack starts.

    `short_lived`: Spark compiles fast instead of well, for a stack of minutes that would never see the gain.
    """

    mongo_cache: int = 1024
    namenode_heap: int = 256
    datanode_heap: int = 256
    spark_heap: int = 1024
    needed: int = 6 * 1024
    disk: int = 5 * 1024
    short_lived: bool = False


TEST_SIZES = Sizes(mongo_cache=256, namenode_heap=128, datanode_heap=128, spark_heap=1024, short_lived=True)


@dataclass(frozen=True)
class StackConfig:
    """One stack; two of them with other homes and ports run side by side."""

    settings: Settings
    ports: Ports
    sizes: Sizes = field(default_factory=Sizes)
    dags_folder: Path = ROOT / "dags"

    @cached_property
    def home(self) -> Path:
        return self.settings.home.absolute()

    @property
    def secrets_dir(self) -> Path:
        return (self.settings.secrets_dir or self.home / "secrets").absolute()

    @property
    def logs(self) -> Path:
        return self.home / "logs"

    @property
    def run(self) -> Path:
        return self.home / "run"

    @property
    def stack_id(self) -> str:
        """Marks every process of this stack in its environment."""
        return hashlib.sha256(str(self.home.resolve()).encode()).hexdigest()[:16]

    @property
    def hdfs_http_port(self) -> int:
        return _port_of(self.settings.hdfs_http)

    @property
    def hdfs_rpc_port(self) -> int:
        return _port_of(self.settings.hdfs_rpc)

    @property
    def spark_port(self) -> int:
        return _port_of(self.settings.spark_remote)


def load_config(**overrides: Any) -> StackConfig:
    """The stack the environment describes; raises SettingsError naming the variable."""
    settings = load_settings(**overrides)
    _refuse_other_hosts(settings)
    try:
        ports = Ports()
    except ValidationError as error:
        first = error.errors()[0]
        raise SettingsError(
            f"{PORT_PREFIX}{str(first['loc'][0]).upper()}={first['input']!s}: {first['msg']}"
        ) from error
    return StackConfig(settings, ports)


def isolated_config(home: Path, dags_folder: Path | None = None, **overrides: Any) -> StackConfig:
    """A stack of its own below `home`, on free ports and with small heaps, whatever else runs here.

    `overrides` are fields of `Settings`, for example ``sale=Path(...)``.
    """
    names = list(Ports.model_fields)
    free = free_ports(len(names) + 5)
    mongo, redis, http, rpc, spark = free[len(names) :]
    settings = load_settings(
        **{
            "home": home,
            "secrets_dir": None,
            "mongo_port": mongo,
            "redis_port": redis,
            "hdfs_http": f"http://{HOST}:{http}",
            "hdfs_rpc": f"hdfs://{HOST}:{rpc}",
            "spark_remote": f"sc://localhost:{spark}",
            **overrides,
        }
    )
    ports = Ports(**dict(zip(names, free, strict=False)))
    return StackConfig(settings, ports, TEST_SIZES, dags_folder or ROOT / "dags")


_FIRST_PORT, _LAST_PORT, _PORTS_A_PROCESS = 20_000, 32_000, 100
"""Below the range from which systems take ports for outgoing connections: none of those can sit on one meanwhile."""
_handed_out: set[int] = set()


def free_ports(count: int) -> list[int]:
    """`count` different ports of 127.0.0.1 that are free now and that this process did not ask for before.

    Processes begin at different places, by their ids: a port that one has yet to use is not given to another.
    Raises SettingsError when there are not so many.
    """
    span = _LAST_PORT - _FIRST_PORT
    begin = os.getpid() * _PORTS_A_PROCESS % span
    found: list[int] = []
    for step in range(span):
        port = _FIRST_PORT + (begin + step) % span
        if port not in _handed_out and _is_free(port):
            _handed_out.add(port)
            found.append(port)
            if len(found) == count:
                return found
    raise SettingsError(
        f"fewer than {count} ports between {_FIRST_PORT} and {_LAST_PORT} are free; end what takes them"
    )


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        # As servers do, which are not kept out by connections that just ended.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
    return True


def _port_of(url: str) -> int:
    port = urlsplit(url).port
    if port is None:
        raise SettingsError(f"{url}: the embedded stack needs a port in it")
    return port


def _refuse_other_hosts(settings: Settings) -> None:
    """The embedded stack starts its services here: settings of another machine are a mistake."""
    hosts = {
        "MONGO_HOST": settings.mongo_host,
        "REDIS_HOST": settings.redis_host,
        "HDFS_HTTP": urlsplit(settings.hdfs_http).hostname,
        "HDFS_RPC": urlsplit(settings.hdfs_rpc).hostname,
        "SPARK_REMOTE": urlsplit(settings.spark_remote).hostname,
    }
    for name, host in hosts.items():
        if host not in (HOST, "localhost"):
            raise SettingsError(f"{ENV_PREFIX}{name}: the embedded stack runs on {HOST}, got {host}")
