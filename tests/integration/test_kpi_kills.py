"""Whatever dies in mid-run: readers keep a whole snapshot, never an older one, and no settled byte changes."""

from collections.abc import Iterable, Sequence
from contextlib import AbstractContextManager
from datetime import datetime
from itertools import count

import numpy as np
import pytest

from embedded.stack import Stack
from flashsale.minutes import MINUTE
from flashsale.schema import KPI_HISTORY
from flashsale.settings import Settings
from flashsale.snapshot import interval_end_of
from tests.support.cut_writes import CutError, cut_before
from tests.support.fed_sale import SETTLING, START, FedSale, Open
from tests.support.job_kills import VICTIMS, Course, Outcome, Victim, killed_run, left_by, measured_run, revive
from tests.support.random_sale import Facts, draw
from tests.support.shop import Pipeline
from tests.support.snapshot_reader import SnapshotReader

SEED = 23
CUT_MINUTES = 100
"""Minutes of facts, more than there are runs to cut off."""


@pytest.mark.timeout(600)
def test_a_kill_of_the_task(
    stack: Stack, spark_services: Settings, open_test_sale: Open, capsys: pytest.CaptureFixture[str]
) -> None:
    """The task itself; Redis, Spark and MongoDB die in `test_faults`, and all of them at many instants in `soak`."""
    with capsys.disabled():
        _survive(stack, spark_services, open_test_sale, ("task",))


@pytest.mark.soak
@pytest.mark.timeout(3600)
def test_twenty_kills(
    stack: Stack, spark_services: Settings, open_test_sale: Open, capsys: pytest.CaptureFixture[str]
) -> None:
    with capsys.disabled():
        _survive(stack, spark_services, open_test_sale, VICTIMS * 5)


@pytest.mark.timeout(600)
def test_a_run_cut_off_in_the_middle_of_saving_or_publishing_is_made_good_by_the_next(
    spark_services: Settings, open_test_sale: Open
) -> None:
    # Between the first minute's state and history; between the parts of the snapshot and the pointer to them.
    cuts = [cut_before(1, KPI_HISTORY), cut_before(2, ":snapshot:|:current$")]
    assert _cut_off(spark_services, open_test_sale, cuts) == len(cuts)


@pytest.mark.soak
@pytest.mark.timeout(3600)
def test_a_run_cut_off_before_any_of_its_writes_is_made_good_by_the_next(
    spark_services: Settings, open_test_sale: Open
) -> None:
    assert _cut_off(spark_services, open_test_sale, map(cut_before, count(1))) > 10


def _cut_off(settings: Settings, open_test_sale: Open, cuts: Iterable[AbstractContextManager[None]]) -> int:
    """A minute is cut off by each of `cuts`, never repeated, and the next one runs; returns how many were.

    A cut that a whole run does not come to is the last.
    """
    facts = draw(SEED, START, CUT_MINUTES)
    whole, sale = (FedSale(settings, open_test_sale, facts) for _ in range(2))
    made = 0
    with SnapshotReader(settings, sale.pipeline.sale.sale_id) as reader:
        sale.run_next()
        for cut in cuts:
            try:
                with cut:
                    sale.run_next()
                break
            except CutError as error:
                made += 1
                print(f"cut off {error}")
            sale.run_next()
        sale.run_last()
    assert reader.violations == []
    while whole.end + SETTLING * MINUTE < sale.end:
        whole.run_next()
    whole.run_last()
    assert sale.settled() == whole.settled()
    return made


def _survive(stack: Stack, settings: Settings, open_test_sale: Open, victims: Sequence[Victim]) -> None:
    rng = np.random.default_rng(SEED)
    # One more than there are kills: the first minute is nobody's.
    minutes = len(victims) + 1
    facts = draw(SEED, START, minutes)
    expected, course = _uninterrupted(stack, settings, open_test_sale, facts, minutes)
    assert len(expected) >= minutes
    print(f"\na run takes {course.ended:.2f} s, works from {course.began:.2f} s")
    sale = FedSale(settings, open_test_sale, facts)
    with SnapshotReader(settings, sale.pipeline.sale.sale_id) as reader:
        sale.run_next()
        # One instant in each of as many equal spans of the run's work, so that no stage is left out.
        shares = (np.arange(len(victims)) + rng.random(len(victims))) / len(victims)
        for number, share in zip(rng.permutation(len(victims)), rng.permutation(shares), strict=True):
            victim = victims[number]
            end = sale.next_minute()
            outcome = _kill(stack, sale.pipeline, end, victim, course, float(share))
            revive(stack, victim)
            _assert_told_in_one_line(outcome)
            left = left_by(sale.pipeline, end)
            print(
                f"{victim:<5} killed after {outcome.seconds:.2f} s, about at {course.stage_at(outcome.seconds):<9} "
                f"exit code {outcome.code:>2}, left behind: {left}; {outcome.err.strip() or '-'}"
            )
            if outcome.code == 0:
                assert left == "published", "it ended well and nothing can be read"
            sale.run(end)
        sale.run_last()
    assert reader.violations == []
    # The run of a killed minute and its repetition may have published different snapshots, each of them whole.
    assert len({interval_end_of(seen) for seen in reader.whole}) == minutes + 1
    print(f"{len(reader.whole)} snapshots read whole, the pointer {reader.looks} times")
    assert sale.settled() == expected
    print(f"{len(expected)} settled minutes have the digests of an uninterrupted run")


def _uninterrupted(
    stack: Stack, settings: Settings, open_test_sale: Open, facts: Facts, minutes: int
) -> tuple[dict[str, str], Course]:
    """Digests of the same minutes when nothing dies, and how long a run takes."""
    sale = FedSale(settings, open_test_sale, facts)
    for _ in range(minutes - 1):
        sale.run_next()
    course = measured_run(stack, sale.pipeline, sale.next_minute())
    sale.run_last()
    return sale.settled(), course


def _kill(stack: Stack, pipeline: Pipeline, end: datetime, victim: Victim, course: Course, share: float) -> Outcome:
    began, ended = course.began, course.ended
    for _ in range(5):
        outcome = killed_run(stack, pipeline, end, victim, began + share * (ended - began))
        if isinstance(outcome, Outcome):
            return outcome
        # A faster run than the measured one; its minute is run once more.
        began, ended = began * outcome / ended, outcome
    raise AssertionError(f"five runs of {end} ended before {victim} could be killed")


def _assert_told_in_one_line(outcome: Outcome) -> None:
    if outcome.victim == "task":
        assert outcome.code == -9
        assert outcome.err == ""
        return
    lines = outcome.err.splitlines()
    if outcome.code == 0:
        # The victim had done its part already.
        assert lines == []
        return
    assert outcome.code == 1
    assert len(lines) == 1, outcome.err
    assert lines[0].startswith("error: ")
    assert {"spark": "Spark", "mongo": "MongoDB", "redis": "Redis"}[outcome.victim] in lines[0]
