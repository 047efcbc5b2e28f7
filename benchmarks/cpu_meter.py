"""CPU time of this process and of the services behind it, by phase of a benchmark."""

import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager

import psutil

from embedded.config import StackConfig
from embedded.processes import ProcessTable
from embedded.run_records import read_records

CLIENT = "client"


class CpuMeter:
    """Adds up CPU seconds (user and system) per phase and process; phases may be entered many times.

    `client` is this process; the others are the services that run when the meter is made.
    """

    def __init__(self, config: StackConfig) -> None:
        table = ProcessTable(config.stack_id)
        self._processes = {
            record.service: [psutil.Process(pid) for pid in sorted(table.members(record.process, record.service))]
            for record in read_records(config.run)
        }
        self._seconds: dict[tuple[str, str], float] = defaultdict(float)

    def seconds(self, phase: str, *processes: str) -> float:
        """CPU seconds of the named processes together in `phase`.  Raises KeyError for one that was not metered."""
        return sum(self._seconds[phase, name] for name in processes if self._known(name))

    @contextmanager
    def phase(self, name: str) -> Iterator[None]:
        """Charge what happens in the block to `name`."""
        before = self._now()
        try:
            yield
        finally:
            for process, seconds in self._now().items():
                self._seconds[name, process] += seconds - before[process]

    def _known(self, name: str) -> bool:
        if name != CLIENT and name not in self._processes:
            raise KeyError(f"{name} is not among the metered processes: {', '.join(self._processes)}")
        return True

    def _now(self) -> dict[str, float]:
        times = {name: sum(_cpu_seconds(p) for p in processes) for name, processes in self._processes.items()}
        return {CLIENT: time.process_time(), **times}


def _cpu_seconds(process: psutil.Process) -> float:
    times = process.cpu_times()
    return float(times.user + times.system)
