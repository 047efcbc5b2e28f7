"""What happened to an alert and who did what, for whoever opens its row."""

from typing import cast

from flashsale.alerts.record import Alert
from flashsale.drill_down import HistoryRow
from flashsale.minutes import iso


def alert_history(alert: Alert | None) -> list[HistoryRow]:
    """Raised, then each command that still stands, then why it rang again; oldest first.

    Each command carries what was so after it: a record of the next one keeps what it found.
    """
    if alert is None or not alert.live:
        return []
    rows = [_row(iso(alert.raised_at), "raised")]
    states = [(h.owner, h.note, h.until) for h in alert.history] + [(alert.owner, alert.note, alert.until)]
    for handled, (owner, note, until) in zip(alert.history, states[1:], strict=True):
        row = _row(iso(handled.at), handled.command)
        row["by"] = handled.by
        row["owner"] = owner if owner != handled.owner else None
        row["note"] = note if note != handled.note else None
        row["until"] = iso(until) if until and until != handled.until else None
        rows.append(row)
    if alert.reraised_at is not None:
        row = _row(iso(alert.reraised_at), "rang_again")
        row["because"] = alert.reraised_because
        rows.append(row)
    return sorted(rows, key=lambda row: row["at"])


def _row(at: str, event: str) -> HistoryRow:
    return cast(
        HistoryRow,
        {"at": at, "event": event, "by": None, "owner": None, "note": None, "until": None, "because": None},
    )
