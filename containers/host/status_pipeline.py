"""The pipeline's rows of `status`: figures, watermark, archive, and each DAG."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from containers.host.answers import parse_time
from containers.host.checks_pipeline import BY_HAND
from containers.host.findings import one_line
from containers.host.pipeline import STALE_SECONDS, WATERMARK_SECONDS, Dag, Pulse


@dataclass(frozen=True)
class Row:
    """State and last good result of a part."""

    name: str
    state: str
    result: str
    well: bool


def pipeline_lines(pulse: Pulse, now: datetime) -> list[Row]:
    """Rows for what the pipeline told; what it could not ask is unknown and not well."""
    dags = [_dag(name, dag, now) for name, dag in pulse.dags.items()]
    return [_figures(pulse), _watermark(pulse), _archive(pulse, now), _messages(pulse, now), *dags]


def _figures(pulse: Pulse) -> Row:
    name = "minute KPIs"
    if "redis" in pulse.troubles:
        return Row(name, "unknown", one_line(pulse.troubles["redis"], 100), False)
    if pulse.sale_id is None:
        return Row(name, "none yet", "no sale is open", False)
    if pulse.phase == "planned":
        return Row(name, "waiting", f"the sale {pulse.sale_id} begins at {pulse.sale_start}", True)
    ended = pulse.phase == "ended"
    if pulse.snapshot_age is None:
        return Row(name, "none yet", f"nothing published for the sale {pulse.sale_id}", False)
    fresh = pulse.snapshot_age <= STALE_SECONDS
    state = "final" if ended else "fresh" if fresh else "STALE"
    early = "" if pulse.complete else ", published before all its facts had arrived"
    return Row(name, state, f"{max(0.0, pulse.snapshot_age):.0f} s old ({pulse.snapshot_id}){early}", fresh or ended)


def _watermark(pulse: Pulse) -> Row:
    if "mongo" in pulse.troubles:
        return Row("watermark", "unknown", one_line(pulse.troubles["mongo"], 100), False)
    age = pulse.watermark_age
    if age is None:
        return Row("watermark", "none yet", "nothing acknowledged for the live sale", pulse.phase == "planned")
    well = age <= WATERMARK_SECONDS or not pulse.is_live
    return Row("watermark", "moving" if well else "LATE", f"{max(0.0, age):.0f} s old", well)


def _archive(pulse: Pulse, now: datetime) -> Row:
    """The archive has nothing to say before facts are old enough."""
    if "redis" in pulse.troubles:
        return Row("archive", "unknown", "", False)
    if pulse.archive is None:
        return Row("archive", "quiet", "nothing archived in the last periods", True)
    well = pulse.archive["state"] == "ok"
    return Row("archive", "ok" if well else "FAILED", _told(pulse.archive["at"], pulse.archive["detail"], now), well)


def _messages(pulse: Pulse, now: datetime) -> Row:
    """The notifier says what waits; whether it lives is its container's row."""
    if pulse.notifier is None:
        return Row("messages", "unknown" if "redis" in pulse.troubles else "quiet", "", "redis" not in pulse.troubles)
    well = pulse.notifier["state"] == "ok"
    return Row("messages", "ok" if well else "FAILED", _told(pulse.notifier["at"], pulse.notifier["detail"], now), well)


def _dag(name: str, dag: Dag, now: datetime) -> Row:
    label = f"DAG {name}"
    if dag.paused:
        return Row(label, "PAUSED", "switch it on in Airflow", name in BY_HAND)
    if dag.state == "failed":
        return Row(label, "FAILED", _told(dag.at, dag.error, now), name in BY_HAND)
    if dag.state is None:
        return Row(label, "quiet", "no run has ended in its last periods", True)
    return Row(label, "ok", _told(dag.at, "", now), True)


def _told(at: str | None, detail: str, now: datetime) -> str:
    moment = parse_time(at or "")
    age = "" if moment is None else f"{max(0.0, (now - moment).total_seconds()):.0f} s old"
    words = one_line(detail, 120)
    return f"{age} ({words})" if age and words else age or words
