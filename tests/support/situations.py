"""Situations to decide about: by hand, and drawn at random in any size."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from flashsale.decisions.rules import DecisionRules, load_decision_rules
from flashsale.decisions.situation import Inbound, Situation, Warehouses
from flashsale.demand.posterior import DemandPosterior, Drift

NO_DRIFT = Drift()
RULES = load_decision_rules(Path("configs/decisions.toml"))


def rules(**tables: dict[str, Any]) -> DecisionRules:
    """The stored rules with some keys changed: ``rules(restock={"lead_minutes": 10.0})``."""
    values = RULES.model_dump()
    for name, changes in tables.items():
        values[name] = {**values[name], **changes}
    return DecisionRules.model_validate(values)


def posterior(rate: Any, shape: float = 50.0, phi: float = 1.0, drift: Drift = NO_DRIFT) -> DemandPosterior:
    """Demand of `rate` units per planned minute, (N,), known as well as `shape` counts tell."""
    rates = np.asarray(rate, dtype=np.float64)
    shapes = np.full(len(rates), shape)
    with np.errstate(divide="ignore"):
        exposure = shapes * phi / rates
    return DemandPosterior(
        shapes, exposure, np.full(len(rates), phi), shapes, exposure, np.full(len(rates), phi), drift
    )


def warehouses(count: int, spread_degrees: float = 0.1, load: float = 0.3) -> Warehouses:
    """`count` warehouses in a row, ids from 1, each `spread_degrees` north of the one before."""
    return Warehouses(
        np.arange(1, count + 1),
        31.0 + spread_degrees * np.arange(count, dtype=np.float64),
        np.full(count, 74.0),
        np.full(count, load),
        tuple(f"Warehouse {i}" for i in range(1, count + 1)),
    )


def situation(
    products: Sequence[int],
    places: Sequence[int],
    available: Sequence[int],
    rate: Sequence[float],
    status: Sequence[str],
    *,
    inbound: Sequence[tuple[int, float, float]] = (),
    minutes: int = 120,
    shape: float = 50.0,
    phi: float = 1.0,
    drift: Drift = NO_DRIFT,
    unit_value: float = 100_000.0,
    unit_cost: float = 60_000.0,
    table: Warehouses | None = None,
) -> Situation:
    """One planned minute a minute; `inbound` are (pair, minute, qty)."""
    count = len(products)
    due = np.array(inbound, dtype=np.float64).reshape(-1, 3)
    return Situation(
        product_id=np.array(products),
        warehouse_id=np.array(places),
        status=np.array(status),
        available=np.array(available),
        posterior=posterior(rate, shape, phi, drift),
        planned=np.arange(minutes + 1, dtype=np.float64)[:, None],
        group=np.zeros(count, dtype=np.int64),
        unit_value=np.full(count, unit_value),
        unit_cost=np.full(count, unit_cost),
        eta_minutes=np.full(count, np.nan),
        p15=np.full(count, np.nan),
        inbound=Inbound(due[:, 0].astype(np.int64), due[:, 1], due[:, 2]),
        warehouses=table or warehouses(max(places)),
    )


def random_situation(seed: int, products: int, places: int, in_need: float, spread_degrees: float = 0.1) -> Situation:
    """Every product in every warehouse; a share `in_need` of the pairs has little or nothing left."""
    rng = np.random.default_rng(seed)
    count = products * places
    rate = rng.lognormal(0, 1, count)
    cover = np.where(rng.random(count) < in_need, rng.uniform(0, 15, count), rng.uniform(30, 300, count))
    available = np.floor(rate * cover).astype(np.int64)
    status = np.where(available == 0, "sold_out", np.where(available <= 15 * rate, "at_risk", "ok"))
    due = rng.choice(count, count // 10)
    return situation(
        np.repeat(np.arange(1, products + 1), places).tolist(),
        np.tile(np.arange(1, places + 1), products).tolist(),
        available.tolist(),
        rate.tolist(),
        status.tolist(),
        inbound=[(int(p), float(rng.uniform(0, 90)), float(rng.integers(1, 100))) for p in due],
        phi=1.4,
        table=warehouses(places, spread_degrees),
    )
