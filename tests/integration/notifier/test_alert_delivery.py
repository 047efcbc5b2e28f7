"""An alert reaches mail and webhook once; what cannot be delivered is kept, and holds up nobody else."""

import json
import time
from datetime import timedelta
from pathlib import Path

import pytest

from flashsale.minutes import MINUTE, floor_minute, iso, utc_now
from notifier.message import Message
from notifier.sending import Outcome, Sender
from tests.support.notified_sale import NotifiedSale
from tests.support.receivers import HANG, Mailbox, Silent, Webhook, until

PAIR = (7, 2)


def _names(watched: NotifiedSale, product: str = "Aurora Buds Pro") -> None:
    watched.owner[watched.sale.database].products_dim.insert_one(
        {"_id": 7, "name": product, "category": "c", "base_price": 1, "unit_cost": 1},
        bypass_document_validation=True,
    )


def test_one_alert_is_one_mail_and_one_webhook_also_after_a_restart(
    watched: NotifiedSale, hook: Webhook, mailbox: Mailbox
) -> None:
    watched.targets(hook.url, mailbox.url)
    _names(watched)
    watched.raise_alerts(PAIR)
    with watched.watching():
        until(lambda: hook.taken and mailbox.taken)
        watched.wait_for_a_look()
    with watched.watching():
        watched.wait_for_a_look()
        # A minute later the book has changed, and the alert is read again.
        watched.raise_alerts((8, 2), severity="high")
        watched.wait_for_a_look()
        watched.wait_for_a_look()
    assert watched.outbox.count_documents({}) == 1
    assert hook.subjects() == mailbox.subjects() == ["CRITICAL: Aurora Buds Pro in warehouse 2"]
    assert 'docs/runbook.md, section "An alert is critical"' in hook.taken[0]["message"]


def test_alert_that_gets_worse_or_rings_again_is_told_again(watched: NotifiedSale, hook: Webhook) -> None:
    watched.targets(hook.url)
    again = floor_minute(utc_now()) + MINUTE
    with watched.watching():
        watched.raise_alerts(PAIR)
        until(lambda: len(hook.taken) == 1)
        watched.raise_alerts(PAIR, severity="sold_out", raised_severity="critical")
        until(lambda: len(hook.taken) == 2)
        watched.raise_alerts(PAIR, severity="sold_out", state="acknowledged")
        watched.raise_alerts(PAIR, severity="sold_out", reraised_at=again, reraised_because="more at risk")
        until(lambda: len(hook.taken) == 3)
        watched.wait_for_a_look()
    assert [message["message"].split("\n")[0] for message in hook.taken] == [
        "product 7 in warehouse 2: critical, raised.",
        "product 7 in warehouse 2: sold out, got worse, was critical.",
        "product 7 in warehouse 2: sold out, rings again: more at risk.",
    ]


def test_less_than_the_least_severity_and_what_is_in_somebodys_hands_is_not_told(
    watched: NotifiedSale, hook: Webhook
) -> None:
    watched.targets(hook.url)
    watched.raise_alerts((1, 1), severity="high")
    watched.raise_alerts((2, 1), state="acknowledged")
    watched.raise_alerts((3, 1), state="pending")
    watched.raise_alerts(PAIR)
    with watched.watching():
        until(lambda: hook.taken)
    assert watched.outbox.count_documents({}) == 1
    assert hook.subjects() == ["CRITICAL: product 7 in warehouse 2"]


def test_killed_while_it_delivers_it_delivers_after_the_restart(
    watched: NotifiedSale, hook: Webhook, tmp_path: Path
) -> None:
    watched.settings = watched.settings.model_copy(update={"notify_timeout_seconds": 60})
    watched.targets(hook.url)
    hook.status = HANG
    watched.raise_alerts(PAIR)
    process = watched.start("run", log=tmp_path / "log")
    until(lambda: hook.asked, 30)
    process.kill()
    process.wait()
    assert watched.deliveries() == [(f"json://127.0.0.1:{hook.port}", "waiting")]
    hook.close()
    hook.status = 200
    hook.open()
    process = watched.start("run", log=tmp_path / "log")
    until(lambda: watched.deliveries() == [(f"json://127.0.0.1:{hook.port}", "delivered")], 30)
    process.terminate()
    assert process.wait(20) == 0
    assert hook.subjects() == ["CRITICAL: product 7 in warehouse 2"]


