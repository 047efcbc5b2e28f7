"""Ids that stand in two places are found, all of them and no others, however many buckets they went through."""

from collections import defaultdict
from pathlib import Path

import numpy as np
import pytest

from spark_jobs.archive_tools.distinct_ids import DistinctIds


@pytest.mark.parametrize("expected", [0, 9_000_000, 10**12])
def test_repeated_ids_are_found_with_all_their_places(tmp_path: Path, expected: int) -> None:
    rng = np.random.default_rng(5)
    where: dict[int, list[str]] = defaultdict(list)
    with DistinctIds(tmp_path, expected) as ids:
        for name in ("first", "second", "third"):
            some = rng.integers(0, 3_000, 700)
            for value in some.tolist():
                where[value].append(name)
            place = ids.place(name)
            for part in np.array_split(some, 3):
                ids.add(part.astype(np.int64), place)
        found = dict(ids.repeated())
    assert {value: sorted(places) for value, places in found.items()} == {
        value: sorted(places) for value, places in where.items() if len(places) > 1
    }


def test_large_ids_are_told_apart_and_nothing_is_found_where_nothing_is(tmp_path: Path) -> None:
    with DistinctIds(tmp_path, 5_000_000) as ids:
        ids.add(np.array([2**53 - 1, 2**53 - 2, 0], np.int64), ids.place("a"))
        ids.add(np.array([], np.int64), ids.place("b"))
        assert list(ids.repeated()) == []
