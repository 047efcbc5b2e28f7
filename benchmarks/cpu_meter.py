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
        self._config = config
        self._leaders = {record.service: record.process for record in read_records(config.run)}
        self._seconds: dict[tuple[str, str], float] = defaultdict(float)

    def seconds(self, phase: str, *processes: str) -> float:
        """CPU seconds of the named processes together in `phase`.  Raises KeyError for one that was not metered."""
        return sum(self._seconds[phase, name] for name in processes if self._known(name))

    @contextmanager
    def phase(self, name: str) -> Iterator[None]:
        """Charge what happens in the block to `name`."""
        before, client = self._services(), time.process_time()
        try:
            yield
        finally:
            # Looking at the services costs this process something, and is none of the phase's work.
            self._seconds[name, CLIENT] += time.process_time() - client
            for process, seconds in self._services().items():
                self._seconds[name, process] += seconds - before[process]

    def _known(self, name: str) -> bool:
        if name != CLIENT and name not in self._leaders:
            raise KeyError(f"{name} is not among the metered processes: {', '.join(self._leaders)}")
        return True

    def _services(self) -> dict[str, float]:
        # Asked anew each time: Spark's Python workers come and go.
        table = ProcessTable(self._config.stack_id)
        return {
            service: sum(_cpu_seconds(pid) for pid in table.members(leader, service))
            for service, leader in self._leaders.items()
        }


def _cpu_seconds(pid: int) -> float:
    """Of the process, and of its children that have ended."""
    try:
        times = psutil.Process(pid).cpu_times()
    except psutil.NoSuchProcess:
        return 0.0
    return float(times.user + times.system + times.children_user + times.children_system)
