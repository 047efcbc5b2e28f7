"""Parts of a scenario that nobody plans: what differs from the plan, breaks, cheats, or arrives wrong.

Each may be left out; then its defaults hold.
"""

from typing import Annotated

from pydantic import Field

from flashsale.scenario_base import Label, Minute, Minutes, Part, ProductId, Rows, Share, Sigma

FaultShare = Annotated[float, Field(ge=0, le=0.5)]


class Uncertainty(Part):
    """How far demand strays from the plan, per category: a log-normal AR(1) and a shift in time."""

    sigma: Sigma = 0.3
    half_life_minutes: float = Field(default=10.0, ge=0.1, le=1440)
    shift_minutes: float = Field(default=2.0, ge=0, le=60)


class Excitation(Part):
    """Orders that draw orders, per category: `branching` is how many one order draws on average."""

    branching: float = Field(default=0.0, ge=0, le=0.9)
    memory_seconds: float = Field(default=60.0, ge=1, le=3600)


class Outage(Part):
    """A warehouse that sells, ships, receives and reports nothing for a while."""

    warehouse: Label
    starts_at_minute: Minute
    duration_minutes: Minutes


class Burst(Part):
    """Demand nobody planned: `multiplier` times as much for some products; no category and no product: for all."""

    name: Label
    categories: Rows[Label] = Field(default=(), max_length=100)
    products: Rows[ProductId] = Field(default=(), max_length=100_000)
    starts_at_minute: Minute
    duration_minutes: Minutes
    multiplier: float = Field(ge=0, le=1000)


class Bots(Part):
    """Machines that buy: one city, one seller, one quantity, at even intervals."""

    name: Label
    products: Rows[ProductId] = Field(min_length=1, max_length=1000)
    city: Label
    seller: int = Field(ge=1, le=1_000_000)
    starts_at_minute: Minute
    duration_minutes: Minutes
    orders_per_second: float = Field(gt=0, le=100_000)
    quantity: int = Field(ge=1, le=1000)


class Phantom(Part):
    """Stock that the records show and the shelves do not have, until somebody counts or picks in vain."""

    pairs_share: Share = 0.0
    missing_share_max: Share = 0.6
    count_after_minutes: float = Field(default=90.0, ge=1, le=10_080)


class Faults(Part):
    """What senders and networks do to facts, as shares of all facts; each fact meets one at most."""

    late_share: FaultShare = 0.0
    late_minutes_max: float = Field(default=6.0, ge=3, le=30)
    out_of_order_share: FaultShare = 0.0
    out_of_order_seconds_max: int = Field(default=20, ge=1, le=59)
    duplicate_share: FaultShare = 0.0
    conflict_share: FaultShare = 0.0
    skewed_share: FaultShare = 0.0
    skew_seconds_max: int = Field(default=60, ge=1, le=3600)
    malformed_share: FaultShare = 0.0

    @property
    def any(self) -> bool:
        """Whether any share is above 0."""
        return self.total > 0

    @property
    def total(self) -> float:
        """Share of the facts that something happens to."""
        return (
            self.late_share
            + self.out_of_order_share
            + self.duplicate_share
            + self.conflict_share
            + self.skewed_share
            + self.malformed_share
        )
