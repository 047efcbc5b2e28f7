"""From what was seen of each minute to figures: how old a snapshot is when it is readable, and why."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from statistics import median

from benchmarks.freshness_airflow import TaskTimes
from benchmarks.freshness_watch import Sighting
from benchmarks.report import Figure

MISSED_SECONDS = 60.0
"""A minute without a snapshot of its own counts as this old: the next one was due."""

_MEANINGS = {
    "queued": "scheduler: boundary to queued",
    "executor": "scheduler: queued to task process",
    "task_start": "task process to the job's first line",
    "connect": "job: log in to Redis and MongoDB, check the sale",
    "watermark": "job: wait for the watermark",
    "session": "job: open a Spark session",
    "spark": "job: rollups and KPI passes",
    "publish": "job: assemble, write, read back",
}


@dataclass(frozen=True, slots=True)
class Minute:
    """One boundary; `age` in seconds until its snapshot was readable, `split` in seconds per stage, in order.

    Both are empty where nothing was seen.
    """

    end: datetime
    age: float | None
    split: Mapping[str, float]
    complete: bool
    orders: int
    tries: int


def minute_of(end: datetime, seen: Sighting | None, task: TaskTimes | None) -> Minute:
    """Put together what the watch saw and what Airflow tells of the boundary `end`."""
    tries = task.tries if task else 0
    if seen is None:
        return Minute(end, None, {}, complete=False, orders=0, tries=tries)
    split: dict[str, float] = {}
    if task is not None and seen.stages is not None:
        split["queued"] = (task.queued - end).total_seconds()
        split["executor"] = (task.started - task.queued).total_seconds()
        split["task_start"] = (seen.stages.began - task.started).total_seconds()
        split.update(seen.stages.seconds)
    return Minute(end, (seen.readable - end).total_seconds(), split, seen.complete, seen.orders, tries)


def figures(minutes: Sequence[Minute]) -> tuple[list[Figure], list[Figure]]:
    """The goals and what surrounds them; the medians of the split.  `minutes` are at least one."""
    ages = sorted(MISSED_SECONDS if minute.age is None else minute.age for minute in minutes)
    published = [minute for minute in minutes if minute.age is not None]
    goals = [
        Figure("freshness_p50", median(ages), "s", "minute boundary to readable in Redis, median", "<=3"),
        # The nearest rank: with few minutes the worst one, never a value between two.
        Figure(
            "freshness_p95",
            ages[math.ceil(0.95 * len(ages)) - 1],
            "s",
            "the same, 95th percentile (nearest rank)",
            "<=5",
        ),
        Figure("minutes_missed", len(minutes) - len(published), "", "minutes without a snapshot", "<=0"),
        Figure("minutes_measured", len(minutes), "", "minutes in all"),
        Figure("minutes_incomplete", sum(not m.complete for m in published), "", "published before the watermark came"),
        Figure("minutes_retried", sum(minute.tries > 1 for minute in minutes), "", "minutes whose task was retried"),
    ]
    if published:
        orders = median(minute.orders for minute in published)
        goals.append(Figure("orders_per_minute", orders, "orders", "orders of a minute, median"))
    split = [Figure(f"split_{n}", median(_of(minutes, n)), "s", _MEANINGS.get(n, f"job: {n}")) for n in names(minutes)]
    return goals, split


def names(minutes: Sequence[Minute]) -> list[str]:
    """The stages any minute told, in their order."""
    return list(dict.fromkeys(name for minute in minutes for name in minute.split))


def table(minutes: Sequence[Minute]) -> str:
    """A line per minute, for people: its age, and the seconds of each stage."""
    stages = names(minutes)
    rows = [["minute", "readable", *stages]]
    for minute in minutes:
        age = "missed" if minute.age is None else f"{minute.age:.2f}"
        rows.append(
            [f"{minute.end:%H:%M}", age, *(f"{minute.split[n]:.2f}" if n in minute.split else "-" for n in stages)]
        )
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return "\n".join("  ".join(text.rjust(width) for text, width in zip(row, widths, strict=True)) for row in rows)


def _of(minutes: Sequence[Minute], name: str) -> list[float]:
    return [minute.split[name] for minute in minutes if name in minute.split]
