"""The outbox by itself: a message once, a digest whole or not at all, and nothing forgotten that waits."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from pymongo.errors import DuplicateKeyError

from flashsale.stores.mongo import mongo_client
from notifier.holding import Hold
from notifier.message import Message
from notifier.outbox import KEEP, Outbox
from notifier.targets import Target
from tests.support.notified_sale import NotifiedSale

NOW = datetime(2026, 11, 11, 12, 0, tzinfo=UTC)
TARGETS = (Target("one", "json://one", "json://one"), Target("two", "json://two", "json://two"))


def _message(key: str, **changes: Any) -> Message:
    values = {"kind": "alert", "urgent": False, "born_at": NOW, **changes}
    return Message(key=key, section="high", subject=key, body="", **values)


@pytest.fixture
def outbox(watched: NotifiedSale) -> Iterator[Outbox]:
    with mongo_client(watched.settings, "notifier") as client:
        yield Outbox(client)


def test_message_that_is_found_again_is_stored_once(outbox: Outbox) -> None:
    assert outbox.add([_message("a"), _message("b")], [None, None], TARGETS) == 2
    assert outbox.add([_message("b"), _message("c")], [None, None], TARGETS) == 1
    assert outbox.counts(NOW).waiting == 6


def test_a_fault_is_open_once_and_can_come_again_after_it_was_closed(outbox: Outbox) -> None:
    outbox.add([_message("first", opens="stale")], [None], TARGETS)
    assert outbox.add([_message("second", opens="stale")], [None], TARGETS) == 0
    assert [message.key for message in outbox.open_faults().values()] == ["first"]
    outbox.close("stale")
    assert outbox.open_faults() == {}
    assert outbox.add([_message("second", opens="stale")], [None], TARGETS) == 1


def test_each_target_has_its_own_delivery(outbox: Outbox) -> None:
    outbox.add([_message("a"), _message("b", urgent=True)], [None, None], TARGETS)
    one, two = TARGETS
    assert outbox.next_for(one, NOW) == (_message("b", urgent=True), 0)
    outbox.delivered("b", one, NOW)
    assert outbox.next_for(one, NOW) == (_message("a"), 0)
    outbox.failed("a", one, "down", NOW + timedelta(seconds=5))
    assert outbox.next_for(one, NOW) is None
    assert outbox.next_for(one, NOW + timedelta(seconds=5)) == (_message("a"), 1)
    assert outbox.next_for(two, NOW) == (_message("b", urgent=True), 0)
    outbox.give_up("b", two, "down", NOW)
    assert outbox.drop_targets([one], NOW) == 1
    counts = outbox.counts(NOW)
    assert (counts.waiting, counts.given_up) == (1, 2)


def test_digest_and_the_end_of_the_hold_are_one_step(outbox: Outbox, watched: NotifiedSale) -> None:
    hold = Hold("flood", NOW)
    outbox.add([_message("a"), _message("b")], [hold, hold], TARGETS)
    assert outbox.counts(NOW).waiting == 0
    assert [message.key for message in outbox.due("flood", NOW)] == ["a", "b"]
    assert outbox.due("flood", NOW - timedelta(seconds=1)) == outbox.due("quiet", NOW) == []
    digest = _message("digest", kind="digest")
    outbox.add([digest], [None], ())
    with pytest.raises(DuplicateKeyError):
        outbox.fold(digest, "flood", ["a", "b"], TARGETS)
    assert len(outbox.due("flood", NOW)) == 2
    watched.outbox.delete_one({"_id": "digest"})
    outbox.fold(digest, "flood", ["a", "b"], TARGETS)
    assert outbox.due("flood", NOW) == []
    assert outbox.counts(NOW).waiting == 2
    assert outbox.last_flood_digest(NOW) == NOW


def test_flood_counts_what_is_told_of_alerts_digested_or_not(outbox: Outbox) -> None:
    messages = [_message("a"), _message("held"), _message("quiet"), _message("stale", kind="fault", urgent=True)]
    outbox.add(messages, [None, Hold("flood", NOW), Hold("quiet", NOW), None], TARGETS)
    outbox.fold(_message("digest", kind="digest"), "flood", ["held"], TARGETS)
    assert outbox.recent(NOW) == 2
    assert outbox.recent(NOW + timedelta(seconds=1)) == 0


def test_only_what_waits_for_nothing_is_forgotten(outbox: Outbox, watched: NotifiedSale) -> None:
    old = NOW - KEEP - timedelta(days=1)
    outbox.add([_message("waits", born_at=old), _message("open", born_at=old, opens="x")], [None, None], TARGETS[:1])
    outbox.add([_message("held", born_at=old), _message("done", born_at=old)], [Hold("quiet", NOW), None], ())
    outbox.delivered("open", TARGETS[0], NOW)
    assert outbox.forget_old(NOW) == 1
    assert {d["_id"] for d in watched.outbox.find()} == {"waits", "open", "held"}
