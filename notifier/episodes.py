"""From faults seen look by look to faults told: once when it begins, once when it is over."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from flashsale.sale_run import SaleRun
from notifier.faults import Fault, is_over
from notifier.message import Message, body_text, moment, subject_line
from notifier.sight import Sight


@dataclass
class Episodes:
    """Since when each fault lasts, or is gone; `settle` is how long either must hold where a moment says little.

    What was told is not remembered here but in the outbox (`told`), so that a restart tells nothing twice.
    """

    settle: timedelta
    _bad_since: dict[str, datetime] = field(default_factory=dict)
    _gone_since: dict[str, datetime] = field(default_factory=dict)

    def begun(self, faults: Iterable[Fault], told: Collection[str], now: datetime) -> list[Fault]:
        """Faults to tell of now."""
        there = {fault.key: fault for fault in faults}
        self._bad_since = {key: self._bad_since.get(key, now) for key in there}
        return [
            fault
            for key, fault in there.items()
            if key not in told and (not fault.waits or now - self._bad_since[key] >= self.settle)
        ]

    def over(self, seen: Sight, current: Collection[str], told: Collection[str]) -> list[str]:
        """Keys of faults that were told and have been gone for long enough."""
        gone = [key for key in told if is_over(key, seen, current)]
        self._gone_since = {key: self._gone_since.get(key, seen.now) for key in gone}
        return [key for key in gone if seen.now - self._gone_since[key] >= self.settle]


def fault_message(fault: Fault, sale: SaleRun | None, now: datetime, zone: ZoneInfo) -> Message:
    """The message that a fault began; its key carries the time, for the same fault may come again."""
    lines = [fault.detail, f"Seen at {moment(now, zone)}.", _of_sale(sale)]
    return Message(
        key=f"fault:{fault.key}:{now:%Y%m%dT%H%M%S}{now.microsecond // 1000:03d}",
        kind="fault",
        section=fault.section,
        subject=subject_line(f"{'URGENT: ' if fault.urgent else ''}{fault.subject}"),
        body=body_text([line for line in lines if line], fault.section),
        urgent=fault.urgent,
        born_at=now,
        sale_id=sale.sale_id if sale else None,
        opens=fault.key,
    )


def over_message(opened: Message, now: datetime, zone: ZoneInfo) -> Message:
    """The message that the fault `opened` stands for is over."""
    lines = [
        f"Over at {moment(now, zone)}.",
        f"It was told at {moment(opened.born_at, zone)}.",
    ]
    return Message(
        key=f"{opened.key}:over",
        kind="over",
        section=opened.section,
        subject=subject_line(f"Over: {opened.subject.removeprefix('URGENT: ')}"),
        body=body_text(lines, opened.section),
        urgent=opened.urgent,
        born_at=now,
        sale_id=opened.sale_id,
    )


def _of_sale(sale: SaleRun | None) -> str:
    return f"Sale: {sale.scenario} ({sale.sale_id})" if sale else ""
