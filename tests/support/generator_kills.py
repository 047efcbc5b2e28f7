"""Kill a generator, and tell where that met it: between two writes, or inside one."""

import subprocess
import time
from dataclasses import dataclass
from typing import Any

import psutil

from flashsale.schema import CHECKPOINTS, FACTS, ORDERS
from flashsale.settings import Settings
from generator.ids import SEQUENCE_BITS, SHARD_BITS
from tests.support.generator_runs import Documents, start_generator

_TICK = 1 << (SHARD_BITS + SEQUENCE_BITS)
_SHARD = 1 << SEQUENCE_BITS


@dataclass(frozen=True, slots=True)
class Remains:
    """Facts that a killed run stored and never acknowledged; `is_partial`: not whole ticks, a write was cut off."""

    facts: int
    is_partial: bool


def acked_ticks(database: Documents, shards: int) -> dict[int, int]:
    """Shard -> last acknowledged tick, -1 before the first."""
    return dict.fromkeys(range(shards), -1) | {c["_id"]: c["tick"] for c in database[CHECKPOINTS].find({}, {"tick": 1})}


class Victim:
    """A generator with `workers` that was just started and will be killed."""

    def __init__(self, settings: Settings, workers: int) -> None:
        arguments = ("--speed", "max", "--workers", str(workers))
        self.process = start_generator(settings, *arguments)
        # Whom the leader has started cannot be found any more once it is dead.
        leader, expected = psutil.Process(self.process.pid), 0 if workers == 1 else workers
        self._children: list[psutil.Process] = []
        while len(self._children) < expected:
            assert self.process.poll() is None, "it ended before it could be killed"
            self._children = [one for one in leader.children() if "spawn_main" in " ".join(one.cmdline())]

    def kill(self) -> None:
        """SIGKILL for the process that was started; its workers must end by themselves."""
        self.process.kill()
        self.process.wait()
        _, alive = psutil.wait_procs(self._children, timeout=30)
        assert not alive, f"workers outlived their leader: {alive}"
        self.process.communicate()


def wait_for_write(database: Documents, process: subprocess.Popen[str]) -> None:
    """Until a process that was just started has stored something new: it is in the middle of a write."""
    orders = database[ORDERS.name]
    known = orders.estimated_document_count()
    deadline = time.monotonic() + 60
    while orders.estimated_document_count() == known:
        assert process.poll() is None, "it ended before it could be killed"
        assert time.monotonic() < deadline, "no write began within 60 s"


def wait_for_progress(database: Documents, shards: int, process: subprocess.Popen[str], ticks: int) -> None:
    """Until every shard has got that many ticks further."""
    goal = min(acked_ticks(database, shards).values()) + ticks
    deadline = time.monotonic() + 60
    while min(acked_ticks(database, shards).values()) < goal:
        assert process.poll() is None, "it ended before it could be killed"
        assert time.monotonic() < deadline, f"tick {goal} was not reached within 60 s"
        time.sleep(0.002)


def remains(database: Documents, whole: Documents, shards: int) -> Remains:
    """What stands in `database` beyond its checkpoints, compared with an uninterrupted run."""
    time.sleep(0.2)  # MongoDB may still be busy with what a dead client had sent
    acked = acked_ticks(database, shards)
    found, expected = (_beyond(one, acked) for one in (database, whole))
    last = {shard: max((tick for tick, of, *_ in found if of == shard), default=-1) for shard in acked}
    complete = {fact for fact in expected if fact[0] <= last[fact[1]]}
    assert found <= complete, "facts that an uninterrupted run does not have"
    return Remains(len(found), found != complete)


def _beyond(database: Documents, acked: dict[int, int]) -> set[tuple[Any, ...]]:
    """(tick, shard, table, id) of each stored fact beyond its shard's checkpoint."""
    found = set()
    for table in FACTS:
        least = (min(acked.values()) + 1) * _TICK
        for document in database[table.name].find({"_id": {"$gte": least}}, {"_id": 1}):
            tick, rest = divmod(int(document["_id"]), _TICK)
            shard = rest // _SHARD
            if tick > acked[shard]:
                found.add((tick, shard, table.name, int(document["_id"])))
    return found