def test_target_that_is_down_gets_it_later_and_delays_nobody(
    watched: NotifiedSale, hook: Webhook, mailbox: Mailbox
) -> None:
    mailbox.close()
    watched.targets(mailbox.url, hook.url)
    watched.raise_alerts(PAIR, (8, 2))
    with watched.watching():
        until(lambda: len(hook.taken) == 2)
        until(lambda: watched.outbox.find_one({"deliveries.attempts": {"$gte": 2}}))
        assert mailbox.taken == []
        mailbox.open()
        until(lambda: len(mailbox.taken) == 2)
        assert len(hook.taken) == 2


def test_hanging_target_delays_nobody(watched: NotifiedSale, hook: Webhook) -> None:
    silent = Silent()
    slow = Webhook().open()
    slow.status = HANG
    watched.targets(f"mailto://127.0.0.1:{silent.port}?from=a@example.com&to=b@example.com", slow.url, hook.url)
    with watched.watching(notify_timeout_seconds=120.0):
        # Each wait for a hanging target lasts a minute.
        began = time.monotonic()
        for product in range(5):
            watched.raise_alerts((product, 1))
            until(lambda product=product: len(hook.taken) == product + 1)
        assert time.monotonic() - began < 50
        assert len(slow.asked) == 1
        silent.close()
        slow.close()
        slow.status = 200
        slow.open()
        until(lambda: len(slow.taken) == 5, 30)
    slow.close()


def test_target_that_refuses_is_asked_again_and_after_a_time_given_up(watched: NotifiedSale, hook: Webhook) -> None:
    refusing = Webhook().open()
    refusing.status = 404
    watched.targets(refusing.url, hook.url)
    watched.raise_alerts(PAIR)
    with watched.watching():
        until(lambda: watched.outbox.find_one({"deliveries": {"$elemMatch": {"state": "waiting", "attempts": 2}}}))
        until(lambda: hook.taken)
        until(lambda: (health := watched.own_health()) and health["state"] == "ok")
        long_ago = utc_now() - timedelta(hours=watched.settings.notify_give_up_hours)
        watched.outbox.update_many({}, {"$set": {"born_at": long_ago}})
        until(lambda: (f"json://127.0.0.1:{refusing.port}", "given_up") in watched.deliveries())
        asked = len(refusing.asked)
        until(lambda: (health := watched.own_health()) and health["state"] == "failed")
        time.sleep(0.5)
        assert len(refusing.asked) == asked
    assert len(hook.taken) == 1
    assert "given up" in (watched.own_health() or {})["detail"]
    (document,) = watched.outbox.find()
    error = next(one["error"] for one in document["deliveries"] if one["state"] == "given_up")
    assert "404" in error
    assert "hook-password" not in error
    assert "hook-token" not in error
    refusing.close()


def test_one_bad_message_does_not_stop_the_next(watched: NotifiedSale, hook: Webhook) -> None:
    watched.targets(hook.url)
    hook.status = 500
    watched.raise_alerts(PAIR)
    with watched.watching():
        until(lambda: hook.asked)
        hook.status = 200
        watched.raise_alerts((9, 1))
        until(lambda: len(hook.taken) == 2)


def test_flood_becomes_one_message(watched: NotifiedSale, hook: Webhook) -> None:
    watched.targets(hook.url)
    with watched.watching(notify_flood_messages=3):
        watched.raise_alerts((1, 1))
        until(lambda: len(hook.taken) == 1)
        watched.raise_alerts(*((product, 1) for product in range(2, 42)))
        until(lambda: len(hook.taken) == 2)
        watched.raise_alerts((50, 1), (51, 1))
        until(lambda: watched.outbox.count_documents({"held_until": {"$exists": True}}) == 2)
    assert hook.subjects()[1:] == ["40 messages: 40 critical"]
    digest = hook.taken[1]["message"]
    assert digest.count("\n- CRITICAL: product") == 30
    assert "and 10 more" in digest
    assert 'section "A flood of alerts"' in digest
    # What came after waits for the next digest, and is not lost.
    held = list(watched.outbox.find({"held_until": {"$exists": True}}))
    assert len(held) == 2
    watched.outbox.update_many({"held_until": {"$exists": True}}, {"$set": {"held_until": utc_now()}})
    with watched.watching(notify_flood_messages=3):
        until(lambda: len(hook.taken) == 3)
    assert hook.subjects()[2] == "2 messages: 2 critical"


