"""What was learnt about demand from training sales, and nothing that a scenario says.

A calibration is one JSON file, ``configs/calibration/<calibration_id>.json``, written by
``flashsale-evaluate fit`` and chosen in the settings.  Its id carries the hash of its content, so a
minute computed with it can always be told from one computed with another.
"""

import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from flashsale.demand.posterior import Drift
from flashsale.errors import SettingsError

FloatArray = npt.NDArray[np.float64]
HORIZONS = (5, 15, 30)
"""Minutes ahead for which a probability of running out is published."""
LEAST, MOST = 0.001, 0.999
_FIT_AGAIN = "fit it again (flashsale-evaluate fit)"


class ProbabilityMap(BaseModel):
    """A non-decreasing curve from stated to observed frequency: knots, linear in between (isotonic regression)."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    stated: tuple[float, ...] = Field(min_length=2)
    observed: tuple[float, ...] = Field(min_length=2)

    @field_validator("stated", "observed")
    @classmethod
    def _ascending_shares(cls, knots: tuple[float, ...]) -> tuple[float, ...]:
        if any(not 0 <= knot <= 1 for knot in knots) or list(knots) != sorted(knots):
            raise ValueError("should be ascending shares between 0 and 1")
        return knots

    @model_validator(mode="after")
    def _same_number_of_knots(self) -> "ProbabilityMap":
        if len(self.stated) != len(self.observed):
            raise ValueError(f"{len(self.stated)} stated knots and {len(self.observed)} observed ones; need as many")
        return self

    def __call__(self, probability: FloatArray) -> FloatArray:
        mapped: FloatArray = np.interp(probability, self.stated, self.observed)
        return mapped


class Calibration(BaseModel):
    """Parameters of the forecast; the defaults are those of an uncalibrated one.

    `forgetting`: weight of a minute one minute later.  `product_strength` (units) and `pair_strength`
    (orders): weight of the priors.  `quantity_strength` (units): weight of the category's order sizes.
    `drift_limit`, `drift_half_minutes`: see `Drift`.  `appeal_boost`, `appeal_units`: the last units of a
    product draw 1 + boost · exp(−left ÷ units) times as many.  `discount_elasticity`: a price of (1 − d)
    draws (1 − d)^−elasticity as many.  `shipment_delay_minutes`, `shipment_share`: how late shipments are
    on average, and which part of them arrives.  `walkaway`: share of demand lost at an empty shelf while
    another warehouse has the product.  `interval`: levels of the posterior that hold 80 % of outcomes.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")
    calibration_id: str | None = None
    code_version: str = ""
    scenarios: tuple[str, ...] = ()
    seeds: tuple[int, ...] = ()
    forgetting: float = Field(default=0.93, ge=0.5, le=1)
    product_strength: float = Field(default=5.0, gt=0, le=10_000)
    pair_strength: float = Field(default=2.0, gt=0, le=10_000)
    quantity_strength: float = Field(default=20.0, gt=0, le=10_000)
    drift_limit: float = Field(default=0.0, ge=0, le=4)
    drift_half_minutes: float = Field(default=10.0, gt=0, le=1_000)
    appeal_boost: float = Field(default=0.0, ge=0, le=20)
    appeal_units: float = Field(default=100.0, gt=0, le=1_000_000)
    discount_elasticity: float = Field(default=0.0, ge=0, le=10)
    shipment_delay_minutes: float = Field(default=0.0, ge=0, le=1_000)
    shipment_share: float = Field(default=1.0, gt=0, le=1)
    walkaway: float = Field(default=1.0, ge=0, le=1)
    interval: tuple[float, float] = (0.1, 0.9)
    maps: dict[int, ProbabilityMap] = Field(default_factory=dict)

    @field_validator("interval")
    @classmethod
    def _levels_about_the_middle(cls, levels: tuple[float, float]) -> tuple[float, float]:
        if not 0 < levels[0] < 0.5 < levels[1] < 1:
            raise ValueError("should be one level below 0.5 and one above, within 0 and 1")
        return levels

    @field_validator("maps")
    @classmethod
    def _known_horizons(cls, maps: dict[int, ProbabilityMap]) -> dict[int, ProbabilityMap]:
        if unknown := sorted(set(maps) - set(HORIZONS)):
            raise ValueError(f"there is no horizon of {unknown[0]} minutes, only of {', '.join(map(str, HORIZONS))}")
        return maps

    @property
    def drift(self) -> Drift:
        return Drift(self.drift_limit, self.drift_half_minutes)

    def recalibrated(self, probabilities: FloatArray) -> FloatArray:
        """(H, N) probabilities for `HORIZONS`: each by its map, clipped, and not falling with the horizon.

        Certainties stay: 0 and 1 are not stated by a forecast but known.
        """
        mapped = probabilities.copy()
        for row, horizon in enumerate(HORIZONS):
            if horizon in self.maps:
                told = np.clip(self.maps[horizon](probabilities[row]), LEAST, MOST)
                sure = (probabilities[row] <= 0) | (probabilities[row] >= 1)
                mapped[row] = np.where(sure, probabilities[row], told)
        monotone: FloatArray = np.maximum.accumulate(mapped, axis=0)
        return monotone

    def content_id(self) -> str:
        """16 hex digits over everything but the id and the code that wrote it."""
        content = self.model_dump(mode="json", exclude={"calibration_id", "code_version"})
        return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:16]

    def named(self) -> "Calibration":
        """This calibration under the id of its content."""
        return self.model_copy(update={"calibration_id": self.content_id()})

    def text(self) -> str:
        """The JSON of its file."""
        return json.dumps(self.model_dump(mode="json"), indent=1) + "\n"


def load_calibration(path: Path | None) -> Calibration:
    """The calibration in `path`; an uncalibrated forecast without one.

    Raises SettingsError naming file, key and value, also when the content is not what its id says.
    """
    if path is None:
        return Calibration()
    try:
        content: Any = json.loads(path.read_text())
        calibration = Calibration.model_validate(content)
    except OSError as error:
        raise SettingsError(
            f"calibration {path}: cannot be read ({error.strerror}); set FLASHSALE_CALIBRATION to a file of "
            "configs/calibration, or to nothing for an uncalibrated forecast"
        ) from error
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(str(part) for part in first["loc"]) or "content"
        raise SettingsError(
            f"calibration {path}: {key}: {first['msg']}; fit it again (flashsale-evaluate fit)"
        ) from error
    except ValueError as error:
        raise SettingsError(f"calibration {path}: not JSON ({error}); {_FIT_AGAIN}") from error
    if calibration.calibration_id != calibration.content_id():
        raise SettingsError(
            f"calibration {path}: calibration_id {calibration.calibration_id} is not that of its content "
            f"({calibration.content_id()}): it was edited; {_FIT_AGAIN}"
        )
    return calibration
