"""What is told: one message, and the words it is made of."""

import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Literal
from zoneinfo import ZoneInfo

from flashsale.minutes import iso
from flashsale.runbook import reference
from flashsale.snapshot import Severity

Kind = Literal["alert", "fault", "over", "digest"]

SUBJECT_MAX = 160
NAME_MAX = 80
# What chat services read as a mention, a link or a command; a look-alike says the same and does nothing.
_HARMLESS = str.maketrans({"<": "‹", ">": "›", "@": "＠", "`": "´", "[": "(", "]": ")"})
# Joiners: scripts and emoji are written with them.
_JOINERS = "\u200c\u200d"
_UNSEEN = ("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp")


@dataclass(frozen=True, slots=True)
class Message:
    """One thing that happened; `key` is the same however often it is found, so that it is told once.

    `section` names what docs/runbook.md says of it.  `urgent` goes through quiet hours.  `opens` is the fault it
    stands for until that is over; `alert_id` and `severity` are those of an alert.
    """

    key: str
    kind: Kind
    section: str
    subject: str
    body: str
    urgent: bool
    born_at: datetime
    sale_id: str | None = None
    opens: str | None = None
    alert_id: str | None = None
    severity: Severity | None = None
    happened_at: datetime | None = None

    @property
    def always_alone(self) -> bool:
        """Never folded into a digest of a flood: a fault that makes everything else doubtful."""
        return self.kind in ("fault", "over") and self.urgent


def plain(name: str, longest: int = NAME_MAX) -> str:
    """`name` as one harmless line: nothing unseen (line breaks, directions), no mention, at most `longest` long."""
    seen = "".join(" " if unicodedata.category(c) in _UNSEEN and c not in _JOINERS else c for c in name)
    text = " ".join(seen.split()).translate(_HARMLESS)
    return text if len(text) <= longest else text[: longest - 1] + "…"


def subject_line(text: str) -> str:
    """A subject: one line of at most 160 characters, so that no name in it can become a header."""
    return plain(text, SUBJECT_MAX)


def body_text(lines: Iterable[str], section: str) -> str:
    """Lines of the body, and where the runbook goes on."""
    return "\n".join([*lines, "", f"Runbook: {reference(section)}"])


def moment(at: datetime, zone: ZoneInfo) -> str:
    """``14:07:00 PKT on 11 Nov (2026-11-11T09:07:00.000Z)``."""
    return f"{at.astimezone(zone):%H:%M:%S %Z on %d %b} ({iso(at)})"
