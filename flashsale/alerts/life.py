"""The life of an alert, as a pure step from one minute to the next.

A bad minute of a (product, warehouse) is one in which it is at risk or sold out.  After `raise_after` bad
minutes in a row an alert is raised, after `resolve_after` good ones it is resolved; between the two nothing
rings.  An episode is one such stretch; its number makes the next alert of the same pair a new one.

Minutes are those that were taken: a minute without a run (an outage) is neither good nor bad.  A minute not
after the newest one taken changes nothing, so the first run of a minute counts and its repetitions do not.
"""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from flashsale.actions import ACTIONABLE, severity
from flashsale.alerts.record import Alert as Alert
from flashsale.alerts.record import AlertBook as AlertBook
from flashsale.alerts.record import Handled as Handled
from flashsale.alerts.record import LifeState as LifeState
from flashsale.alerts.record import Pair as Pair
from flashsale.decisions.rules import AlertRules
from flashsale.minutes import MINUTE
from flashsale.settings import Settings
from flashsale.snapshot import ProductRow, Severity

HANDLED: tuple[LifeState, ...] = ("acknowledged", "snoozed", "in_transit")
WORSE_LAST: tuple[Severity, ...] = ("watch", "high", "critical", "sold_out")
RINGING: tuple[Severity, ...] = ("critical", "sold_out")
"""What a flood is made of."""


@dataclass(frozen=True, slots=True)
class Bad:
    """A pair's bad minute: how bad, and the value at risk in minor units."""

    severity: Severity
    value_at_risk: int | None = None


def bad_pairs(rows: Sequence[ProductRow], settings: Settings) -> dict[Pair, Bad]:
    """The pairs at risk or sold out; a pair that vanishes from the rows is good."""
    return {
        (row["product_id"], row["warehouse_id"]): Bad(severity(row, settings), row["value_at_risk"])
        for row in rows
        if row["status"] in ACTIONABLE
    }


def alert_id(sale_id: str, product_id: int, warehouse_id: int, episode: int) -> str:
    """16 hex digits; the same episode has the same id on every run."""
    text = f"{sale_id}:{product_id}:{warehouse_id}:{episode}"
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def advance(
    sale_id: str, book: AlertBook, bad: Mapping[Pair, Bad], minute_end: datetime, rules: AlertRules
) -> list[Alert]:
    """The alerts that change at `minute_end`, ascending by pair."""
    if book.taken_through is not None and minute_end <= book.taken_through:
        return []
    changed: dict[Pair, Alert] = {}
    for pair in sorted({*bad, *book.latest}):
        before, now = book.latest.get(pair), bad.get(pair)
        if now is None:
            after = None if before is None else _good(before, minute_end, rules)
        else:
            after = _bad(_episode(sale_id, pair, before, minute_end), now, minute_end, rules)
        if after is not None and after != before:
            changed[pair] = after
    flood = _flood([*changed.values(), *(a for p, a in book.latest.items() if p not in changed)], minute_end, rules)
    changed |= {alert.pair: replace(alert, collapsed=True) for alert in flood}
    return [changed[pair] for pair in sorted(changed)]


def is_worse(now: Severity | None, than: Severity | None) -> bool:
    """watch < high < critical < sold_out; anything is worse than nothing."""
    return now is not None and (than is None or WORSE_LAST.index(now) > WORSE_LAST.index(than))


def _episode(sale_id: str, pair: Pair, last: Alert | None, minute_end: datetime) -> Alert:
    """The episode a bad minute belongs to: the one that lives, or the pair's next."""
    if last is not None and last.state != "resolved":
        return last
    number = 1 if last is None else last.episode + 1
    return Alert(alert_id(sale_id, *pair, number), *pair, number, minute_end, state="pending")


def _bad(alert: Alert, now: Bad, minute_end: datetime, rules: AlertRules) -> Alert:
    if alert.state == "pending":
        first = minute_end if alert.bad_minutes == 0 else alert.raised_at
        alert = replace(alert, bad_minutes=alert.bad_minutes + 1, severity=now.severity, raised_at=first)
        if alert.bad_minutes < rules.raise_after:
            return alert
        return replace(alert, state="open", bad_minutes=0, raised_at=minute_end, raised_severity=now.severity)
    if alert.good_minutes or alert.severity != now.severity:
        alert = replace(alert, good_minutes=0, severity=now.severity)
    if alert.state not in HANDLED:
        return alert
    because = _why_again(alert, now, minute_end, rules)
    if because is not None:
        return replace(
            alert,
            state="open",
            until=None,
            handled_severity=None,
            handled_value=None,
            reraised_at=minute_end,
            reraised_because=because,
        )
    known = alert.handled_value if alert.handled_value is not None else now.value_at_risk
    return replace(alert, handled_value=known)


def _good(alert: Alert, minute_end: datetime, rules: AlertRules) -> Alert:
    if alert.state == "resolved" or (alert.state == "pending" and alert.bad_minutes == 0):
        return alert
    if alert.state == "pending":
        return replace(alert, bad_minutes=0, severity=None)
    alert = replace(alert, good_minutes=alert.good_minutes + 1, severity="watch")
    if alert.good_minutes < rules.resolve_after:
        return alert
    return replace(alert, state="resolved", resolved_at=minute_end)


def _why_again(alert: Alert, now: Bad, minute_end: datetime, rules: AlertRules) -> str | None:
    """Why a handled alert must ring again, or None."""
    if is_worse(now.severity, alert.handled_severity):
        return "worse"
    if alert.until is not None and alert.until <= minute_end:
        return "snooze over" if alert.state == "snoozed" else "shipment due"
    if alert.handled_value and (now.value_at_risk or 0) >= rules.reraise_value_factor * alert.handled_value:
        return "more at risk"
    return None


def _flood(alerts: Iterable[Alert], minute_end: datetime, rules: AlertRules) -> list[Alert]:
    """New critical alerts to collapse: all of the last `flood_minutes` once they are more than `flood_limit`."""
    since = minute_end - timedelta(minutes=rules.flood_minutes) + MINUTE
    new = [a for a in alerts if a.state != "pending" and a.raised_at >= since and a.raised_severity in RINGING]
    if len(new) <= rules.flood_limit:
        return []
    return [alert for alert in new if alert.live and not alert.collapsed]