def test_quiet_hours_keep_what_is_not_urgent_until_their_end(watched: NotifiedSale, hook: Webhook) -> None:
    watched.targets(hook.url)
    local = utc_now() + timedelta(hours=5)  # Karachi
    hours = f"{local - timedelta(minutes=2):%H:%M}-{local + timedelta(minutes=30):%H:%M}"
    with watched.watching(notify_quiet_hours=hours, notify_severity="high"):
        watched.raise_alerts((1, 1), (2, 1), severity="high")
        watched.raise_alerts((3, 1), severity="critical")
        until(lambda: hook.taken)
        until(lambda: watched.outbox.count_documents({"held_because": "quiet"}) == 2)
        assert hook.subjects() == ["CRITICAL: product 3 in warehouse 1"]
        watched.outbox.update_many({"held_because": "quiet"}, {"$set": {"held_until": utc_now()}})
        until(lambda: len(hook.taken) == 2)
    assert hook.subjects()[1] == "2 messages: 2 high"


def test_hostile_names_stay_one_line_of_text(watched: NotifiedSale, hook: Webhook, mailbox: Mailbox) -> None:
    watched.targets(hook.url, mailbox.url)
    hostile = (
        "Buds\r\nBcc: evil@example.com\r\n\r\n<script>@everyone <!channel> \u202egnp.exe [x](http://e) 🎧" + "y" * 300
    )
    _names(watched, hostile)
    watched.raise_alerts(PAIR)
    with watched.watching():
        until(lambda: hook.taken and mailbox.taken)
    (mail,) = mailbox.taken
    assert mail["bcc"] is None
    assert mailbox.recipients == [["ops@example.com"]]
    assert mailbox.raw[0].count(b"\nSubject:") + mailbox.raw[0].startswith(b"Subject:") == 1
    title, body = hook.taken[0]["title"], hook.taken[0]["message"]
    assert title.startswith("CRITICAL: Buds Bcc: evil＠example.com ‹script›＠everyone")
    assert "\n" not in title
    assert len(title) <= 160
    assert len(body.split("\n")) == 5
    assert not {"\u202e", "@", "<", "[", "`"} & set(title + body)


def test_alert_waits_for_the_rows_that_say_what_to_do(watched: NotifiedSale, hook: Webhook) -> None:
    watched.targets(hook.url)
    minute = floor_minute(utc_now())
    watched.publish(minute - MINUTE)
    watched.raise_alerts(PAIR)
    with watched.watching():
        watched.wait_for_a_look()
        watched.wait_for_a_look()
        assert watched.outbox.count_documents({}) == 0
        identifier = f"{minute:%Y%m%dT%H%MZ}-00000001"
        (alert,) = (d["_id"] for d in watched.jobs.alert_events.find({"state": "open"}))
        row = {"alert_id": alert, "action": "restock", "qty": 120, "reason": "two trucks\nare near"}
        meta = {"snapshot_id": identifier, "data_interval_end": iso(minute), "watermark": iso(minute)}
        for part, value in {"meta": meta, "headline": {"data_quality_score": 1.0}, "alerts": [row]}.items():
            watched.publisher.set(watched.keys.snapshot(identifier, part), json.dumps(value))
        watched.publisher.set(watched.keys.current, identifier)
        until(lambda: hook.taken)
    assert "To do: restock 120 units: two trucks are near" in hook.taken[0]["message"]


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_defect_that_ends_a_targets_thread_loses_no_message(
    watched: NotifiedSale, hook: Webhook, monkeypatch: pytest.MonkeyPatch
) -> None:
    send, ended = Sender.send, []

    def fail_once(sender: Sender, message: Message) -> Outcome:
        if not ended:
            ended.append(message.key)
            raise RuntimeError("a defect")
        return send(sender, message)

    monkeypatch.setattr(Sender, "send", fail_once)
    watched.targets(hook.url)
    watched.raise_alerts(PAIR)
    with watched.watching():
        until(lambda: hook.taken)
    assert len(ended) == 1
