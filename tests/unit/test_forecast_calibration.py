"""Calibration files: what is written is read, what is wrong is named in one line; recalibrated chances."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from flashsale.calibration import HORIZONS, LEAST, MOST, Calibration, ProbabilityMap, load_calibration
from flashsale.errors import SettingsError

KNOTS = st.lists(st.floats(0, 1), min_size=5, max_size=5).map(lambda knots: tuple(sorted(knots)))
MAPS = st.dictionaries(
    st.sampled_from(HORIZONS), st.builds(lambda a, b: ProbabilityMap(stated=a, observed=b), KNOTS, KNOTS)
)
FITTED = Calibration(
    code_version="1.2",
    scenarios=("rehearsal",),
    seeds=(3, 4),
    forgetting=0.95,
    drift_limit=0.1,
    interval=(0.08, 0.93),
    maps={15: ProbabilityMap(stated=(0.0, 0.4, 1.0), observed=(0.1, 0.5, 0.8))},
).named()


def wrong(path: Path) -> str:
    """The error of loading `path`."""
    with pytest.raises(SettingsError) as caught:
        load_calibration(path)
    message = str(caught.value)
    assert "\n" not in message
    assert str(path) in message
    return message


def written(folder: Path, **changes: Any) -> Path:
    """A fitted calibration with some keys changed, under the id of what it was before."""
    path = folder / "fitted.json"
    path.write_text(json.dumps(json.loads(FITTED.text()) | changes))
    return path


def test_what_was_written_is_read(tmp_path: Path) -> None:
    path = tmp_path / "fitted.json"
    path.write_text(FITTED.text())
    assert load_calibration(path) == FITTED


def test_no_file_is_an_uncalibrated_forecast() -> None:
    assert load_calibration(None) == Calibration()
    assert load_calibration(None).calibration_id is None


def test_the_id_is_that_of_the_content_and_of_nothing_else() -> None:
    other_code = FITTED.model_copy(update={"code_version": "9", "calibration_id": None})
    assert other_code.content_id() == FITTED.calibration_id
    for field, value in {"forgetting": 0.951, "seeds": (3,), "maps": {}, "interval": (0.1, 0.9)}.items():
        assert FITTED.model_copy(update={field: value}).content_id() != FITTED.calibration_id


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    assert "No such file" in wrong(tmp_path / "absent.json")
    assert "cannot be read" in wrong(tmp_path)


@pytest.mark.parametrize("content", [b"", b"{", b"\xff\xfe", b"forgetting = 1"])
def test_what_is_not_json_is_said_to_be_none(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "x.json"
    path.write_bytes(content)
    assert "not JSON" in wrong(path)


@pytest.mark.parametrize("content", ["[]", "null", "3"])
def test_json_of_another_kind_is_refused(tmp_path: Path, content: str) -> None:
    path = tmp_path / "x.json"
    path.write_text(content)
    assert ": : " not in wrong(path)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("forgettin", 0.9),
        ("forgetting", 1.2),
        ("forgetting", float("nan")),
        ("forgetting", "much"),
        ("pair_strength", 0),
        ("drift_limit", -1),
        ("shipment_share", 0),
        ("walkaway", 1.5),
        ("interval", [0.9]),
        ("interval", [0.9, 0.1]),
        ("interval", [-0.5, 1.5]),
        ("maps", {"x": {"stated": [0, 1], "observed": [0, 1]}}),
        ("maps", {"7": {"stated": [0, 1], "observed": [0, 1]}}),
        ("maps", {"15": {"stated": [0, 1, 0.5], "observed": [0, 0.5, 1]}}),
        ("maps", {"15": {"stated": [0, 1], "observed": [0.5, 0.2]}}),
        ("maps", {"15": {"stated": [0, 1], "observed": [0, 1.1]}}),
        ("maps", {"15": {"stated": [0, 1], "observed": [0, 0.5, 1]}}),
        ("maps", {"15": {"stated": [0], "observed": [0]}}),
    ],
)
def test_a_wrong_value_is_named_with_its_key(tmp_path: Path, key: str, value: Any) -> None:
    message = wrong(written(tmp_path, **{key: value}))
    assert f": {key}" in message
    assert "edited" not in message
    assert "fit it again" in message


@pytest.mark.parametrize("changes", [{"forgetting": 0.94}, {"calibration_id": None}, {"calibration_id": "0" * 16}])
def test_edited_content_is_refused(tmp_path: Path, changes: dict[str, Any]) -> None:
    assert "it was edited" in wrong(written(tmp_path, **changes))


def test_the_code_version_may_differ(tmp_path: Path) -> None:
    assert load_calibration(written(tmp_path, code_version="another")).calibration_id == FITTED.calibration_id


@settings(deadline=None)
@given(MAPS, st.lists(st.lists(st.floats(0, 1), min_size=3, max_size=3).map(sorted), min_size=1, max_size=20))
def test_recalibrated_chances_do_not_fall_with_the_horizon(maps: Any, curves: list[list[float]]) -> None:
    stated = np.array(curves).T
    told = Calibration(maps=maps).recalibrated(stated)
    assert ((told >= 0) & (told <= 1)).all()
    assert (np.diff(told, axis=0) >= 0).all()
    for row, horizon in enumerate(HORIZONS):
        unsure = (stated[row] > 0) & (stated[row] < 1)
        if horizon in maps:
            assert (told[row][unsure] >= LEAST).all()
        assert (told[row][stated[row] >= 1] == 1).all()
        assert (told[0][stated[0] <= 0] == 0).all()


@settings(deadline=None)
@given(MAPS)
def test_recalibration_keeps_the_order_of_pairs(maps: Any) -> None:
    stated = np.tile(np.linspace(0, 1, 41), (3, 1))
    assert (np.diff(Calibration(maps=maps).recalibrated(stated), axis=1) >= -1e-12).all()


def test_a_map_says_what_was_observed() -> None:
    told = FITTED.recalibrated(np.array([[0.0, 0.1], [0.2, 0.7], [0.2, 1.0]]))
    assert told[1] == pytest.approx([0.3, 0.65])
    assert told[2] == pytest.approx([0.3, 1.0])
    flat = Calibration(maps={5: ProbabilityMap(stated=(0.0, 1.0), observed=(0.0, 0.0))})
    assert flat.recalibrated(np.full((3, 1), 0.5))[0, 0] == LEAST
    full = Calibration(maps={5: ProbabilityMap(stated=(0.0, 1.0), observed=(1.0, 1.0))})
    assert full.recalibrated(np.full((3, 1), 0.5))[0, 0] == MOST


def test_without_maps_nothing_changes() -> None:
    stated = np.sort(np.random.default_rng(1).random((3, 50)), axis=0)
    assert (Calibration().recalibrated(stated) == stated).all()


def test_a_map_of_unequal_knots_cannot_be_made() -> None:
    with pytest.raises(ValidationError):
        ProbabilityMap(stated=(0.0, 1.0), observed=(0.0, 0.5, 1.0))
