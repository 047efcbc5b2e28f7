"""A live sale whose figures, health and alerts a test writes as the jobs would, and a notifier that watches it."""

import json
import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from pymongo.database import Database

from flashsale.alerts.life import Alert, alert_id
from flashsale.minutes import MINUTE, floor_minute, iso, utc_now
from flashsale.redis_keys import SaleKeys
from flashsale.sale_run import SaleRun
from flashsale.schema import OUTBOX, REGISTRY_DATABASE
from flashsale.settings import ENV_PREFIX, Settings
from flashsale.snapshot import canonical_json
from flashsale.stores.alert_book import read_book, save_book
from flashsale.stores.context import write_sale
from flashsale.stores.health import HealthState, write_health
from flashsale.stores.mongo import Client, mongo_client
from flashsale.stores.redis_client import RedisClient, redis_client
from notifier import own_health, sight
from notifier.service import Notifier
from tests.support.receivers import until

QUICK: dict[str, Any] = {
    "notify_look_seconds": 0.2,
    "notify_settle_seconds": 0.4,
    "notify_timeout_seconds": 1.0,
}


@dataclass
class NotifiedSale:
    """`settings` are those of the stack with a secrets folder of the test's own, where targets are written."""

    settings: Settings
    sale: SaleRun
    owner: Client
    jobs: Database[Any]
    publisher: RedisClient

    @property
    def keys(self) -> SaleKeys:
        return SaleKeys(self.sale.sale_id)

    @property
    def outbox(self) -> Any:
        return self.owner[REGISTRY_DATABASE][OUTBOX]

    def targets(self, *urls: str) -> None:
        assert self.settings.secrets_dir is not None
        (self.settings.secrets_dir / "notify_targets").write_text("".join(f"{url}\n" for url in urls))

    def publish(self, end: datetime | None = None, watermark: datetime | None = None, quality: float = 1.0) -> None:
        """A minute that ends at `end`, by default in the future, so that its figures stay fresh."""
        end = end or floor_minute(utc_now()) + 5 * MINUTE
        identifier = f"{end:%Y%m%dT%H%MZ}-00000000"
        meta = {"snapshot_id": identifier, "data_interval_end": iso(end), "watermark": iso(watermark or end)}
        parts = {"meta": meta, "headline": {"data_quality_score": quality}, "alerts": []}
        for part, value in parts.items():
            self.publisher.set(self.keys.snapshot(identifier, part), canonical_json(value))
        self.publisher.set(self.keys.current, identifier)

    def health(self, tail: str, state: HealthState, detail: str = "", period_seconds: int = 60) -> None:
        write_health(self.publisher, self.keys.health(tail), state, detail, period_seconds)

    def raise_alerts(self, *pairs: tuple[int, int], severity: Any = "critical", **changes: Any) -> None:
        """Open alerts of the pairs, as a minute raises them."""
        minute = floor_minute(utc_now())
        alerts = [
            Alert(
                **{
                    "alert_id": alert_id(self.sale.sale_id, *pair, 1),
                    "product_id": pair[0],
                    "warehouse_id": pair[1],
                    "episode": 1,
                    "raised_at": minute,
                    "severity": severity,
                    "raised_severity": severity,
                    **changes,
                }
            )
            for pair in pairs
        ]
        save_book(self.jobs, read_book(self.jobs), alerts, minute)

    def own_health(self) -> dict[str, Any] | None:
        text: Any = self.publisher.get(self.keys.health("notifier"))
        return json.loads(text) if text else None

    def wait_for_a_look(self) -> None:
        """Until one more look than so far has stored what it saw."""
        self.publisher.delete(self.keys.health("notifier"))
        until(self.own_health)

    def deliveries(self) -> list[tuple[str, str]]:
        """(label, state) of every delivery in the outbox."""
        return [(one["label"], one["state"]) for d in self.outbox.find() for one in d["deliveries"]]

    @contextmanager
    def watching(self, **changes: Any) -> Iterator[None]:
        """A notifier in a thread of this process."""
        settings = self.settings.model_copy(update=changes)
        stop = threading.Event()
        with (
            mongo_client(settings, "notifier") as mongo,
            redis_client(settings, sight.REDIS_USER) as reader,
            redis_client(settings, own_health.REDIS_USER) as health,
        ):
            thread = threading.Thread(target=Notifier(settings, mongo, reader, health).run, args=(stop,))
            thread.start()
            try:
                yield
            finally:
                stop.set()
                thread.join(15)
                assert not thread.is_alive()

    def environment(self) -> dict[str, str]:
        values = self.settings.model_dump()
        told = {ENV_PREFIX + name.upper(): str(value) for name, value in values.items() if value is not None}
        kept = {name: value for name, value in os.environ.items() if not name.startswith(ENV_PREFIX)}
        return {**kept, **told}

    def start(self, *command: str, log: Path) -> subprocess.Popen[bytes]:
        """``flashsale-notify`` as a process of its own."""
        program = Path(sys.executable).parent / "flashsale-notify"
        with log.open("ab") as file:
            return subprocess.Popen([program, *command], env=self.environment(), stdout=file, stderr=subprocess.STDOUT)


@contextmanager
def notified_sale(settings: Settings, sale: SaleRun, folder: Path, *, prepared: bool = True) -> Iterator[NotifiedSale]:
    """The sale with an empty outbox and no targets; `prepared`: with fresh figures too, and nothing wrong."""
    secrets = folder / "secrets"
    shutil.copytree(settings.secrets_dir or settings.home / "secrets", secrets)
    quick = settings.model_copy(update={"secrets_dir": secrets, **QUICK})
    with (
        mongo_client(settings, "owner") as owner,
        mongo_client(settings, "jobs") as jobs,
        redis_client(settings, "publisher") as publisher,
    ):
        owner[REGISTRY_DATABASE][OUTBOX].delete_many({})
        watched = NotifiedSale(quick, sale, owner, jobs[sale.database], publisher)
        if prepared:
            owner[sale.database].products_dim.delete_many({})
            write_sale(publisher, sale, [])
            watched.publish()
        yield watched
        owner[REGISTRY_DATABASE][OUTBOX].delete_many({})


def live_now() -> tuple[datetime, datetime]:
    """Start and end of a sale that runs for a while."""
    now = floor_minute(utc_now())
    return now - timedelta(minutes=30), now + timedelta(hours=3)
