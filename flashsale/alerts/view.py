"""What a reader sees of the alerts: one row each, and in a flood one row a warehouse."""

from collections.abc import Iterable, Mapping, Sequence
from typing import TypedDict

from flashsale.alerts.record import Alert, Pair
from flashsale.decisions.decide import Decision
from flashsale.minutes import iso
from flashsale.snapshot import SEVERITY_ORDER, ActionRow, AlertRow


def alert_view(alerts: Iterable[Alert], decisions: Mapping[Pair, Decision], names: Mapping[int, str]) -> list[AlertRow]:
    """Rows of the live alerts: by severity (critical, high, sold out, watch), groups first, then by value saved.

    `decisions` by pair, `names` of warehouses.  Collapsed alerts that nobody has handled and that are still bad
    become one row per warehouse, unless one stands alone there.
    """
    live = [alert for alert in alerts if alert.live]
    groups: dict[int, list[Alert]] = {}
    for alert in live:
        if alert.collapsed and alert.state == "open" and alert.severity != "watch":
            groups.setdefault(alert.warehouse_id, []).append(alert)
    groups = {warehouse: members for warehouse, members in groups.items() if len(members) > 1}
    grouped = {alert.alert_id for members in groups.values() for alert in members}
    rows = [_row(alert, decisions.get(alert.pair)) for alert in live if alert.alert_id not in grouped]
    rows += [_group_row(members, decisions, names) for members in groups.values()]
    return sorted(rows, key=_place)


class Flood(TypedDict):
    """Group rows, and ids of the action rows' alerts that stand in one of them."""

    groups: list[AlertRow]
    grouped: list[str]


def flood_of(actions: Sequence[ActionRow], alerts: Sequence[AlertRow]) -> Flood:
    """What the action table needs of the alerts (the rows of `alert_view`) in a flood; empty otherwise."""
    alone = {row["alert_id"] for row in alerts}
    ids = (row["alert_id"] for row in actions)
    return {
        "groups": [row for row in alerts if row["alert_id"] is None],
        "grouped": [identifier for identifier in ids if identifier is not None and identifier not in alone],
    }


def _row(alert: Alert, decision: Decision | None) -> AlertRow:
    return {
        "alert_id": alert.alert_id,
        "product_id": alert.product_id,
        "warehouse_id": alert.warehouse_id,
        "severity": alert.severity or "watch",
        "action": decision.action if decision else "monitor",
        "qty": decision.qty if decision else 0,
        "reason": decision.reason if decision else "no longer at risk" if alert.severity == "watch" else "at risk",
        "value_saved": decision.value_saved if decision else None,
        "state": alert.shown_state or "open",
        "owner": alert.owner,
        "raised_at": iso(alert.raised_at),
        "count": 1,
    }


def _group_row(members: list[Alert], decisions: Mapping[Pair, Decision], names: Mapping[int, str]) -> AlertRow:
    warehouse = members[0].warehouse_id
    sold_out = sum(alert.severity == "sold_out" for alert in members)
    worst = min((alert.severity or "watch" for alert in members), key=SEVERITY_ORDER.index)
    values = [decisions[alert.pair].value_saved for alert in members if alert.pair in decisions]
    place = names.get(warehouse, f"warehouse {warehouse}")
    return {
        "alert_id": None,
        "product_id": None,
        "warehouse_id": warehouse,
        "severity": worst,
        "action": "monitor",
        "qty": 0,
        "reason": f"{len(members):,} products of {place} at once, {sold_out:,} sold out",
        "value_saved": sum(values) if values else None,
        "state": "open",
        "owner": None,
        "raised_at": iso(min(alert.raised_at for alert in members)),
        "count": len(members),
    }


def _place(row: AlertRow) -> tuple[int, bool, int, int, int]:
    return (
        SEVERITY_ORDER.index(row["severity"]),
        row["product_id"] is not None,
        -(row["value_saved"] or 0),
        row["product_id"] or 0,
        row["warehouse_id"],
    )
