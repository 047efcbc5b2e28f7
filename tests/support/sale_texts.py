"""Sales for tests of the model: made from others by changing what matters to the test."""

import re
from pathlib import Path

from tests.support.scenarios import SMALL

SALES = Path(__file__).parents[2] / "configs" / "sales"


def with_values(text: str, **values: object) -> str:
    """The scenario with another value of each key, wherever it is set."""
    for key, value in values.items():
        text, found = re.subn(rf"^{key} = [^#\n]*", f"{key} = {value} ", text, flags=re.MULTILINE)
        assert found, f"the scenario sets no {key}"
    return text


def without_campaigns(text: str) -> str:
    """The scenario up to its first campaign."""
    return text[: text.index("[[campaigns]]")]


FLAT_AND_FULL = with_values((SALES / "flat.toml").read_text(), cover_median_minutes=90_000.0, pairs_share=0.0)
"""The flat sale with stock for everybody: constant rate, every coupling off."""
FULL_SHELVES = with_values(
    SMALL,
    orders_per_second=200.0,
    cover_median_minutes=90_000.0,
    pairs_share=0.0,
    capacity_units_per_minute=100_000,
)
"""Every order wanted becomes one that can be counted; the plan jumps within ten minutes, there are
discounts, and a hidden deviation from the plan."""

EVENTFUL = (
    SMALL
    + """
[excitation]
branching = 0.4
memory_seconds = 10.0

[phantom]
pairs_share = 0.5
count_after_minutes = 3.0

[faults]
late_share = 0.03
out_of_order_share = 0.03
duplicate_share = 0.03
conflict_share = 0.02
skewed_share = 0.02
malformed_share = 0.02

[[outages]]
warehouse = "Lahore East"
starts_at_minute = 3
duration_minutes = 1

[[bursts]]
name = "A shout"
categories = ["Toys"]
starts_at_minute = 2
duration_minutes = 3
multiplier = 2.0

[[bots]]
name = "Resellers"
products = [1, 4]
city = "Multan"
seller = 2
starts_at_minute = 1
duration_minutes = 2
orders_per_second = 1.5
quantity = 2
"""
)
"""Everything that can happen, within ten minutes."""
EXCITED = (
    with_values(FULL_SHELVES, capacity_units_per_minute=3_000)
    + """
[excitation]
branching = 0.6
memory_seconds = 8.0

[[bursts]]
name = "A shout"
categories = ["Toys"]
starts_at_minute = 7
duration_minutes = 2
multiplier = 3.0
"""
).replace("heartbeat_seconds = 60", "heartbeat_seconds = 60\nimpatience_per_hour = 6.0")
"""Besides: orders draw orders, one warehouse chokes, and what nobody planned."""
