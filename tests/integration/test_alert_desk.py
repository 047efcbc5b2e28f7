"""What people click waits in Redis, is applied once, and leaves the stream only when MongoDB has it."""

import threading
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest
from pymongo.database import Database

from flashsale.alerts.life import Alert, AlertBook, Bad
from flashsale.decisions.rules import AlertRules
from flashsale.errors import SupersededRunError
from flashsale.minutes import MINUTE, iso
from flashsale.redis_keys import SaleKeys
from flashsale.settings import Settings
from flashsale.stores.alert_book import read_book, save_book
from flashsale.stores.mongo import mongo_client
from flashsale.stores.redis_client import RedisClient, redis_client
from spark_jobs import alert_desk
from spark_jobs.alert_desk import take_minute
from tests.support.shop import at

NOON = at("12:00")
PAIR = (7, 2)
RULES = AlertRules(raise_after=2, resolve_after=3, flood_limit=10, flood_minutes=10, reraise_value_factor=2.0)


class Desk:
    """A sale with its stores, as the KPI job and the page's buttons reach them."""

    def __init__(self, sale_id: str, database: Database[Any], jobs: RedisClient, buttons: RedisClient) -> None:
        self.sale_id, self.database, self.jobs = sale_id, database, jobs
        self._buttons = buttons

    def minute(self, number: int, severity: Any = "high") -> AlertBook:
        return take_minute(
            self.database, self.jobs, self.sale_id, {PAIR: Bad(severity, 100)}, NOON + number * MINUTE, RULES
        )

    def click(self, command: str, alert: Alert, command_id: str, **fields: str) -> None:
        entry: dict[Any, Any] = {
            "command_id": command_id,
            "alert_id": alert.alert_id,
            "command": command,
            "by": "Ayesha",
            "at": iso(NOON + MINUTE),
            **fields,
        }
        self._buttons.xadd(SaleKeys(self.sale_id).alert_commands, entry)

    def waiting(self) -> int:
        length: Any = self.jobs.xlen(SaleKeys(self.sale_id).alert_commands)
        return int(length)

    def alert(self) -> Alert:
        return read_book(self.database).latest[PAIR]


@pytest.fixture
def desk(data_services: Settings, open_test_sale: Any) -> Iterator[Desk]:
    sale = open_test_sale(data_services, sale_start=NOON, sale_end=NOON + timedelta(hours=2))
    with (
        mongo_client(data_services, "jobs") as mongo,
        redis_client(data_services, "publisher") as jobs,
        redis_client(data_services, "dashboard_command") as buttons,
    ):
        yield Desk(sale.sale_id, mongo[sale.database], jobs, buttons)


def test_a_click_is_applied_once_and_durable_before_it_leaves_the_stream(desk: Desk) -> None:
    desk.minute(1)
    raised = desk.minute(2).latest[PAIR]
    assert raised.state == "open"
    desk.click("ack", raised, "c1", owner="Bilal")
    assert desk.alert().state == "open", "a click alone changes nothing durable"
    after = desk.minute(3).latest[PAIR]
    assert (after.state, after.owner) == ("acknowledged", "Bilal")
    assert desk.alert() == after
    assert desk.waiting() == 0

    desk.click("undo", raised, "c2")
    desk.click("ack", raised, "c1", owner="Somebody else")
    again = desk.minute(4).latest[PAIR]
    assert (again.state, again.owner) == ("open", None), "the same click twice is one click"


def test_a_failure_before_the_store_keeps_the_clicks(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    desk.minute(1)
    raised = desk.minute(2).latest[PAIR]
    desk.click("ack", raised, "c1")

    def store_fails(*_: object) -> AlertBook:
        raise SupersededRunError("another run is always faster")

    with monkeypatch.context() as patched:
        patched.setattr(alert_desk, "save_book", store_fails)
        with pytest.raises(SupersededRunError):
            desk.minute(3)
    assert desk.waiting() == 1
    assert desk.minute(3).latest[PAIR].state == "acknowledged"
    assert desk.waiting() == 0


def test_what_nobody_can_read_or_apply_is_dropped_and_said(desk: Desk, caplog: pytest.LogCaptureFixture) -> None:
    desk.minute(1)
    raised = desk.minute(2).latest[PAIR]
    desk.click("explode", raised, "c1")
    desk.click("ack", Alert("feedfeedfeedfeed", 1, 1, 1, NOON), "c2")
    desk.click("ack", raised, "c3")
    book = desk.minute(3)
    assert book.latest[PAIR].state == "acknowledged"
    assert desk.waiting() == 0
    said = "\n".join(caplog.messages)
    assert "explode" in said
    assert "no alert feedfeedfeedfeed" in said


def test_runs_side_by_side_raise_one_alert_and_apply_a_click_once(desk: Desk) -> None:
    desk.minute(1)
    raised = desk.minute(2).latest[PAIR]
    desk.click("snooze", raised, "c1", until=iso(NOON + 30 * MINUTE))
    failures: list[BaseException] = []

    def run() -> None:
        try:
            desk.minute(3)
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=run) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert not failures
    alert = desk.alert()
    assert (alert.state, alert.episode, len(alert.history)) == ("snoozed", 1, 1)
    assert desk.database["alert_events"].count_documents({"product_id": PAIR[0]}) == 1


def test_a_late_repetition_of_an_old_minute_changes_nothing(desk: Desk) -> None:
    for number in (1, 2, 3):
        desk.minute(number)
    before: datetime | None = read_book(desk.database).taken_through
    desk.minute(2, "sold_out")
    assert read_book(desk.database).taken_through == before
    assert desk.alert().severity == "high"


def test_a_book_that_changed_meanwhile_is_not_overwritten(desk: Desk) -> None:
    stale = read_book(desk.database)
    desk.minute(1)
    with pytest.raises(SupersededRunError):
        save_book(desk.database, stale, [], NOON + 5 * MINUTE)
