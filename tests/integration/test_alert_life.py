"""Alerts in MongoDB: a restart, a rerun or an overlapping run rings no bell twice and loses no count."""

import random
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta

import pytest
from pymongo.database import Database
from pymongo.errors import BulkWriteError

from flashsale.alerts.commands import Command, CommandName, apply_all
from flashsale.alerts.life import AlertBook, Bad, Pair, advance
from flashsale.decisions.rules import AlertRules
from flashsale.errors import SupersededRunError
from flashsale.minutes import MINUTE
from flashsale.sale_run import SaleRun
from flashsale.schema import ALERT_EVENTS
from flashsale.settings import Settings
from flashsale.snapshot import Severity
from flashsale.stores.alert_book import read_book, save_book
from flashsale.stores.mongo import Document, mongo_client
from tests.support.shop import at

NOON = at("12:00")
RULES = AlertRules(flood_limit=2)
SEVERITIES: tuple[Severity, ...] = ("high", "critical", "sold_out")
PAIRS = [(product, warehouse) for product in range(1, 5) for warehouse in (1, 2)]
Minute = dict[Pair, Bad]
Database_ = Database[Document]


@pytest.fixture
def database(data_services: Settings, open_test_sale: Callable[..., SaleRun]) -> Iterator[Database_]:
    """A sale's database as the jobs may use it."""
    sale = open_test_sale(data_services, sale_start=NOON, sale_end=NOON + timedelta(hours=2))
    with mongo_client(data_services, "jobs") as client:
        yield client[sale.database]


def random_minutes(seed: int, count: int) -> list[Minute]:
    """Pairs that stay good or bad for a few minutes, as they do."""
    rng = random.Random(seed)
    bad: Minute = {}
    minutes = []
    for _ in range(count):
        for pair in PAIRS:
            if rng.random() < 0.35:
                if pair in bad:
                    bad.pop(pair)
                else:
                    bad[pair] = Bad(rng.choice(SEVERITIES), rng.randrange(1000))
        minutes.append(dict(bad))
    return minutes


def commands_for(book: AlertBook, number: int) -> list[Command]:
    names: tuple[CommandName, ...] = ("ack", "snooze", "in_transit", "undo")
    moment = NOON + number * MINUTE
    return [
        Command(f"{number}-{i}", alert.alert_id, names[(number + i) % 4], "Sana", moment, until=moment + 4 * MINUTE)
        for i, alert in enumerate(sorted(book.shown().values(), key=lambda a: a.pair))
        if (number + i) % 3 == 0
    ]  # fmt: skip


def test_a_restart_after_every_minute_gives_the_same_as_one_process(database: Database_) -> None:
    minutes = random_minutes(1, 40)
    memory, collapsed = AlertBook({}), 0
    for number, bad in enumerate(minutes):
        end = NOON + number * MINUTE
        memory = memory.with_changes(advance("s", memory, bad, end, RULES), end)
        commands = commands_for(memory, number)
        memory = memory.with_changes(apply_all(memory, commands).changed)
        for _ in range(2):  # every minute is run again after its end
            stored = read_book(database)
            save_book(database, stored, advance("s", stored, bad, end, RULES), end)
        stored = read_book(database)
        save_book(database, stored, apply_all(stored, commands).changed)
        assert read_book(database).latest == memory.latest
        collapsed += sum(alert.collapsed for alert in memory.latest.values())
    assert read_book(database).taken_through == NOON + 39 * MINUTE
    states = {alert.state for alert in memory.latest.values()}
    assert len(states) >= 3, "a sequence in which nothing happens would prove nothing"
    assert any(alert.reraised_at for alert in memory.latest.values())
    assert collapsed > 0


def test_flapping_leaves_one_document_a_pair(database: Database_) -> None:
    for number in range(12):
        book = read_book(database)
        bad: Minute = {pair: Bad("high") for pair in PAIRS} if number % 2 else {}
        end = NOON + number * MINUTE
        save_book(database, book, advance("s", book, bad, end, RULES), end)
    assert read_book(database).shown() == {}
    assert database[ALERT_EVENTS].count_documents({}) == len(PAIRS) + 1


def test_of_two_overlapping_runs_one_writes_everything_and_the_other_nothing(database: Database_) -> None:
    bad: Minute = {pair: Bad("high") for pair in PAIRS}
    for first_revision in (True, False):
        one = two = read_book(database)
        end = (one.taken_through or NOON) + MINUTE
        after = save_book(database, one, advance("s", one, bad, end, RULES), end)
        later = end + MINUTE
        with pytest.raises(SupersededRunError, match="another run changed the alerts"):
            save_book(database, two, advance("s", two, {}, later, RULES) or after.latest.values(), later)
        assert read_book(database) == after, first_revision


def test_what_fails_half_way_leaves_nothing(database: Database_, data_services: Settings) -> None:
    with mongo_client(data_services, "owner") as owner:
        owner[database.name].command("collMod", ALERT_EVENTS, validator={"note": {"$ne": "refused"}})
    book = read_book(database)
    changed = advance("s", book, {pair: Bad("high") for pair in PAIRS}, NOON, RULES)
    with pytest.raises(BulkWriteError, match="batch op errors occurred"):
        save_book(database, book, [*changed[:-1], replace(changed[-1], note="refused")], NOON)
    assert database[ALERT_EVENTS].count_documents({}) == 0
    assert save_book(database, book, changed, NOON) == read_book(database)


def test_only_the_newest_episode_of_a_pair_is_read(database: Database_) -> None:
    pattern = [True, True, False, False, False] * 4
    for number, is_bad in enumerate(pattern):
        book = read_book(database)
        end = NOON + number * MINUTE
        save_book(database, book, advance("s", book, {(1, 1): Bad("high")} if is_bad else {}, end, RULES), end)
    events = database[ALERT_EVENTS]
    assert events.count_documents({"product_id": 1}) == 4
    assert [document["episode"] for document in events.find({"latest": True})] == [4]
    assert read_book(database).latest[1, 1].episode == 4


def test_documents_of_before_the_book_are_read_and_carried_on(database: Database_) -> None:
    base = {"product_id": 1, "warehouse_id": 1, "owner": None}
    database[ALERT_EVENTS].insert_many(
        [
            {**base, "_id": "old2", "episode": 2, "raised_at": NOON, "state": "open", "resolved_at": None},
            {**base, "_id": "old1", "episode": 1, "raised_at": NOON, "state": "resolved", "resolved_at": NOON},
        ]
    )
    book = read_book(database)
    assert {alert.alert_id for alert in book.shown().values()} == {"old2"}
    for number in range(5):
        end = NOON + number * MINUTE
        book = save_book(
            database, book, advance("s", book, {(1, 1): Bad("high")} if number > 2 else {}, end, RULES), end
        )
        book = read_book(database)
    assert (book.latest[1, 1].episode, book.latest[1, 1].state) == (3, "open")


def test_a_quiet_repetition_writes_nothing(database: Database_) -> None:
    bad: Minute = {(1, 1): Bad("high")}
    book = save_book(database, AlertBook({}), advance("s", AlertBook({}), bad, NOON, RULES), NOON)
    assert save_book(database, book, advance("s", book, bad, NOON, RULES), NOON) is book
    assert read_book(database) == book
