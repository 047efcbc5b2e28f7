"""The pipeline: its figures, its facts and its DAGs."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from containers.host.answers import parse_time
from containers.host.findings import Finding, ok, one_line, problem, warning
from containers.host.pipeline import STALE_SECONDS, WATERMARK_SECONDS, Pulse

AHEAD_SECONDS = 5.0
FIRST_FIGURES_SECONDS = 180.0
BY_HAND = ("backfill_kpis",)
# Run again within minutes, whatever happened.
BY_ITSELF = ("minute_kpis", "archive_facts")

Because = Callable[[str], str]


def check_pipeline(pulse: Pulse, now: datetime, because: Because) -> list[Finding]:
    """`because` gives the words for what a part is probably unwell of, empty for nothing."""
    findings = check_stores(pulse, because)
    findings += check_watermark(pulse, because)
    findings += check_dags(pulse, because)
    findings += check_messages(pulse)
    return findings + check_figures(pulse, now, because)


def check_stores(pulse: Pulse, because: Because) -> list[Finding]:
    """What did not answer the pipeline itself, though its container may look well."""
    names = {"airflow": "postgres"}
    return [
        problem(names.get(part, part), f"does not answer the pipeline: {one_line(reason, 160)}{because(part)}")
        for part, reason in pulse.troubles.items()
    ]


def check_watermark(pulse: Pulse, because: Because) -> list[Finding]:
    """How far the acknowledged facts reach; in the future means that a clock is off."""
    age = pulse.watermark_age
    if age is None or not pulse.is_live:
        return []
    if age < -AHEAD_SECONDS:
        text = f"the newest facts are {-age:.0f} s in the future of the containers' clock"
        return [problem("clock", text, "the clock was set back; it must catch up before figures move on")]
    if age > WATERMARK_SECONDS:
        text = f"no fact was acknowledged in the last {age:.0f} s{because('watermark')}"
        return [problem("watermark", text, "`docker compose logs generator` tells more")]
    return [ok("watermark", f"facts are acknowledged up to {max(0.0, age):.0f} s ago")]


def check_dags(pulse: Pulse, because: Because) -> list[Finding]:
    """Each DAG that failed, is switched off or cannot be loaded; one run by hand is only warned of."""
    findings = [problem("DAG file", one_line(error)) for error in pulse.import_errors]
    for name, dag in pulse.dags.items():
        mark = warning if name in BY_HAND else problem
        if dag.paused:
            findings.append(mark(name, "the DAG is paused", "switch it on in Airflow"))
        if dag.state == "failed":
            line = dag.error or "it logged no reason; see its log in Airflow"
            again = "" if name in BY_ITSELF else "trigger it again in Airflow"
            findings.append(mark(name, f"the DAG failed: {one_line(line)}{because(name)}", again))
    return findings or [ok("DAGs", f"{sum(dag.state == 'ok' for dag in pulse.dags.values())} ran well lately")]


def check_messages(pulse: Pulse) -> list[Finding]:
    """A target of the notifier that cannot be used, or messages that do not get through."""
    if pulse.notifier is None or pulse.notifier["state"] == "ok":
        return []
    way_out = "`docker compose exec notifier flashsale-notify status` tells more, `make notify-test` tries each target"
    return [problem("messages", f"not all are delivered: {one_line(pulse.notifier['detail'], 160)}", way_out)]


def check_figures(pulse: Pulse, now: datetime, because: Because) -> list[Finding]:
    """Whether the page shows fresh figures."""
    name = "minute KPIs"
    if "redis" in pulse.troubles:
        return [problem(name, "unknown: Redis does not answer")]
    if pulse.sale_id is None:
        return [problem(name, "no sale is open", "`docker compose logs sale` tells why")]
    if pulse.phase == "ended":
        return [ok(name, f"the sale {pulse.sale_id} has ended")]
    if pulse.phase == "planned":
        return [ok(name, f"the sale {pulse.sale_id} begins at {pulse.sale_start}")]
    if pulse.snapshot_age is None:
        start = parse_time(pulse.sale_start or "")
        first = start is None or (now - start).total_seconds() < FIRST_FIGURES_SECONDS
        text = "nothing is published yet"
        return (
            [warning(name, f"{text}; the first figures come a minute after the first orders")]
            if first
            else [problem(name, f"{text}, though the sale runs since {pulse.sale_start}{because(name)}")]
        )
    age = f"{max(0.0, pulse.snapshot_age):.0f} s old ({pulse.snapshot_id})"
    if pulse.snapshot_age > STALE_SECONDS:
        text = f"stale: {age}, {STALE_SECONDS:.0f} s are allowed{because(name)}"
        return [problem(name, text, "the DAG minute_kpis in Airflow tells more")]
    if pulse.complete is False:
        return [warning(name, f"{age}, published before all its facts had arrived")]
    return [ok(name, age)]
