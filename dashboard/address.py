"""What the page's address says: which view, and which filters are in force.  It is the one place they are kept."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, get_args
from urllib.parse import urlencode

View = Literal["war-room", "wall", "forecast-quality", "after-action", "system"]
VIEW_LABELS: dict[View, str] = {
    "war-room": "War room",
    "wall": "Wall",
    "forecast-quality": "Forecast quality",
    "after-action": "After action",
    "system": "System",
}
DEFAULT_VIEW: View = "war-room"
VIEW_PARAMETER = "view"

FilterField = Literal["category", "province", "warehouse"]
FILTER_FIELDS: tuple[FilterField, ...] = get_args(FilterField)
_LONGEST_ADDRESS = 50
"""Values of one filter that are read; nobody picks more, and the address is input from outside."""


@dataclass(frozen=True, slots=True)
class Filters:
    """Chosen values by field, empty where all are wanted; `warehouse` holds ids as text."""

    category: tuple[str, ...] = ()
    province: tuple[str, ...] = ()
    warehouse: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.category or self.province or self.warehouse)

    def values(self, name: FilterField) -> tuple[str, ...]:
        chosen: tuple[str, ...] = getattr(self, name)
        return chosen


NO_FILTERS = Filters()


@dataclass(frozen=True, slots=True)
class Address:
    """A view and its filters."""

    view: View = DEFAULT_VIEW
    filters: Filters = NO_FILTERS

    def link(self, view: View) -> str:
        """The address of another view under the same filters: ``?view=wall&province=Sindh``."""
        return "?" + urlencode(parameters(Address(view, self.filters)), doseq=True)


def parse_address(parameters: Mapping[str, Sequence[str]]) -> Address:
    """The address of query parameters; an unknown view is the war room, other parameters are not looked at."""
    named = next(iter(parameters.get(VIEW_PARAMETER, ())), DEFAULT_VIEW)
    view = next((known for known in VIEW_LABELS if known == named), DEFAULT_VIEW)
    chosen = {name: tuple(dict.fromkeys(parameters.get(name, ())[:_LONGEST_ADDRESS])) for name in FILTER_FIELDS}
    return Address(view, Filters(chosen["category"], chosen["province"], chosen["warehouse"]))


def parameters(address: Address) -> dict[str, list[str]]:
    """The query parameters of an address; the war room without filters has none."""
    found: dict[str, list[str]] = {} if address.view == DEFAULT_VIEW else {VIEW_PARAMETER: [address.view]}
    return found | {name: list(address.filters.values(name)) for name in FILTER_FIELDS if address.filters.values(name)}
