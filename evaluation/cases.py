"""Which sales are simulated: a scenario, a seed, a plan error, and a fraction of the shop."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from flashsale.errors import FlashsaleError
from flashsale.sale_run import SaleRun
from flashsale.scenario import Scenario, load_scenario

ROOT = Path(__file__).parents[1]
SALES = ROOT / "configs" / "sales"
SALE_START = datetime(2026, 11, 11, tzinfo=UTC)

TRAINING_SEEDS = range(1, 100)
"""Seeds that a calibration may be fitted on; all others are unseen."""


@dataclass(frozen=True, slots=True, order=True)
class Case:
    """One simulated sale.

    `sigma`: spread of demand around the plan, None: the scenario's own.  `fraction` of the orders, the stock
    and what warehouses and machines can do.  `products`: how many are on sale, 0: as many as in the scenario.
    `minutes`: length of the sale, 0: the scenario's.
    """

    scenario: str
    seed: int
    sigma: float | None = None
    fraction: float = 1.0
    products: int = 0
    minutes: int = 0


def scenario_of(case: Case) -> Scenario:
    """The scenario with the case's changes; raises FlashsaleError for one that does not exist."""
    path = SALES / f"{case.scenario}.toml"
    if not path.exists():
        known = ", ".join(sorted(file.stem for file in SALES.glob("*.toml")))
        raise FlashsaleError(f"scenario {case.scenario}: there is no {path.name} in configs/sales; one of {known}")
    whole = load_scenario(path)
    part, fraction = whole.model_copy, case.fraction
    changes = {
        "demand": whole.demand.model_copy(update={"orders_per_second": whole.demand.orders_per_second * fraction}),
        "warehouses": tuple(
            one.model_copy(
                update={"capacity_units_per_minute": max(1, round(one.capacity_units_per_minute * fraction))}
            )
            for one in whole.warehouses
        ),
        "bots": tuple(
            one.model_copy(update={"orders_per_second": one.orders_per_second * fraction}) for one in whole.bots
        ),
    }
    if case.sigma is not None:
        changes["uncertainty"] = whole.uncertainty.model_copy(update={"sigma": case.sigma})
    if case.products:
        changes["products"] = whole.products.model_copy(update={"count": case.products})
    if case.minutes:
        changes["duration_minutes"] = min(case.minutes, whole.duration_minutes)
    return part(update=changes)


def sale_of(case: Case, scenario: Scenario) -> SaleRun:
    """The run of the case."""
    end = SALE_START + timedelta(minutes=scenario.duration_minutes)
    return SaleRun("backtest", scenario.name, scenario.text, case.seed, SALE_START, end)
