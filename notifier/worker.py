"""One thread a target: takes its messages from the outbox, one at a time, and marks what became of each.

A target that hangs or is down keeps its own thread busy and nobody else's.
"""

import logging
import queue
from datetime import timedelta
from threading import Event, Thread

import pymongo

from flashsale.errors import FlashsaleError, one_line
from flashsale.minutes import utc_now
from flashsale.settings import Settings
from flashsale.stores.mongo import mongo_errors
from notifier.message import Message
from notifier.outbox import Outbox
from notifier.sending import Sender
from notifier.targets import Target

LONGEST_RETRY_SECONDS = 300.0
MONGO_SECONDS = 6.0
_IDLE_SECONDS = 5.0
_DIRECT_TRIES = 3
_LOG = logging.getLogger("notifier")


class TargetWorker(Thread):
    """Delivers to one target until `end`; `nudge` says that there may be something new."""

    def __init__(self, outbox: Outbox, target: Target, settings: Settings) -> None:
        super().__init__(name=f"target-{target.key}", daemon=True)
        self.target = target
        self._outbox = outbox
        self._settings = settings
        self._wake = Event()
        self._ended = Event()
        self._direct: queue.SimpleQueue[Message] = queue.SimpleQueue()
        self._failures = 0

    def nudge(self) -> None:
        self._wake.set()

    def end(self) -> None:
        """Finish what is being sent, and nothing more."""
        self._ended.set()
        self._wake.set()

    def send_directly(self, message: Message) -> None:
        """Past the outbox, for what cannot be stored; tried three times and forgotten then."""
        self._direct.put(message)
        self._wake.set()

    def run(self) -> None:
        sender = Sender(self.target, self._settings.notify_timeout_seconds)
        while not self._ended.is_set():
            self._wake.clear()
            self._send_direct(sender)
            try:
                with pymongo.timeout(MONGO_SECONDS), mongo_errors("read the outbox"):
                    found = self._outbox.next_for(self.target, utc_now())
                if found is not None:
                    self._send(sender, *found)
                    continue
            except FlashsaleError as error:
                # The notifier's own look says it aloud, once for all targets.
                _LOG.debug("%s: %s", self.target.label, one_line(error))
            self._wake.wait(min(_IDLE_SECONDS, self._settings.notify_look_seconds))

    def _send(self, sender: Sender, message: Message, tries: int) -> None:
        outcome = sender.send(message)
        now = utc_now()
        with pymongo.timeout(MONGO_SECONDS), mongo_errors("mark a message"):
            if outcome.delivered:
                self._failures = 0
                self._outbox.delivered(message.key, self.target, now)
                _LOG.info("%s has %s after %.1f s", self.target.label, message.key, outcome.seconds)
                return
            self._failures += 1
            if now - message.born_at >= timedelta(hours=self._settings.notify_give_up_hours):
                self._outbox.give_up(message.key, self.target, outcome.reason, now)
                _LOG.error("%s: %s given up: %s", self.target.label, message.key, outcome.reason)
                return
            wait = self.retry_seconds(tries)
            self._outbox.failed(message.key, self.target, outcome.reason, now + timedelta(seconds=wait))
        _LOG.warning("%s: %s not delivered, again in %.0f s: %s", self.target.label, message.key, wait, outcome.reason)
        # A target that takes nothing is not asked about every message, and one bad message does not stop the others.
        self._ended.wait(min(self.retry_seconds(self._failures - 1), self.retry_seconds(2)))

    def retry_seconds(self, tries: int) -> float:
        """One look after the first failure, then twice as long each time, at most five minutes."""
        return min(LONGEST_RETRY_SECONDS, self._settings.notify_look_seconds * 2.0 ** min(tries, 20))

    def _send_direct(self, sender: Sender) -> None:
        while not self._direct.empty():
            message = self._direct.get()
            for _ in range(_DIRECT_TRIES):
                outcome = sender.send(message)
                if outcome.delivered or self._ended.wait(self._settings.notify_look_seconds):
                    break
            if not outcome.delivered:
                _LOG.error("%s: %s not delivered: %s", self.target.label, message.key, outcome.reason)
