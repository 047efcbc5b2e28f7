"""The past minutes of a sale, read once and shared by all viewers: headlines, and the story of each alert."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from threading import Lock
from typing import Any

from flashsale.minutes import MINUTE, parse_iso
from flashsale.snapshot import SEVERITY_ORDER, AlertRow, Headline, Severity


@dataclass(slots=True)
class AlertStory:
    """One alert from the minutes it was seen in; times are minute ends, None for what never happened.

    `acted_at`: first seen acknowledged, assigned, snoozed or in transit; `sold_out_at`: first seen sold out.
    `value_saved` (minor units): the most that acting was ever said to be worth.
    """

    alert_id: str
    product_id: int
    warehouse_id: int
    raised_at: datetime
    first_seen: datetime
    last_seen: datetime
    severity: Severity
    acted_at: datetime | None = None
    owner: str | None = None
    sold_out_at: datetime | None = None
    value_saved: int | None = None


@dataclass(slots=True)
class Chronicle:
    """`headlines` by minute end and `stories` by alert; minutes may be taken in any order, and again.

    `snapshot_id`: the last one whose minutes were taken.
    """

    headlines: dict[datetime, Headline] = field(default_factory=dict)
    stories: dict[str, AlertStory] = field(default_factory=dict)
    looked_for: set[datetime] = field(default_factory=set)
    snapshot_id: str | None = None
    lock: Lock = field(default_factory=Lock)

    def wanted(self, first: datetime, last: datetime, most: int, again: int) -> list[datetime]:
        """At most `most` minute ends of ``[first, last]`` to read next, newest first; the last `again` once more."""
        count = (last - first) // MINUTE + 1
        minutes = (last - k * MINUTE for k in range(count))
        found = []
        for number, minute in enumerate(minutes):
            if number < again or minute not in self.looked_for:
                found.append(minute)
            if len(found) == most:
                break
        return found

    def take(
        self, looked_for: Iterable[datetime], found: Mapping[datetime, Mapping[str, Any]], sure_before: datetime
    ) -> None:
        """Add what was `found` of the minutes that were looked for.

        One that was not found is not asked for again, unless it is as young as `sure_before`: its record may follow.
        """
        self.looked_for.update(minute for minute in looked_for if minute in found or minute < sure_before)
        for minute, record in found.items():
            self.headlines[minute] = record["headline"]
            for row in record["alerts"]:
                self._take_alert(minute, row)

    def left(self, first: datetime, last: datetime) -> int:
        """Minutes of ``[first, last]`` that were not looked for yet."""
        return sum(first + k * MINUTE not in self.looked_for for k in range((last - first) // MINUTE + 1))

    def _take_alert(self, minute: datetime, row: AlertRow) -> None:
        identifier, product = row["alert_id"], row["product_id"]
        if identifier is None or product is None:
            return  # a group of many, in a flood
        story = self.stories.get(identifier)
        if story is None:
            raised = parse_iso(row["raised_at"])
            story = AlertStory(identifier, product, row["warehouse_id"], raised, minute, minute, row["severity"])
            self.stories[identifier] = story
        story.first_seen, story.last_seen = min(story.first_seen, minute), max(story.last_seen, minute)
        story.severity = min(story.severity, row["severity"], key=SEVERITY_ORDER.index)
        if row["state"] != "open" or row["owner"]:
            story.acted_at = _earliest(story.acted_at, minute)
            story.owner = row["owner"] or story.owner
        if row["severity"] == "sold_out":
            story.sold_out_at = _earliest(story.sold_out_at, minute)
        if row["value_saved"] is not None:
            story.value_saved = max(story.value_saved or 0, row["value_saved"])


def _earliest(known: datetime | None, minute: datetime) -> datetime:
    return minute if known is None else min(known, minute)
