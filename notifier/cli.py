"""``flashsale-notify``: run the notifier, try its targets, or say what waits.

run      look, store and deliver until told to stop
test     send a test message to every target and say what happened; exit code 1 when one fails
status   what the outbox holds, by target
"""

import argparse
import signal
import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from threading import Event
from types import FrameType

from flashsale.errors import SettingsError, exit_with_one_line
from flashsale.log_setup import configure_logging
from flashsale.minutes import utc_now
from flashsale.settings import Settings, load_settings
from flashsale.stores.mongo import mongo_client, mongo_errors
from flashsale.stores.redis_client import redis_client
from notifier import own_health, sight
from notifier.message import Message
from notifier.outbox import KEEP, Outbox
from notifier.sending import Outcome, Sender, keep_apprise_quiet
from notifier.service import Notifier
from notifier.targets import Target, read_targets, targets_file

MONGO_USER = "notifier"


def main() -> int:
    """Entry point; returns the exit code."""
    parser = argparse.ArgumentParser(prog="flashsale-notify", description=__doc__.partition("\n")[0])
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("run", help="look, store and deliver until told to stop")
    commands.add_parser("test", help="send a test message to every target")
    commands.add_parser("status", help="what the outbox holds")
    command = parser.parse_args().command
    return exit_with_one_line({"run": _run, "test": _test, "status": _status}[command])


def _run() -> int:
    settings = load_settings()
    log = configure_logging("notifier")
    keep_apprise_quiet()
    stop = Event()

    def end(_number: int, _frame: FrameType | None) -> None:
        stop.set()

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, end)
    with (
        mongo_client(settings, MONGO_USER) as mongo,
        redis_client(settings, sight.REDIS_USER) as reader,
        redis_client(settings, own_health.REDIS_USER) as health,
    ):
        Notifier(settings, mongo, reader, health).run(stop)
    log.info("stopped")
    return 0


def _test() -> int:
    settings = load_settings()
    keep_apprise_quiet()
    targets = read_targets(settings)
    for problem in targets.problems:
        print(f"error: {problem}", file=sys.stderr)
    if not targets.usable:
        raise SettingsError(f"no targets are configured; write one URL a line into {targets_file(settings)}")
    message = _test_message(utc_now())
    with ThreadPoolExecutor(max_workers=len(targets.usable)) as pool:
        outcomes = list(pool.map(lambda target: _try(target, message, settings), targets.usable))
    for target, outcome in zip(targets.usable, outcomes, strict=True):
        said = "delivered" if outcome.delivered else f"FAILED: {outcome.reason}"
        print(f"{target.label:<40} {said} ({outcome.seconds:.1f} s)")
    return 0 if all(outcome.delivered for outcome in outcomes) and not targets.problems else 1


def _try(target: Target, message: Message, settings: Settings) -> Outcome:
    return Sender(target, settings.notify_timeout_seconds).send(message)


def _test_message(now: datetime) -> Message:
    text = "A test of the flash-sale war room's messages. Nothing is wrong."
    return Message(f"test:{now.timestamp()}", "digest", "live", "Test of the war room's messages", text, False, now)


def _status() -> int:
    settings = load_settings()
    now = utc_now()
    with mongo_errors("read the outbox"), mongo_client(settings, MONGO_USER) as mongo:
        outbox = Outbox(mongo)
        counts = outbox.counts(now - KEEP)
        rows = outbox.by_target()
        faults = sorted(outbox.open_faults())
    oldest = _age(now - counts.oldest_waiting) if counts.oldest_waiting else "none"
    print(f"waiting {counts.waiting} (oldest {oldest}), held {counts.held}, given up {counts.given_up}")
    print(f"faults told and not over: {', '.join(faults) or 'none'}")
    for row in rows:
        last = f"  last error: {row['error']}" if row["error"] else ""
        print(f"{row['label']:<40} {row['state']:<10} {row['count']:>6,}{last}")
    return 0


def _age(age: timedelta) -> str:
    return f"{age.total_seconds():.0f} s"


if __name__ == "__main__":
    sys.exit(main())
