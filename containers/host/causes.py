"""Which trouble comes from which: what needs something unwell is probably unwell because of it."""

from __future__ import annotations

from collections.abc import Collection, Mapping

Needs = Mapping[str, "tuple[str, ...]"]

_ARCHIVE = ("airflow-scheduler", "airflow-dag-processor", "airflow-api", "mongo", "redis", "namenode", "datanode")
RUNTIME_NEEDS: dict[str, tuple[str, ...]] = {
    # The compose file orders the start; these are what each needs while it runs.
    "generator": ("mongo",),
    "dashboard": ("redis",),
    # Without Redis it goes on, and tells that Redis is away.
    "notifier": ("mongo",),
    "spark-connect": ("spark-master", "spark-worker"),
    "minute_kpis": ("airflow-scheduler", "airflow-dag-processor", "airflow-api", "mongo", "redis", "spark-connect"),
    "archive_facts": _ARCHIVE,
    "archive_maintenance": _ARCHIVE,
    "retention": ("airflow-scheduler", "airflow-dag-processor", "airflow-api", "mongo", "redis"),
    "seed_dimensions": ("airflow-scheduler", "airflow-dag-processor", "airflow-api", "mongo", "redis"),
    "backfill_kpis": ("airflow-scheduler", "airflow-dag-processor", "airflow-api", "mongo", "spark-connect"),
    "minute KPIs": ("minute_kpis", "generator"),
    "watermark": ("generator", "mongo"),
}


def with_runtime_needs(needs: Needs) -> dict[str, tuple[str, ...]]:
    """`needs` of the compose file, and what the parts need besides while they run."""
    merged = {name: tuple(others) for name, others in needs.items()}
    for name, others in RUNTIME_NEEDS.items():
        merged[name] = tuple(dict.fromkeys((*merged.get(name, ()), *others)))
    return merged


def in_order(needs: Needs) -> list[str]:
    """Every name after what it needs; a circle is cut where it is met."""
    done: list[str] = []
    seen: set[str] = set()

    def visit(name: str) -> None:
        if name in seen:
            return
        seen.add(name)
        for other in sorted(needs.get(name, ())):
            visit(other)
        done.append(name)

    for name in sorted(needs):
        visit(name)
    return done


def causes_of(name: str, needs: Needs, unwell: Collection[str], finished: Collection[str] = ()) -> list[str]:
    """The unwell things that `name` needs, directly or not, and that need nothing unwell themselves.

    What a `finished` one-shot needed no longer matters: it passes nothing on.
    """
    reached = _unwell_needs(name, needs, unwell, finished)
    return [other for other in sorted(reached) if not _unwell_needs(other, needs, unwell, finished) - {name}]


def because_of(causes: list[str]) -> str:
    """Words for `causes`; empty for none."""
    return f" (probably because of {' and '.join(causes)})" if causes else ""


def _unwell_needs(name: str, needs: Needs, unwell: Collection[str], finished: Collection[str]) -> set[str]:
    reached: set[str] = set()
    waiting = list(needs.get(name, ()))
    seen: set[str] = set()
    while waiting:
        other = waiting.pop()
        if other in seen or other == name:
            continue
        seen.add(other)
        if other in unwell:
            reached.add(other)
        if other not in finished:
            waiting.extend(needs.get(other, ()))
    return reached
