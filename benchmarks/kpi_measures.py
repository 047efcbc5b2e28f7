"""The single measurements of the KPI benchmark: a run, the drain it is compared with, a scan, fewer cores."""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from statistics import median

from bson.codec_options import CodecOptions
from bson.raw_bson import RawBSONDocument
from pymongo.database import Database

from benchmarks import kpi_window_scan
from benchmarks.kpi_sale import BenchSale
from embedded.config import StackConfig
from embedded.environment import bin_folder
from embedded.processes import ProcessTable
from flashsale.errors import FlashsaleError
from flashsale.minutes import MINUTE
from flashsale.schema import FACTS
from flashsale.settings import Settings
from flashsale.stores.mongo import Document
from spark_jobs import minute_kpis
from spark_jobs.session import spark_session
from spark_jobs.submit_properties import write_submit_properties

_RAW: CodecOptions[RawBSONDocument] = CodecOptions(document_class=RawBSONDocument)
_COLD_SECONDS = 120


@dataclass(frozen=True)
class Series:
    """Wall seconds of repeated measurements of one thing."""

    seconds: tuple[float, ...]

    @property
    def median(self) -> float:
        return median(self.seconds)


def timed(work: Callable[[], object]) -> float:
    """Wall seconds of `work`."""
    began = time.monotonic()
    work()
    return time.monotonic() - began


def run_minute(bench: BenchSale, settings: Settings, minute: int, orders: int) -> float:
    """Wall seconds of the whole job for `minute`, as if it had just closed, until its snapshot was read back.

    Raises FlashsaleError when it counted anything but `orders` orders or rolled up another minute too.
    """
    bench.forget(minute)
    began = time.monotonic()
    report = minute_kpis.run(settings, bench.end_of(minute), bench.sale.sale_id)
    seconds = time.monotonic() - began
    if (report.orders, report.rebuilt_minutes, report.passes) != (orders, 1, 1):
        raise FlashsaleError(f"the benchmark's run is not the one it should be: {report.line()}")
    return seconds


def drain(database: Database[Document], start: datetime, end: datetime) -> float:
    """Wall seconds to take the facts of ``[start, end)`` over from MongoDB as raw documents, and no more."""
    began = time.monotonic()
    for table in FACTS:
        query = {table.event_time or "": {"$gte": start, "$lt": end}}
        for _ in database[table.name].with_options(_RAW).find(query):
            pass
    return time.monotonic() - began


def warm_scan(bench: BenchSale, settings: Settings, end: datetime) -> float:
    """Wall seconds of the window scan as a client of the warm server, its session included."""

    def scan() -> None:
        with spark_session(settings, "scan") as spark:
            kpi_window_scan.scan(spark, bench.sale.database, end - 15 * MINUTE, end)

    return timed(scan)


def cold_scan(bench: BenchSale, settings: Settings, end: datetime) -> float:
    """Wall seconds of the window scan by a spark-submit of its own."""
    properties = write_submit_properties(settings, f"local[{os.cpu_count()}]")
    window = [(end - 15 * MINUTE).isoformat(), end.isoformat()]
    command = [str(bin_folder() / "spark-submit"), "--properties-file", str(properties)]
    command += [str(Path(kpi_window_scan.__file__)), bench.sale.database, *window]
    # What this process's own client of Spark put into its environment is not for the child.
    environment = {name: value for name, value in os.environ.items() if not name.startswith("SPARK_")}
    environment["PYSPARK_PYTHON"] = sys.executable
    began = time.monotonic()
    done = subprocess.run(  # noqa: S603 - our own program
        command, capture_output=True, text=True, timeout=_COLD_SECONDS, check=False, env=environment
    )
    seconds = time.monotonic() - began
    if done.returncode:
        raise FlashsaleError(f"spark-submit of the scan failed: {done.stderr.strip().splitlines()[-1][:200]}")
    return seconds


@contextmanager
def on_cores(config: StackConfig, cores: int) -> Iterator[None]:
    """Bind this process and every service to the machine's first `cores` cores meanwhile.

    Raises FlashsaleError when the machine has fewer.
    """
    all_cores = os.sched_getaffinity(0)
    if cores > len(all_cores):
        raise FlashsaleError(f"this machine has {len(all_cores)} cores, the measurement needs {cores}")
    _bind(config, set(sorted(all_cores)[:cores]))
    try:
        yield
    finally:
        _bind(config, all_cores)


def _bind(config: StackConfig, cores: set[int]) -> None:
    # Twice: a thread started while the first round went on has its parent's old cores.
    for _ in range(2):
        for pid in (os.getpid(), *ProcessTable(config.stack_id).marked):
            for task in _threads(pid):
                try:
                    os.sched_setaffinity(task, cores)
                except ProcessLookupError:
                    continue


def _threads(pid: int) -> list[int]:
    try:
        return [int(name) for name in os.listdir(f"/proc/{pid}/task")]  # noqa: PTH208 - names, not paths
    except FileNotFoundError:
        return []


def say(line: str) -> None:
    """Progress, for whoever waits."""
    sys.stderr.write(f"{line}\n")
