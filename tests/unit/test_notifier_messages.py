"""What is a fault and when, which alerts are told, and names that cannot do harm."""

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flashsale.alerts.record import Alert
from flashsale.minutes import MINUTE, iso
from flashsale.sale_run import SaleRun
from flashsale.settings import Settings
from flashsale.stores.context import SaleView
from notifier.alerts import Names, alert_messages, told_of
from notifier.episodes import Episodes, fault_message, over_message
from notifier.faults import Fault, faults, is_over
from notifier.message import plain, subject_line
from notifier.outbox import Counts
from notifier.own_health import health_of
from notifier.sight import Sight
from notifier.targets import Target, Targets
from notifier.worker import TargetWorker

START = datetime(2026, 11, 11, 9, 0, tzinfo=UTC)
NOW = START + timedelta(hours=1)
KARACHI = ZoneInfo("Asia/Karachi")
SETTINGS = Settings()


def _sale(**changes: Any) -> SaleRun:
    values = {"sale_start": START, "sale_end": START + timedelta(hours=3), "phase": "live", **changes}
    return SaleRun("s", "demo", "", 1, **values)


def _view(sale: SaleRun) -> SaleView:
    return {
        "sale_id": sale.sale_id, "scenario": sale.scenario, "phase": sale.phase, "plan": [], "first_order_ts": None,
        "sale_start": iso(sale.sale_start), "sale_end": iso(sale.sale_end),
    }  # fmt: skip


def _seen(age: timedelta | None, sale: SaleRun | None = None, now: datetime = NOW, **changes: Any) -> Sight:
    sale = sale or _sale()
    meta: Any = None if age is None else {"data_interval_end": iso(now - age), "watermark": iso(now - age)}
    return Sight(now, sale, sale_view=_view(sale), meta=meta, quality=1.0, **changes)


def _keys(seen: Sight) -> list[str]:
    return [fault.key for fault in faults(seen, SETTINGS)]


def test_nothing_is_wrong_with_fresh_figures() -> None:
    assert _keys(_seen(timedelta(seconds=80))) == []
    assert _keys(Sight(NOW, None)) == []


@pytest.mark.parametrize(("seconds", "told"), [(180, []), (181, ["stale"]), (3600, ["stale"])])
def test_figures_are_stale_by_the_pages_own_limit(seconds: int, told: list[str]) -> None:
    assert _keys(_seen(timedelta(seconds=seconds))) == told


def test_nothing_is_expected_before_the_start_nor_after_an_end_that_was_reached() -> None:
    planned = _sale(phase="planned")
    assert _keys(_seen(None, planned, START - MINUTE)) == []
    assert _keys(_seen(timedelta(hours=9), planned, START - MINUTE)) == []
    ended = _sale(phase="ended")
    assert _keys(_seen(timedelta(hours=2), ended, START + timedelta(hours=5))) == []
    # The end was not reached: minutes are missing, and somebody should know.
    assert _keys(_seen(timedelta(hours=3), ended, START + timedelta(hours=5))) == ["stale"]


def test_no_figures_are_a_fault_three_minutes_after_the_start() -> None:
    assert _keys(_seen(None, now=START + timedelta(seconds=170))) == []
    assert _keys(_seen(None, now=START + timedelta(seconds=190))) == ["no_data"]


def test_what_cannot_be_seen_is_not_over() -> None:
    blind = Sight(NOW, _sale(), redis_problem="Redis does not answer")
    assert _keys(blind) == ["redis_unreachable"]
    assert not is_over("stale", blind, {"redis_unreachable"})
    assert not is_over("dag_failed:minute_kpis", _seen(timedelta()), set())
    well: Any = {"dag:minute_kpis": {"state": "ok", "at": iso(NOW), "detail": ""}}
    assert is_over("dag_failed:minute_kpis", _seen(timedelta(), health=well), set())
    assert is_over("redis_unreachable", _seen(timedelta()), set())


def _report(state: str) -> Any:
    return {"state": state, "at": iso(NOW), "detail": "why"}


def test_job_and_its_dag_that_fail_of_one_cause_are_one_fault() -> None:
    health = {"archive": _report("failed"), "dag:archive_facts": _report("failed"), "dag:mine": _report("failed")}
    assert _keys(_seen(timedelta(), health=health)) == ["archive_failed", "dag_failed:mine"]
    healed = {**health, "archive": _report("ok")}
    found = {fault.key: fault for fault in faults(_seen(timedelta(), health=healed), SETTINGS)}
    assert found["dag_failed:archive_facts"].waits
    assert not found["dag_failed:mine"].waits
    # It failed before its job could say anything, such as a file that cannot be loaded.
    silent = {"dag:archive_facts": _report("failed")}
    (alone,) = faults(_seen(timedelta(), health=silent), SETTINGS)
    assert (alone.key, alone.waits) == ("dag_failed:archive_facts", False)


