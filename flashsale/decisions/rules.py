"""What an action costs, how long it takes, and when an alert rings: ``configs/decisions.toml``.

`load_decision_rules` gives frozen models or raises SettingsError with one line that names the file, the key,
the value and the range.  Money in the file is in major currency units, as in the scenarios.
"""

import tomllib
from pathlib import Path
from typing import Annotated

from pydantic import Field, ValidationError

from flashsale.errors import SettingsError
from flashsale.scenario_base import Part, Share
from flashsale.scenario_messages import first_problem

MINOR_PER_MAJOR = 100
Money = Annotated[float, Field(ge=0, le=10_000_000)]
LeadMinutes = Annotated[float, Field(ge=0, le=1440)]
Count = Annotated[int, Field(ge=1, le=1_000_000)]


class Restock(Part):
    """An order to the supplier; shares are of the product's unit cost, `order_cost` is per order."""

    lead_minutes: LeadMinutes
    handling_share: Share
    order_cost: Money
    max_qty: Count
    leftover_share: Share


class Transfer(Part):
    """A van from another warehouse, and what that warehouse keeps for itself."""

    base_minutes: LeadMinutes
    minutes_per_km: float = Field(ge=0, le=60)
    unit_cost: Money
    order_cost: Money
    min_qty: Count
    donor_share_max: Share
    donor_sold_out_max: float = Field(gt=0, le=0.5)


class Reroute(Part):
    """New orders served from another warehouse; `load_max` is its share of capacity used, at most."""

    accept_share: Share
    unit_cost: Money
    load_max: float = Field(ge=0, le=10)


class PauseAds(Part):
    """No more advertising: `demand_share` of the demand stays away (the elasticity of demand to ads)."""

    demand_share: Share
    lost_sale_share: Share


class Shortage(Part):
    """What an order that meets an empty shelf costs besides its margin, as a share of the unit's value."""

    goodwill_share: Share


class AlertRules(Part):
    """When an alert is raised, resolved, raised again, and collapsed; see docs/decisions.md."""

    raise_after: int = Field(default=2, ge=1, le=60)
    resolve_after: int = Field(default=3, ge=1, le=60)
    flood_limit: int = Field(default=10, ge=1, le=100_000)
    flood_minutes: int = Field(default=10, ge=1, le=1440)
    reraise_value_factor: float = Field(default=2.0, ge=1, le=1000)


class DecisionRules(Part):
    """The whole file; value is counted over `horizon_minutes`, at most to the sale's end."""

    horizon_minutes: int = Field(ge=1, le=1440)
    restock: Restock
    transfer: Transfer
    reroute: Reroute
    pause_ads: PauseAds
    shortage: Shortage
    alerts: AlertRules


def load_decision_rules(path: Path) -> DecisionRules:
    """The rules in the file at `path`; raises SettingsError."""
    try:
        values = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise SettingsError(f"decision rules {path}: cannot be read ({error.strerror})") from error
    except UnicodeDecodeError as error:
        raise SettingsError(f"decision rules {path}: not UTF-8 text (byte {error.start})") from error
    except tomllib.TOMLDecodeError as error:
        raise SettingsError(f"decision rules {path}: not valid TOML ({error})") from error
    try:
        return DecisionRules.model_validate(values)
    except ValidationError as error:
        raise SettingsError(f"decision rules {path}: {first_problem(DecisionRules, error)}") from error
