"""The notifier's own health key: how many targets, what waits, what was given up."""

import logging
from datetime import datetime, timedelta

from flashsale.errors import FlashsaleError, one_line
from flashsale.redis_keys import SaleKeys
from flashsale.stores.health import HealthState, write_health
from flashsale.stores.redis_client import RedisClient, redis_errors
from notifier.message import plain
from notifier.outbox import Counts
from notifier.sight import OWN_PART
from notifier.targets import Targets

REDIS_USER = "notifier_health"
PERIOD_SECONDS = 60
WAITING_TOO_LONG = timedelta(minutes=10)
_LOG = logging.getLogger("notifier")


def health_of(targets: Targets, counts: Counts, now: datetime) -> tuple[HealthState, str]:
    """Failed: a target that cannot be used, a message given up in the last hour, or one waiting for ten minutes."""
    if targets.problems:
        return "failed", plain(targets.problems[0], 300)
    if not targets.usable:
        return "ok", "no targets are configured: nothing is sent"
    age = now - counts.oldest_waiting if counts.oldest_waiting else timedelta()
    many = len(targets.usable)
    parts = [f"{many} target{'s' if many > 1 else ''}", f"{counts.waiting} deliveries waiting"]
    if counts.waiting:
        parts.append(f"the oldest for {age.total_seconds():.0f} s")
    if counts.held:
        parts.append(f"{counts.held} messages held for a digest")
    if counts.given_up:
        parts.append(f"{counts.given_up} given up in the last hour")
    return "failed" if counts.given_up or age > WAITING_TOO_LONG else "ok", ", ".join(parts)


def tell_health(redis: RedisClient, sale_id: str, targets: Targets, counts: Counts, now: datetime) -> None:
    """Write ``health:notifier`` of the sale; without Redis it expires, which readers show as silent."""
    state, detail = health_of(targets, counts, now)
    try:
        with redis_errors("own health"):
            write_health(redis, SaleKeys(sale_id).health(OWN_PART), state, detail, PERIOD_SECONDS)
    except FlashsaleError as error:
        _LOG.debug("%s", one_line(error))