def test_fault_that_comes_and_goes_within_a_moment_is_not_told_to_be_over() -> None:
    episodes = Episodes(timedelta(seconds=60))
    stale = Fault("stale", "stale", "The figures are stale", "")
    assert episodes.begun([stale], {}, NOW) == [stale]
    told = {"stale": fault_message(stale, _sale(), NOW, KARACHI)}
    fresh = [_seen(timedelta(), now=NOW + timedelta(seconds=s)) for s in (10, 30, 75, 100, 140)]
    assert episodes.over(fresh[0], set(), told) == []
    assert episodes.over(fresh[1], {"stale"}, told) == []
    assert episodes.over(fresh[2], set(), told) == []
    assert episodes.over(fresh[3], set(), told) == []
    assert episodes.over(fresh[4], set(), told) == ["stale"]


def test_message_of_a_fault_says_when_by_the_shops_clock_and_what_the_runbook_says() -> None:
    opened = fault_message(Fault("stale", "stale", "The figures are stale", "Because."), _sale(), NOW, KARACHI)
    assert opened.subject == "URGENT: The figures are stale"
    assert "Seen at 15:00:00 PKT on 11 Nov (2026-11-11T10:00:00.000Z)." in opened.body
    assert opened.body.endswith('Runbook: docs/runbook.md, section "The figures are stale"')
    over = over_message(opened, NOW + MINUTE, KARACHI)
    assert (over.key, over.subject, over.urgent) == (f"{opened.key}:over", "Over: The figures are stale", True)
    assert over.body.endswith('Runbook: docs/runbook.md, section "The figures are stale"')


def _alert(**changes: Any) -> Alert:
    values = {"alert_id": "a", "severity": "critical", "raised_severity": "critical", "raised_at": START, **changes}
    return Alert(product_id=7, warehouse_id=2, episode=1, **values)


def _told(*alerts: Alert) -> list[str]:
    """Keys of the messages of one alert as it changes."""
    messages: list[Any] = []
    for alert in alerts:
        messages += alert_messages([alert], told_of(messages), "critical", Names({}, {}), {}, "s", NOW, KARACHI)
    return [message.key for message in messages]


def test_each_worsening_and_ringing_of_an_episode_is_told_once() -> None:
    again = START + 5 * MINUTE
    assert _told(_alert(), _alert()) == ["alert:a:raised"]
    assert _told(_alert(), _alert(severity="sold_out"), _alert(), _alert(severity="sold_out")) == [
        "alert:a:raised",
        "alert:a:worse:sold_out",
    ]
    handled = _alert(state="acknowledged")
    assert _told(_alert(), handled, _alert(reraised_at=again), _alert(reraised_at=again)) == [
        "alert:a:raised",
        "alert:a:again:20261111T0905Z",
    ]
    assert _told(_alert(state="acknowledged"), _alert(state="snoozed"), _alert(state="resolved")) == []
    assert _told(_alert(severity="high", raised_severity="high"), _alert()) == ["alert:a:raised"]


@given(st.text(st.characters(), max_size=400))
def test_no_name_leaves_its_line_or_calls_anybody(name: str) -> None:
    text = plain(name)
    assert len(text) <= 80
    assert len(text.splitlines()) <= 1
    assert text.translate({0x200C: None, 0x200D: None}).isprintable()
    assert not set("<>@`[]") & set(text)
    assert len(subject_line(name).splitlines()) <= 1


def test_letters_of_every_script_and_emoji_stay() -> None:
    family = "\U0001f468\u200d\U0001f469"
    assert plain(f"آم کا اچار 🥭 – Größe №5 {family}") == f"آم کا اچار 🥭 – Größe №5 {family}"


@pytest.mark.parametrize(
    ("targets", "counts", "state"),
    [
        (Targets((), ()), Counts(0, 0, 0, None), "ok"),
        (Targets((Target("k", "l", "u"),), ()), Counts(3, 2, 0, NOW - MINUTE), "ok"),
        (Targets((Target("k", "l", "u"),), ()), Counts(3, 2, 0, NOW - 11 * MINUTE), "failed"),
        (Targets((Target("k", "l", "u"),), ()), Counts(0, 0, 1, None), "failed"),
        (Targets((Target("k", "l", "u"),), ("line 2: no target",)), Counts(0, 0, 0, None), "failed"),
    ],
)
def test_health_is_failed_when_somebody_is_not_told(targets: Targets, counts: Counts, state: str) -> None:
    assert health_of(targets, counts, NOW)[0] == state


def test_a_target_that_takes_nothing_is_asked_ever_later() -> None:
    worker = TargetWorker(Any, Target("k", "l", "u"), Settings(notify_look_seconds=10))  # type: ignore[arg-type]
    assert [worker.retry_seconds(tries) for tries in range(7)] == [10, 20, 40, 80, 160, 300, 300]
    assert worker.retry_seconds(10_000) == 300


def test_url_of_a_target_is_not_in_what_python_shows_of_it() -> None:
    assert "hook" not in repr(Targets((Target("k", "json://host", "json://host/hook"),), ()))
