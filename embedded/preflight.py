"""What must be true before anything starts; each refusal is one line with the way out."""

import shutil
import socket
from collections.abc import Iterable
from pathlib import Path

import psutil

from embedded.config import HOST, ROOT, StackConfig
from embedded.service import PortUse, Service
from flashsale.errors import FlashsaleError

_MB = 1024 * 1024


def check_before_start(config: StackConfig, services: Iterable[Service]) -> None:
    """Raise FlashsaleError for the first thing that would make the start fail half-way."""
    _check_installed()
    _check_home(config.home)
    _check_disk(config)
    _check_memory(config)
    for service in services:
        for port in service.ports:
            _check_port(service.name, port)


def _check_installed() -> None:
    if shutil.which("java") is None:
        raise FlashsaleError("java is not on the PATH; run `make install`")
    for folder in (ROOT / "hadoop" / "target" / "lib", ROOT / "spark_jobs" / "target" / "lib"):
        if not any(folder.glob("*.jar")):
            raise FlashsaleError(f"{folder} holds no jars; run `make install`")


def _check_home(home: Path) -> None:
    if any(character.isspace() for character in str(home)):
        # The HDFS and Spark start-up split some of their paths at blanks.
        raise FlashsaleError(f"{home}: the path holds a blank; set FLASHSALE_HOME to a folder without one")
    try:
        home.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise FlashsaleError(
            f"{home}: cannot be made ({error.strerror}); set FLASHSALE_HOME to another folder"
        ) from error


def _check_disk(config: StackConfig) -> None:
    free = shutil.disk_usage(config.home).free // _MB
    if free < config.sizes.disk:
        raise FlashsaleError(
            f"disk of {config.home}: {free} MB free, {config.sizes.disk} MB needed; "
            "free some or set FLASHSALE_HOME to another disk"
        )


def _check_memory(config: StackConfig) -> None:
    available = psutil.virtual_memory().available // _MB
    if available < config.sizes.needed:
        raise FlashsaleError(
            f"memory: {available} MB available, {config.sizes.needed} MB needed; close other programs and start again"
        )


def _check_port(service: str, port: PortUse) -> None:
    with socket.socket() as probe:
        # Connections of a server that has ended linger; only a living listener is in the way.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port.number))
        except OSError as error:
            raise FlashsaleError(
                f"port {port.number} ({service}) is in use{_holder(port.number)}; "
                f"stop that program or set {port.variable} to another one"
            ) from error


def _holder(port: int) -> str:
    """ " by <name> (pid <n>)", as far as the system tells."""
    try:
        for connection in psutil.net_connections("tcp"):
            address = connection.laddr
            if connection.status == psutil.CONN_LISTEN and address and address.port == port and connection.pid:
                return f" by {psutil.Process(connection.pid).name()} (pid {connection.pid})"
    except psutil.Error:
        return ""
    return ""
