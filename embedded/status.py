"""`make status`: one line per service, and whether all is well."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from embedded.airflow import airflow_health
from embedded.catalog import catalog
from embedded.config import StackConfig
from embedded.minute_line import STALE_SECONDS, read_published
from embedded.processes import ProcessTable, pss_bytes
from embedded.run_records import RunRecord, read_records, supervisor_pid
from embedded.service import NotAnsweringError, Service
from embedded.writer_age import writer_age_seconds
from flashsale.errors import FlashsaleError, one_line
from flashsale.minutes import parse_iso, utc_now
from flashsale.stores.context import active_sale_id
from flashsale.stores.health import read_health
from flashsale.stores.redis_client import redis_client, redis_errors

_MB = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Line:
    """One row of the table; `well` decides the exit code."""

    name: str
    state: str
    address: str
    memory_bytes: int | None
    result: str
    well: bool

    def text(self) -> str:
        memory = "-" if self.memory_bytes is None else f"{self.memory_bytes / _MB:,.0f} MB"
        return f"{self.name:<22} {self.state:<14} {self.address:<24} {memory:>9}  {self.result}"


def status(config: StackConfig) -> int:
    """Print the table; 0 only when every service answers and the KPIs are fresh."""
    if not config.secrets_dir.exists():
        print("nothing was started yet; `make demo` starts the stack")
        return 1
    services = {name: service for name, service in catalog(config).items() if not service.one_shot}
    records = {record.service: record for record in read_records(config.run)}
    table = ProcessTable(config.stack_id)
    with ThreadPoolExecutor(max_workers=len(services)) as pool:
        lines = list(pool.map(lambda s: _service_line(config, s, records.get(s.name), table), services.values()))
        if any(line.state != "stopped" for line in lines):
            lines += [_kpi_line(config), _archive_line(config)]
    supervisor = supervisor_pid(config.run)
    lines.append(_supervisor_line(supervisor))
    print(f"{'service':<22} {'state':<14} {'address':<24} {'memory':>9}  last good result")
    for line in lines:
        print(line.text())
    total = sum(line.memory_bytes or 0 for line in lines)
    well = all(line.well for line in lines)
    print(f"{'total':<22} {'well' if well else 'NOT WELL':<14} {'':<24} {total / _MB:>6,.0f} MB")
    return 0 if well else 1


def _service_line(config: StackConfig, service: Service, record: RunRecord | None, table: ProcessTable) -> Line:
    pids = table.members(record.process if record else None, service.name)
    if not pids and (record is None or record.state != "restarting"):
        return Line(service.name, "stopped", service.address, None, "-", False)
    memory = pss_bytes(pids)
    restarts = f", restarts: {record.restarts}" if record and record.restarts else ""
    if record is not None and record.state == "restarting":
        return Line(service.name, "restarting", service.address, memory, f"-{restarts}", False)
    try:
        service.probe()
    except NotAnsweringError as error:
        return Line(service.name, "not answering", service.address, memory, one_line(error)[:100] + restarts, False)
    return Line(service.name, "answers", service.address, memory, _own_result(config, service.name) + restarts, True)


def _own_result(config: StackConfig, name: str) -> str:
    """What a service that just answered has produced last."""
    special: dict[str, Callable[[StackConfig], str]] = {
        "generator": _writer_result,
        "airflow-api": _airflow_result,
        "notifier": _notifier_result,
    }
    try:
        return special[name](config) if name in special else "0 s old (this request)"
    except FlashsaleError as error:
        return one_line(error)[:100]


def _writer_result(config: StackConfig) -> str:
    age = writer_age_seconds(config)
    return "nothing acknowledged yet" if age is None else f"{max(0.0, age):.0f} s old (watermark)"


def _notifier_result(config: StackConfig) -> str:
    with redis_errors("notifier"), redis_client(config.settings, "dashboard_read") as client:
        sale_id = active_sale_id(client)
        health = read_health(client, sale_id, {"notifier": "notifier"})["notifier"] if sale_id else None
    if health is None:
        return "nothing said yet"
    age = (utc_now() - parse_iso(health["at"])).total_seconds()
    failed = "" if health["state"] == "ok" else "FAILED: "
    return f"{max(0.0, age):.0f} s old ({failed}{health['detail'][:80]})"


def _airflow_result(config: StackConfig) -> str:
    parts = airflow_health(config)
    return "0 s old (" + ", ".join(f"{name} {state}" for name, state in parts.items()) + ")"


def _kpi_line(config: StackConfig) -> Line:
    try:
        published = read_published(config)
    except FlashsaleError as error:
        return Line("minute KPIs", "unknown", "", None, one_line(error)[:100], False)
    age = None if published is None else published.age_seconds(utc_now())
    if published is None or age is None:
        return Line("minute KPIs", "none yet", "", None, "nothing published for the live sale", False)
    fresh = age <= STALE_SECONDS or published.ended
    return Line(
        "minute KPIs", "fresh" if fresh else "STALE", "", None, f"{age:.0f} s old ({published.snapshot_id})", fresh
    )


def _archive_line(config: StackConfig) -> Line:
    """The archive has nothing to say before facts are old enough; what failed is not well."""
    try:
        with redis_errors("archive"), redis_client(config.settings, "dashboard_read") as client:
            sale_id = active_sale_id(client)
            parts = {"job": "archive", "dag": "dag:archive_facts"}
            health = read_health(client, sale_id, parts) if sale_id else {"job": None, "dag": None}
    except FlashsaleError as error:
        return Line("archive", "unknown", "", None, one_line(error)[:100], False)
    job, dag = health["job"], health["dag"]
    if dag is not None and dag["state"] != "ok":
        return Line("archive", "FAILED", "", None, dag["detail"][:100] or "see the DAG archive_facts", False)
    if job is None:
        return Line("archive", "quiet", "", None, "nothing archived in the last periods", True)
    age = (utc_now() - parse_iso(job["at"])).total_seconds()
    return Line("archive", job["state"], "", None, f"{age:.0f} s old ({job['detail'][:80]})", job["state"] == "ok")


def _supervisor_line(pid: int | None) -> Line:
    if pid is None:
        return Line("supervisor", "stopped", "", None, "`make demo` starts the stack", False)
    return Line("supervisor", "running", f"pid {pid}", pss_bytes([pid]), "-", True)
