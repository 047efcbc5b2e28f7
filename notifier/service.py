"""The notifier: looks every few seconds, stores what is new, and lets one thread a target deliver it."""

import logging
import time
from collections.abc import Sequence
from datetime import datetime, timedelta
from threading import Event
from zoneinfo import ZoneInfo

import pymongo

from flashsale.errors import FlashsaleError, ServiceUnavailableError, one_line
from flashsale.minutes import utc_now
from flashsale.settings import Settings
from flashsale.stores.mongo import Client, mongo_errors
from flashsale.stores.redis_client import RedisClient
from flashsale.stores.sales import find_active_sale
from notifier.alert_feed import AlertFeed
from notifier.digest import digest_message
from notifier.episodes import Episodes, fault_message, over_message
from notifier.faults import Fault, faults
from notifier.holding import Because, holds
from notifier.message import Message
from notifier.outbox import Outbox
from notifier.own_health import tell_health
from notifier.sight import Sight, look
from notifier.targets import Target, Targets, read_targets
from notifier.worker import MONGO_SECONDS, TargetWorker

_LOG = logging.getLogger("notifier")
_HOUSEKEEPING = timedelta(hours=1)
_END_SECONDS = 10.0
_REASONS: tuple[Because, ...] = ("flood", "quiet")


class Notifier:
    """One per deployment: a second one would tell nothing twice, but may deliver it twice."""

    def __init__(self, settings: Settings, mongo: Client, reader: RedisClient, health: RedisClient) -> None:
        self._settings = settings
        self._zone = ZoneInfo(settings.shop_time_zone)
        self._mongo, self._reader, self._health = mongo, reader, health
        self._outbox = Outbox(mongo)
        self._episodes = Episodes(timedelta(seconds=settings.notify_settle_seconds))
        self._alerts = AlertFeed(mongo, self._outbox, settings)
        self._workers: dict[str, TargetWorker] = {}
        self._targets: Targets | None = None
        self._mongo_away: Fault | None = None
        self._mongo_away_since: datetime | None = None
        self._tidied: datetime | None = None

    def run(self, stop: Event) -> None:
        """Look until `stop`; then let what is being sent finish."""
        while not stop.is_set():
            self._turn()
            stop.wait(self._settings.notify_look_seconds)
        for worker in self._workers.values():
            worker.end()
        deadline = time.monotonic() + _END_SECONDS
        for worker in self._workers.values():
            worker.join(max(0.0, deadline - time.monotonic()))

    def _turn(self) -> None:
        """One look, whatever fails in it is told and tried again at the next."""
        now = utc_now()
        try:
            with pymongo.timeout(MONGO_SECONDS), mongo_errors("look"):
                targets = self._take_targets(now)
                sale = find_active_sale(self._mongo)
                self._store(look(self._reader, sale, now), targets)
                self._make_digests(now, targets)
                self._tidy(now)
                counts = self._outbox.counts(now - _HOUSEKEEPING)
        except ServiceUnavailableError as error:
            self._without_mongo(one_line(error), now)
            return
        except FlashsaleError as error:
            # Such as an upgrade that has withdrawn the right to write: it ends by itself, or is in the log.
            _LOG.error("%s", one_line(error))
            return
        for worker in self._workers.values():
            worker.nudge()
        if sale is not None and self._targets is not None:
            tell_health(self._health, sale.sale_id, self._targets, counts, now)
        if self._settings.heartbeat_file is not None:
            self._settings.heartbeat_file.touch()

    def _store(self, seen: Sight, targets: Sequence[Target]) -> None:
        """Everything new that is seen, into the outbox."""
        now, sale = seen.now, seen.sale
        told = self._outbox.open_faults()
        current = faults(seen, self._settings)
        keys = {fault.key for fault in current}
        begun = [fault_message(f, sale, now, self._zone) for f in self._episodes.begun(current, told, now)]
        begun += self._mongo_is_back(now)
        over = self._episodes.over(seen, keys, told)
        new = begun + [over_message(told[key], now, self._zone) for key in over]
        mark = None
        if sale is not None:
            found, mark = self._alerts.messages(sale, seen)
            new += found
        flood = timedelta(minutes=self._settings.notify_flood_minutes)
        recent, last = self._outbox.recent(now - flood), self._outbox.last_flood_digest(now - flood)
        self._outbox.add(new, holds(new, recent, last, now, self._settings), targets)
        self._alerts.done(mark)
        for key in over:
            self._outbox.close(key)

    def _make_digests(self, now: datetime, targets: Sequence[Target]) -> None:
        for because in _REASONS:
            members = self._outbox.due(because, now)
            if len(members) == 1:
                self._outbox.release(members[0].key, targets, now)
            elif members:
                digest = digest_message(members, because, now, self._zone)
                self._outbox.fold(digest, because, [member.key for member in members], targets)

    def _take_targets(self, now: datetime) -> tuple[Target, ...]:
        """The targets as their file says now; a change needs no restart."""
        targets = read_targets(self._settings)
        if targets == self._targets:
            for target in targets.usable:
                if not self._workers[target.key].is_alive():
                    # A defect ended it: its traceback is in the log, and its messages are still in the outbox.
                    self._begin(target)
            return targets.usable
        for problem in targets.problems:
            _LOG.error("%s", problem)
        labels = ", ".join(target.label for target in targets.usable)
        _LOG.info("%s", f"targets: {labels}" if labels else "no targets are configured: nothing is sent")
        wanted = {target.key: target for target in targets.usable}
        for key in self._workers.keys() - wanted.keys():
            self._workers.pop(key).end()
        if given_up := self._outbox.drop_targets(targets.usable, now):
            _LOG.warning("%d messages waited for targets that are no longer configured; given up", given_up)
        for key in wanted.keys() - self._workers.keys():
            self._begin(wanted[key])
        self._targets = targets
        return targets.usable

    def _begin(self, target: Target) -> None:
        self._workers[target.key] = TargetWorker(self._outbox, target, self._settings)
        self._workers[target.key].start()

    def _without_mongo(self, reason: str, now: datetime) -> None:
        """Nothing can be stored: who is known is told directly, once, and without a promise."""
        if self._mongo_away_since is None:
            self._mongo_away_since = now
            _LOG.error("%s", reason)
        long_enough = now - self._mongo_away_since >= self._episodes.settle
        if self._mongo_away is not None or not long_enough:
            return
        text = f"{reason}. No order is stored, no minute computed, and no other message kept until it is back."
        self._mongo_away = Fault("mongo_unreachable", "mongo_unreachable", "MongoDB does not answer", text)
        for target in read_targets(self._settings).usable:
            if target.key not in self._workers:
                self._begin(target)
            self._workers[target.key].send_directly(fault_message(self._mongo_away, None, now, self._zone))

    def _mongo_is_back(self, now: datetime) -> list[Message]:
        """What is told of an outage of MongoDB once it can be stored."""
        away, since = self._mongo_away, self._mongo_away_since
        self._mongo_away = self._mongo_away_since = None
        if since is None:
            return []
        _LOG.info("MongoDB answers again")
        return [] if away is None else [over_message(fault_message(away, None, since, self._zone), now, self._zone)]

    def _tidy(self, now: datetime) -> None:
        if self._tidied is None or now - self._tidied > _HOUSEKEEPING:
            self._outbox.forget_old(now)
            self._tidied = now
