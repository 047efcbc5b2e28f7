"""How near the lost sales that the engine states come to those that only the simulation knows."""

import numpy as np
import numpy.typing as npt

from evaluation.recording import Recording
from evaluation.situations import situations
from flashsale.calibration import Calibration
from flashsale.outlook import lost_milliunits


def lost_told(recording: Recording, calibration: Calibration) -> npt.NDArray[np.float64]:
    """(units stated to be lost, units lost), (2,), over all minutes but the last."""
    stated = 0.0
    for one in situations(recording, calibration):
        intensity = one.sale_plan.at(one.now - 1)[one.shelves.plan]
        latent = np.where(one.sold_something, one.demand.rate() * intensity, 0.0)
        stated += lost_milliunits(latent, one.observed.in_stock_share(), one.shelves, calibration).sum() / 1000
    return np.array([stated, recording.lost[: recording.minutes - 1].sum()])
