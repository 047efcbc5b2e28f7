"""The generator as it is started, two workers and as fast as it goes: how much it stores, in which memory."""

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, TextIO

import psutil

from benchmarks.generator_pass import Pass
from embedded.config import ROOT, StackConfig
from embedded.environment import base_environment, settings_environment
from flashsale.errors import FlashsaleError
from flashsale.sale_run import SaleRun
from flashsale.schema import FACTS
from flashsale.stores.mongo import Client
from flashsale.stores.sales import find_sale

WORKERS = 2
POLL_SECONDS = 0.01
_WORKER_MARK = "spawn_main"


@dataclass(frozen=True, slots=True)
class FactSizes:
    """Bytes of all facts of a sale: as BSON, in their files, in their indexes' files."""

    documents: int
    bson: int
    disk: int
    indexes: int


def store(config: StackConfig, owner: Client, sale: SaleRun, ticks: int | None) -> Pass:
    """Run the generator over the first `ticks` of the sale, all of it without a number.

    Time begins with the first tick, when the sale goes live: starting processes is not storing.
    """
    bounds = ["--max-ticks", str(ticks)] if ticks else []
    stored: Pass | None = None
    with _generator(config, "--sale", sale.sale_id, "--speed", "max", "--workers", str(WORKERS), *bounds) as process:
        while find_sale(owner, sale.sale_id).phase == "planned" and process.poll() is None:
            time.sleep(POLL_SECONDS)
        began, memory = time.monotonic(), []
        leader = psutil.Process(process.pid)
        workers = _workers(leader)
        cpu_before = sum(map(_cpu_seconds, [leader, *workers]))
        for line in process.stdout or ():
            told: dict[str, Any] = json.loads(line)
            if told["event"] == "progress":
                memory.append((told["tick"], [_memory(worker) for worker in workers]))
            if told["event"] == "finished":
                seconds = time.monotonic() - began
                # The workers have ended: what they took is among what their leader waited for.
                cpu_seconds = _cpu_seconds(leader, waited_for=True) - cpu_before
                stored = Pass(told["orders"] + told["inventory_events"], seconds, cpu_seconds, memory=memory)
    in_store = fact_sizes(owner, sale).documents
    if stored is None or stored.documents != in_store:
        raise FlashsaleError(
            f"{sale.sale_id}: MongoDB has {in_store} documents, the generator told of "
            f"{stored.documents if stored else 'no end'}"
        )
    return stored


def fact_sizes(owner: Client, sale: SaleRun) -> FactSizes:
    """What MongoDB says of the sale's facts; call it after an fsync."""
    stats = [owner[sale.database].command("collStats", table.name) for table in FACTS]
    names = ("count", "size", "storageSize", "totalIndexSize")
    return FactSizes(*(sum(int(one[name]) for one in stats) for name in names))


@contextmanager
def _generator(config: StackConfig, *arguments: str) -> Iterator["subprocess.Popen[str]"]:
    """``flashsale-generate run --json``; raises FlashsaleError with what it said when it failed."""
    environment = {**base_environment(config.stack_id, "generator"), **settings_environment(config)}
    argv = [sys.executable, "-m", "generator.cli", "run", "--json", *arguments]
    with tempfile.TemporaryFile("w+") as said:
        process = subprocess.Popen(  # noqa: S603 - the project's own program
            argv, cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=said, text=True
        )
        try:
            yield process
            process.wait(60)
        finally:
            if process.poll() is None:
                process.terminate()
                process.wait(60)
        if process.returncode:
            raise FlashsaleError(f"the generator failed: {_last_line(said)}")


def _last_line(said: TextIO) -> str:
    said.seek(0)
    lines = said.read().splitlines()
    return lines[-1] if lines else "it did not say why"


def _workers(leader: psutil.Process) -> list[psutil.Process]:
    return [child for child in leader.children() if any(_WORKER_MARK in word for word in child.cmdline())]


def _cpu_seconds(process: psutil.Process, *, waited_for: bool = False) -> float:
    times = process.cpu_times()
    own = float(times.user + times.system)
    return own + float(times.children_user + times.children_system) if waited_for else own


def _memory(worker: psutil.Process) -> int:
    """0 for one that has ended."""
    try:
        return int(worker.memory_full_info().pss)
    except psutil.Error:
        return 0
