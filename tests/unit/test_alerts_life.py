"""The laws of an alert's life: when it rings, when it stops, and that nothing is counted twice."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flashsale.alerts.life import Alert, AlertBook, Bad, Pair, advance, bad_pairs
from flashsale.decisions.rules import AlertRules
from flashsale.minutes import MINUTE
from flashsale.settings import load_settings
from flashsale.snapshot import Severity

NINE = datetime(2026, 11, 11, 9, 0, tzinfo=UTC)
RULES = AlertRules()
ONE: Pair = (1, 1)
SEVERITIES: tuple[Severity, ...] = ("high", "critical", "sold_out")

Minute = dict[Pair, Bad]
minutes_of_pairs = st.lists(
    st.dictionaries(
        st.tuples(st.integers(1, 3), st.integers(1, 2)),
        st.builds(Bad, st.sampled_from(SEVERITIES), st.integers(0, 9) | st.none()),
    ),
    max_size=30,
)


def at(number: int) -> datetime:
    return NINE + number * MINUTE


def take(book: AlertBook, bad: Minute, number: int, rules: AlertRules = RULES) -> AlertBook:
    return book.with_changes(advance("s", book, bad, at(number), rules), at(number))


def run(minutes: Sequence[Minute], rules: AlertRules = RULES, book: AlertBook | None = None) -> AlertBook:
    book = book or AlertBook({})
    for number, bad in enumerate(minutes):
        book = take(book, bad, number, rules)
    return book


def one(pattern: str, rules: AlertRules = RULES) -> Alert | None:
    """The pair after minutes written as ``h`` high, ``c`` critical, ``s`` sold out, ``.`` good, ``_`` no run."""
    kinds: dict[str, Severity] = {"h": "high", "c": "critical", "s": "sold_out"}
    book = AlertBook({})
    for number, letter in enumerate(pattern):
        if letter != "_":
            book = take(book, {ONE: Bad(kinds[letter])} if letter in kinds else {}, number, rules)
    return book.latest.get(ONE)


@pytest.mark.parametrize(
    ("pattern", "state", "severity"),
    [
        ("h", "pending", "high"),
        ("s", "pending", "sold_out"),
        ("hh", "open", "high"),
        ("hc", "open", "critical"),
        ("h.h", "pending", "high"),
        ("h.h.h.h.h.h.", "pending", None),
        ("h_h", "open", "high"),
        ("hh.", "open", "watch"),
        ("hh..", "open", "watch"),
        ("hh..h", "open", "high"),
        ("hh..h..", "open", "watch"),
        ("hh...", "resolved", "watch"),
        ("hh.__..", "resolved", "watch"),
        ("hh...h", "pending", "high"),
    ],
)
def test_two_bad_minutes_raise_and_three_good_ones_resolve(pattern: str, state: str, severity: str | None) -> None:
    alert = one(pattern)
    assert alert is not None
    assert (alert.state, alert.severity) == (state, severity)


def test_raised_and_resolved_are_the_minutes_that_did_it_and_an_episode_is_new() -> None:
    alert, again = one("..hh..."), one("..hh...hh")
    assert alert is not None
    assert again is not None
    assert (alert.raised_at, alert.resolved_at, alert.episode) == (at(3), at(6), 1)
    assert (again.raised_at, again.resolved_at, again.episode) == (at(8), None, 2)
    assert again.alert_id != alert.alert_id


@settings(max_examples=200, deadline=None)
@given(minutes_of_pairs, st.integers(1, 4), st.integers(1, 4))
def test_every_state_is_what_its_pairs_minutes_say(minutes: list[Minute], raise_after: int, resolve_after: int) -> None:
    """Against a reference: each pair alone, as runs of equal letters."""
    book = run(minutes, AlertRules(raise_after=raise_after, resolve_after=resolve_after, reraise_value_factor=1000.0))
    for pair in {pair for minute in minutes for pair in minute}:
        raised, streak, last, episodes = False, 0, None, 0
        for minute in minutes:
            bad = pair in minute
            streak = streak + 1 if bad == last else 1
            last = bad
            if not raised and bad and streak >= raise_after:
                raised, episodes = True, episodes + 1
            elif raised and not bad and streak >= resolve_after:
                raised = False
        assert (pair in book.shown()) == raised
        alert = book.latest[pair]
        assert alert.episode - (alert.state == "pending") == episodes


@settings(max_examples=100, deadline=None)
@given(minutes_of_pairs, st.data())
def test_minutes_taken_again_or_too_late_change_nothing(minutes: list[Minute], data: st.DataObject) -> None:
    book = AlertBook({})
    for number, bad in enumerate(minutes):
        book = take(book, bad, number)
        for _ in range(data.draw(st.integers(0, 2))):
            old = data.draw(st.integers(0, number))
            other = data.draw(st.sampled_from(minutes))
            assert advance("s", book, other, at(old), RULES) == []
    assert book.latest == run(minutes).latest


@settings(max_examples=100, deadline=None)
@given(minutes_of_pairs)
def test_what_is_told_is_what_changed_and_one_episode_at_most_is_live(minutes: list[Minute]) -> None:
    book = AlertBook({})
    episodes: dict[str, Alert] = {}
    for number, bad in enumerate(minutes):
        changed = advance("s", book, bad, at(number), RULES)
        assert len({a.pair for a in changed}) == len(changed)
        assert all(book.latest.get(a.pair) != a for a in changed)
        episodes |= {a.alert_id: a for a in changed}
        book = book.with_changes(changed, at(number))
        live = [a.pair for a in episodes.values() if a.state != "resolved"]
        assert len(set(live)) == len(live)
        assert all(alert.severity in (bad[pair].severity,) for pair, alert in book.shown().items() if pair in bad)
        assert all(alert.severity == "watch" for pair, alert in book.shown().items() if pair not in bad)


def handled(severity: Severity, state: Any, **changes: Any) -> AlertBook:
    alert = Alert("a", 1, 1, 1, NINE, state=state, severity=severity, handled_severity=severity, **changes)
    return AlertBook({ONE: alert}, NINE, 1)


@pytest.mark.parametrize("state", ["acknowledged", "snoozed", "in_transit"])
def test_a_handled_alert_rings_again_only_when_it_gets_worse(state: str) -> None:
    order: tuple[Severity, ...] = ("high", "critical", "sold_out")
    for before in order:
        for after in order:
            alert = take(handled(before, state), {ONE: Bad(after)}, 1).latest[ONE]
            worse = order.index(after) > order.index(before)
            assert alert.state == ("open" if worse else state)
            assert (alert.reraised_at, alert.reraised_because) == ((at(1), "worse") if worse else (None, None))


@pytest.mark.parametrize(("state", "because"), [("snoozed", "snooze over"), ("in_transit", "shipment due")])
def test_time_up_rings_again_while_it_is_still_bad(state: str, because: str) -> None:
    book = handled("high", state, until=at(3))
    waiting = take(book, {ONE: Bad("high")}, 2)
    assert waiting.latest[ONE].state == state
    rung = take(waiting, {ONE: Bad("high")}, 3).latest[ONE]
    assert (rung.state, rung.reraised_because, rung.until) == ("open", because, None)
    assert take(waiting, {}, 3).latest[ONE].state == state, "good by then: nothing to ring for"


def test_twice_the_value_at_risk_rings_again() -> None:
    book = take(handled("high", "acknowledged", owner="Sana"), {ONE: Bad("high", 100)}, 1)
    assert take(book, {ONE: Bad("high", 199)}, 2).latest[ONE].state == "acknowledged"
    rung = take(book, {ONE: Bad("high", 200)}, 2).latest[ONE]
    assert (rung.state, rung.reraised_because, rung.owner) == ("open", "more at risk", "Sana")


@pytest.mark.parametrize(("new", "collapsed"), [(10, 0), (11, 11), (30, 30)])
def test_more_new_criticals_than_the_limit_collapse(new: int, collapsed: int) -> None:
    bad: Minute = {(p, 1): Bad("critical" if p % 2 else "sold_out") for p in range(1, new + 1)}
    bad |= {(p, 2): Bad("high") for p in range(1, 40)}
    alerts = run([bad, bad]).shown()
    assert len(alerts) == new + 39
    assert sum(a.collapsed for a in alerts.values()) == collapsed
    assert not any(a.collapsed for a in alerts.values() if a.severity == "high")


def test_a_flood_is_counted_over_its_window_and_what_came_before_stays_apart() -> None:
    def one_more_each(step: int, count: int) -> dict[Pair, Alert]:
        minutes: list[Minute] = []
        for number in range(count * step + 2):
            minutes.append({(p, 1): Bad("critical") for p in range(1, count + 1) if number >= (p - 1) * step})
        return run(minutes).shown()

    assert not any(a.collapsed for a in one_more_each(1, 30).values()), "ten in ten minutes, all the time"
    early: Minute = {(99, 1): Bad("critical")}
    wave: Minute = {(p, 1): Bad("critical") for p in range(1, 12)}
    alerts = run([early] * 20 + [early | wave] * 2).shown()
    assert [pair for pair, a in alerts.items() if not a.collapsed] == [(99, 1)]


def test_the_pairs_of_a_minute_are_those_at_risk_or_sold_out() -> None:
    row: Any = {"product_id": 1, "warehouse_id": 2, "p15": 0.9, "eta_minutes": 3.0, "value_at_risk": 5}
    rows: list[Any] = [
        {**row, "product_id": product, "status": status}
        for product, status in enumerate(("ok", "at_risk", "sold_out", "not_stocked", "unknown"))
    ]
    assert bad_pairs(rows, load_settings()) == {(1, 2): Bad("critical", 5), (2, 2): Bad("sold_out", 5)}


def test_fifty_thousand_pairs_advance_in_seconds_and_a_quiet_minute_changes_nothing() -> None:
    bad: Minute = {(p, w): Bad("high", 7) for p in range(5_000) for w in range(2)}
    book = run([bad, bad])
    assert len(book.shown()) == 10_000
    assert advance("s", book, bad, at(5), RULES) == []


def test_an_alert_of_the_older_shape_lives_on() -> None:
    old = Alert("x", 1, 1, 4, NINE, owner="Sana")
    book = AlertBook({ONE: old})
    assert take(book, {ONE: Bad("high")}, 1).latest[ONE] == replace(old, severity="high")
    gone = run([{}, {}, {}], book=book).latest[ONE]
    assert (gone.state, gone.resolved_at) == ("resolved", NINE + timedelta(minutes=2))
