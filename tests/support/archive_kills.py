"""The archive run as a process of its own that dies by SIGKILL: after a chosen state, or at a chosen instant.

``python -m tests.support.archive_kills SALE STATE`` runs the job and kills itself once a batch has come to STATE.
"""

import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from embedded.environment import settings_environment
from embedded.stack import Stack
from flashsale.errors import exit_with_one_line
from flashsale.schema import ORDERS
from flashsale.settings import load_settings
from spark_jobs import archive_facts, archive_steps
from spark_jobs.archive_batch import BatchStore, State
from tests.support.archived_sale import NOW, Ids
from tests.support.shop import Pipeline, order

_RUN_SECONDS = 120
DELETE_CHUNK = 50
"""Small, so that a death meets half-deleted batches too."""


def start_run(stack: Stack, pipeline: Pipeline, die_at: State | None = None) -> subprocess.Popen[str]:
    """The job on `pipeline`'s sale; with `die_at` it kills itself once a batch has come to that state."""
    command = [
        sys.executable,
        "-m",
        "tests.support.archive_kills",
        pipeline.sale.sale_id,
        *([die_at] if die_at else []),
    ]
    environment = {**os.environ, **settings_environment(stack.config)}
    return subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def finish(process: subprocess.Popen[str]) -> None:
    """Wait for a run that nobody kills; AssertionError when it fails."""
    out, err = process.communicate(timeout=_RUN_SECONDS)
    assert process.returncode == 0, err or out


def wait_until_at_work(process: subprocess.Popen[str]) -> None:
    """Until it has imported what it needs; what it does from then on is the job itself."""
    assert process.stdout
    assert process.stdout.readline() == "at work\n"


@contextmanager
def facts_arriving(pipeline: Pipeline, acknowledged: Ids, rng: random.Random) -> Iterator[None]:
    """Orders of archived minutes keep arriving late, some at a time; each is added to `acknowledged` once stored."""
    over = threading.Event()
    numbers = iter(range(max(acknowledged[ORDERS.name]) + 1, 2**40))

    def add() -> None:
        while not over.wait(rng.uniform(0.02, 0.3)):
            orders: list[dict[str, Any]] = [
                order(
                    next(numbers),
                    f"{rng.choice(['09:53', '09:59', '10:01', '10:07'])}:{rng.uniform(0, 59):.3f}",
                    (1, 1),
                    1,
                    1,
                    100,
                    arrived="10:25",
                )
                for _ in range(rng.randint(1, 40))
            ]
            pipeline.database[ORDERS.name].insert_many(orders)
            acknowledged[ORDERS.name] += Counter(int(one["_id"]) for one in orders)

    thread = threading.Thread(target=add)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def _main() -> int:
    sale_id, die_at = sys.argv[1], State(sys.argv[2]) if len(sys.argv) > 2 else None
    archive_steps.DELETE_CHUNK = DELETE_CHUNK
    if die_at is not None:
        _die_after(die_at)
    print("at work", flush=True)
    archive_facts.run(load_settings(), sale_id, NOW)
    return 0


def _die_after(state: State) -> None:
    insert, advance = BatchStore.insert, BatchStore.advance

    def insert_and_die(self: Any, *args: Any) -> Any:
        batch = insert(self, *args)
        if state is State.SEALED:
            os.kill(os.getpid(), signal.SIGKILL)
        return batch

    def advance_and_die(self: Any, batch: Any, to: State, **facts: Any) -> Any:
        result = advance(self, batch, to, **facts)
        if to is state:
            os.kill(os.getpid(), signal.SIGKILL)
        return result

    BatchStore.insert, BatchStore.advance = insert_and_die, advance_and_die  # type: ignore[method-assign]


def kill_at(process: subprocess.Popen[str], seconds: float) -> bool:
    """SIGKILL `seconds` from now; False when the run was through before."""
    time.sleep(seconds)
    ended = process.poll() is not None
    process.kill()
    process.communicate()
    return not ended


if __name__ == "__main__":
    sys.exit(exit_with_one_line(_main))
