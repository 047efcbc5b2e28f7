"""Many messages as one, pure: how many of what, and the first of them by name."""

import hashlib
from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

from flashsale.alerts.life import WORSE_LAST
from notifier.holding import Because
from notifier.message import Message, body_text, moment, subject_line

LINES = 30
_WHY: dict[Because, str] = {
    "flood": "So many at once are told together; the page has all of them.",
    "quiet": "Held during the quiet hours.",
}


def digest_message(members: Sequence[Message], because: Because, now: datetime, zone: ZoneInfo) -> Message:
    """One message for `members` (at least two), the worst first; the same members give the same key."""
    ordered = sorted(members, key=_place)
    counts = Counter(_group(message) for message in ordered)
    summary = ", ".join(f"{count:,} {group}" for group, count in counts.items())
    lines = [_WHY[because], f"From {moment(min(m.born_at for m in members), zone)} on: {summary}.", ""]
    lines += [f"- {message.subject}" for message in ordered[:LINES]]
    if len(ordered) > LINES:
        lines.append(f"… and {len(ordered) - LINES:,} more")
    identity = hashlib.sha256("\n".join(sorted(m.key for m in members)).encode()).hexdigest()[:16]
    return Message(
        key=f"digest:{identity}",
        kind="digest",
        section="flood" if because == "flood" else ordered[0].section,
        subject=subject_line(f"{len(members):,} messages: {summary}"),
        body=body_text(lines, "flood" if because == "flood" else ordered[0].section),
        urgent=any(message.urgent for message in members),
        born_at=now,
        sale_id=ordered[0].sale_id,
    )


def _group(message: Message) -> str:
    if message.kind == "alert" and message.severity is not None:
        return message.severity.replace("_", " ")
    return {"fault": "faults", "over": "faults over"}.get(message.kind, "others")


def _place(message: Message) -> tuple[int, int, datetime, str]:
    kinds = ("fault", "alert", "over", "digest")
    worst = -WORSE_LAST.index(message.severity) if message.severity else 0
    return kinds.index(message.kind), worst, message.born_at, message.key
