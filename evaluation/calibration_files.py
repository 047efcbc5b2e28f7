"""Where calibrations lie, and beside them how often stockouts happened in the training sales."""

import tomllib
from pathlib import Path

from evaluation.backtest import Climatology
from evaluation.cases import ROOT
from evaluation.fitting import Fitted
from flashsale.calibration import Calibration, load_calibration
from flashsale.errors import FlashsaleError

CALIBRATIONS = ROOT / "configs" / "calibration"
CLIMATOLOGY = "climatology.toml"
_HEADER = """# Share of the stocked (product, warehouse) that sold out within 5, 15 and 30 minutes in training sales,
# to be outdone by a forecast.  Written by `flashsale-evaluate fit`.
"""


def write(fitted: Fitted, folder: Path) -> Path:
    """The calibration under its id, and the climatology; returns the calibration's path.  Raises FlashsaleError."""
    path = folder / f"{fitted.calibration.calibration_id}.json"
    lines = [f"{name} = [{', '.join(map(str, shares))}]" for name, shares in sorted(fitted.climatology.items())]
    try:
        folder.mkdir(parents=True, exist_ok=True)
        path.write_text(fitted.calibration.text())
        (folder / CLIMATOLOGY).write_text(_HEADER + "\n".join(lines) + "\n")
    except OSError as error:
        raise FlashsaleError(
            f"calibration {path}: cannot be written ({error.strerror}); choose another --to"
        ) from error
    return path


def the_calibration(path: Path | None) -> Calibration:
    """That of `path`; without one the only one of configs/calibration.  Raises FlashsaleError."""
    if path is not None:
        return load_calibration(path)
    found = sorted(CALIBRATIONS.glob("*.json"))
    if len(found) != 1:
        raise FlashsaleError(
            f"calibration: configs/calibration has {len(found)} of them; say which one with --calibration FILE, "
            "or --calibration none for an uncalibrated forecast"
        )
    return load_calibration(found[0])


def climatology(folder: Path = CALIBRATIONS) -> Climatology:
    """Of each training scenario; nothing where none was written.  Raises FlashsaleError for a file that is no TOML."""
    path = folder / CLIMATOLOGY
    try:
        return tomllib.loads(path.read_text()) if path.exists() else {}
    except (OSError, tomllib.TOMLDecodeError) as error:
        raise FlashsaleError(
            f"climatology {path}: cannot be read ({error}); fit again (flashsale-evaluate fit)"
        ) from error
