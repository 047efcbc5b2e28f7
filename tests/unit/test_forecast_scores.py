"""Scores of forecasts: by hand, additive, and of the right pairs."""

import math
from datetime import UTC, datetime

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from flashsale.forecast_scores import ScoreSums
from spark_jobs.carried_state import EMPTY, STATE_SCHEMA, CarriedState
from spark_jobs.forecast_scoring import came_true


def scored(p, naive, sold_out):
    return ScoreSums.of(np.array(p, dtype=float), np.array(naive, dtype=bool), np.array(sold_out, dtype=bool))


def test_figures_by_hand():
    quality = scored([0.9, 0.2, 0.25, 0.0], [True, True, False, False], [True, False, True, False]).quality(15)
    # (0.1² + 0.2² + 0.75² + 0²) ÷ 4; S/v is wrong about the second and the third.
    assert quality["brier"] == 0.1531
    assert quality["brier_naive"] == 0.5
    assert quality["skill"] == round(1 - 0.6125 / 2, 4)
    loss = -(math.log(0.9) + math.log(0.8) + math.log(0.25) + math.log(0.999)) / 4
    assert quality["log_loss"] == round(loss, 4)
    assert (quality["horizon"], quality["forecasts"], quality["stockouts"]) == (15, 4, 2)
    assert quality["reliability"] == [
        {"forecasts": 1, "stockouts": 0, "stated": 0.0, "observed": 0.0},
        {"forecasts": 2, "stockouts": 1, "stated": 0.225, "observed": 0.5},
        {"forecasts": 1, "stockouts": 1, "stated": 0.9, "observed": 1.0},
    ]


def test_a_minute_of_the_course_has_its_own_scores():
    end = datetime(2026, 11, 11, 9, 7, tzinfo=UTC)
    assert scored([0.9, 0.2], [True, True], [True, False]).scored_minute(end) == {
        "minute": "2026-11-11T09:07:00.000Z",
        "forecasts": 2,
        "stockouts": 1,
        "brier": 0.025,
        "brier_naive": 0.5,
    }
    assert ScoreSums.total([]).scored_minute(end)["brier"] is None


def test_certainty_that_fails_costs_much_but_not_everything():
    quality = scored([1.0], [True], [False]).quality(5)
    assert quality["log_loss"] == round(-math.log(0.001), 4)
    assert quality["reliability"] == [{"forecasts": 1, "stockouts": 0, "stated": 1.0, "observed": 0.0}]


def test_nothing_can_be_said_of_nothing():
    quality = ScoreSums.total([]).quality(30)
    assert quality["forecasts"] == 0
    assert quality["brier"] is quality["brier_naive"] is quality["skill"] is quality["log_loss"] is None
    assert quality["reliability"] == []


def test_a_reference_without_a_miss_leaves_no_room_for_skill():
    assert scored([0.3], [False], [False]).quality(5)["skill"] is None


FORECASTS = st.lists(st.tuples(st.floats(0, 1), st.booleans(), st.booleans()), min_size=1, max_size=30)


@given(FORECASTS, FORECASTS)
def test_minutes_add_up(first, second):
    apart = ScoreSums.total([scored(*zip(*first, strict=True)), scored(*zip(*second, strict=True))])
    together = scored(*zip(*(first + second), strict=True))
    assert np.allclose(apart.sums, together.sums)
    assert np.allclose(apart.tenths, together.tenths)


def state(rows):
    """rows: warehouse_id -> values; the product is 1."""
    zero = dict.fromkeys(STATE_SCHEMA.names, 0)
    return CarriedState(
        pa.Table.from_pylist(
            [{**zero, "product_id": 1, "warehouse_id": w, **values} for w, values in sorted(rows.items())],
            schema=STATE_SCHEMA,
        ),
        EMPTY.mix,
    )


@pytest.mark.parametrize(("in_stock_minutes", "sold_out"), [(0, 1), (14, 1), (15, 0), (400, 0)])
def test_it_came_true_if_the_shelf_was_empty_at_any_time_since(in_stock_minutes, sold_out):
    stated = state({1: {"p15": 0.7, "eta_minutes": 12.0}})
    now = state({1: {"in_stock_minutes": in_stock_minutes}})
    quality = came_true(stated, now, 15).quality(15)
    assert (quality["forecasts"], quality["stockouts"]) == (1, sold_out)
    # S/v says 12 minutes: sold out within 15.
    assert quality["brier_naive"] == 1 - sold_out


def test_only_pairs_that_had_stock_are_scored():
    stated = state(
        {
            1: {"p5": 1.0, "eta_minutes": 0.0},
            2: {"p5": None, "eta_minutes": None},
            3: {"p5": 0.0, "eta_minutes": None},
            4: {"p5": 1.0, "eta_minutes": 0.01},
        }
    )
    now = state({w: {"in_stock_minutes": 2} for w in (1, 2, 3, 4)})
    assert came_true(stated, now, 5).quality(5)["forecasts"] == 2, "sold out then, and unknown, are left out"


def test_a_pair_that_is_not_known_any_more_is_out_of_stock():
    stated = state({1: {"p5": 0.5, "eta_minutes": 4.0}})
    assert came_true(stated, state({2: {}}), 5).quality(5)["stockouts"] == 1
