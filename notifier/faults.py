"""Which faults of the pipeline there are at a moment, pure."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta

from flashsale.freshness import freshness, writer_is_behind
from flashsale.minutes import iso
from flashsale.settings import Settings
from notifier.message import plain
from notifier.sight import Sight

PARTS = {
    "kpi": "kpi_failed",
    "archive": "archive_failed",
    "archive_verification": "archive_check_failed",
    "retention": "retention_failed",
}
"""Tail of a health key -> what its failure is called in the runbook."""
_DAG_OF = {"kpi": "minute_kpis", "archive": "archive_facts", "retention": "retention"}
"""Tail of a part's health key -> the DAG that runs it: both fail of one cause, and the part knows the reason."""
URGENT = frozenset(
    {"redis_unreachable", "mongo_unreachable", "unreadable", "stale", "no_data", "generator_behind", "kpi_failed"}
)
ALARMS = frozenset({*URGENT, *PARTS.values(), "dag_failed", "low_quality"})
"""Everything the notifier tells besides alerts and digests; each has its section in the runbook."""
_FIRST_FIGURES = timedelta(minutes=3)
_DAG = "dag:"


@dataclass(frozen=True, slots=True)
class Fault:
    """`key` names it while it lasts (``dag_failed:minute_kpis``); `waits`: told only once it lasted for a while."""

    key: str
    section: str
    subject: str
    detail: str
    waits: bool = False

    @property
    def urgent(self) -> bool:
        return self.section in URGENT


def faults(seen: Sight, settings: Settings) -> list[Fault]:
    """The faults that can be seen.  Before a sale starts and after it ended nothing is expected of its figures."""
    if seen.sale is None:
        return []
    if seen.redis_problem is not None:
        text = f"{seen.redis_problem}. The page shows nothing; orders and stock are not affected."
        return [Fault("redis_unreachable", "redis_unreachable", "Redis does not answer", text, waits=True)]
    if seen.figures_problem is not None:
        text = f"What the pipeline published is incomplete or damaged ({plain(seen.figures_problem, 200)})."
        return [Fault("unreadable", "unreadable", "The published figures cannot be read", text, waits=True)]
    return [*_of_figures(seen, settings), *_of_parts(seen)]


def is_over(key: str, seen: Sight, current: Collection[str]) -> bool:
    """Whether an earlier fault is known to be over; what cannot be seen now is not.

    `current` are the keys of the faults there are.  A part that failed and fell silent has not recovered.
    """
    if key in current:
        return False
    if key == "mongo_unreachable":
        return True
    if seen.redis_problem is not None or (seen.figures_problem is not None and key != "redis_unreachable"):
        return False
    section, _, tail = key.partition(":")
    if section == "dag_failed":
        return _is_well(seen, _DAG + tail)
    if section in PARTS.values():
        return _is_well(seen, next(part for part, name in PARTS.items() if name == section))
    return True


def _is_well(seen: Sight, tail: str) -> bool:
    report = seen.health.get(tail)
    return report is not None and report["state"] == "ok"


def _of_figures(seen: Sight, settings: Settings) -> list[Fault]:
    sale = seen.sale
    if sale is None or seen.now < sale.sale_start:
        return []
    if seen.meta is None:
        if sale.phase == "ended" or seen.now >= sale.sale_end or seen.now - sale.sale_start < _FIRST_FIGURES:
            return []
        text = f"The sale runs since {iso(sale.sale_start)}, and no minute of it is published."
        return [Fault("no_data", "no_data", "No figures of the live sale", text)]
    found = []
    fresh = freshness(seen.meta, seen.sale_view, seen.now, settings)
    if fresh.state == "stale":
        minutes = max(1, int(fresh.age_seconds) // 60)
        text = f"Nothing newer than {iso(fresh.through)} has arrived; the page shows figures of {minutes} min ago. "
        found.append(Fault("stale", "stale", "The figures are stale", text + _why(seen)))
    elif writer_is_behind(seen.meta):
        text = f"Minutes are published, but the orders in them reach only to {iso(fresh.through)}."
        found.append(Fault("generator_behind", "generator_behind", "The generator is behind", text, waits=True))
    if seen.quality is not None and seen.quality < settings.notify_quality_below:
        text = f"Data quality is {seen.quality:.1%}, below {settings.notify_quality_below:.1%}."
        found.append(Fault("low_quality", "low_quality", "The data quality is low", text, waits=True))
    return found


def _of_parts(seen: Sight) -> list[Fault]:
    found = []
    for tail, report in sorted(seen.health.items()):
        if report["state"] != "failed":
            continue
        said = f"{_at(report['at'])}: {plain(report['detail'], 300) or 'it gave no reason; see its log'}"
        if tail in PARTS:
            # Airflow tries again within seconds: only what fails for longer is told.
            found.append(Fault(PARTS[tail], PARTS[tail], f"The {tail} job fails", said, waits=tail == "kpi"))
        elif tail.startswith(_DAG):
            dag = plain(tail.removeprefix(_DAG))
            part = next((seen.health.get(part) for part, name in _DAG_OF.items() if name == dag), None)
            if part is None or part["state"] == "ok":
                # A part that is well again says so a moment before its DAG does.
                fault = Fault(f"dag_failed:{dag}", "dag_failed", f"The DAG {dag} failed", said, waits=part is not None)
                found.append(fault)
    return found


def _why(seen: Sight) -> str:
    failed = [tail for tail, report in sorted(seen.health.items()) if report["state"] == "failed"]
    if failed:
        return f"Failed: {', '.join(plain(tail) for tail in failed)}."
    if seen.meta is not None and writer_is_behind(seen.meta):
        return "Minutes are still published, but no orders reach them."
    silent = [tail for tail in ("kpi", "dag:minute_kpis") if tail not in seen.health]
    return f"No word from {' and '.join(silent)}." if silent else "The parts report no failure."


def _at(text: str) -> str:
    try:
        return iso(datetime.fromisoformat(text))
    except ValueError:
        return plain(text)
