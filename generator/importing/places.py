"""Cities and warehouses by any name the file may give them, upper or lower case."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from flashsale.gazetteer import PLACES

if TYPE_CHECKING:
    from generator.importing.mapping import City, Mapping


@dataclass(frozen=True, slots=True)
class Position:
    """Where a city is; degrees."""

    province: str
    latitude: float
    longitude: float


def city_positions(mapping: Mapping) -> dict[str, Position]:
    """City -> position: the gazetteer's, and over it what the mapping says."""
    known = {name: Position(place.province, place.latitude, place.longitude) for name, place in PLACES.items()}
    for city in mapping.cities:
        position = position_of(city)
        if position is not None:
            known[city.name] = position
    return known


def position_of(city: City) -> Position | None:
    """The position that the mapping itself gives, completed from the gazetteer; None when that is not enough."""
    place = PLACES.get(city.name)
    province = city.province or (place.province if place else "")
    latitude = city.latitude if city.latitude is not None else place.latitude if place else None
    longitude = city.longitude if city.longitude is not None else place.longitude if place else None
    if not province or latitude is None or longitude is None:
        return None
    return Position(province, latitude, longitude)


def city_names(mapping: Mapping) -> dict[str, str]:
    """Folded name or alias -> city."""
    names = {folded(name): name for name in PLACES}
    for city in mapping.cities:
        names |= dict.fromkeys(_all_folded(city.name, city.aliases), city.name)
    return names


def warehouse_names(mapping: Mapping) -> dict[str, int]:
    """Folded name or alias -> warehouse_id: 1 for the first of the mapping."""
    names: dict[str, int] = {}
    for number, warehouse in enumerate(mapping.warehouses, 1):
        names |= dict.fromkeys(_all_folded(warehouse.name, warehouse.aliases), number)
    return names


def warehouse_cities(mapping: Mapping) -> list[str]:
    """The city of each warehouse, by the name cities_dim has for it."""
    names = city_names(mapping)
    return [names[folded(warehouse.city)] for warehouse in mapping.warehouses]


def folded(name: str) -> str:
    """`name` without regard to case and to the kind and number of blanks."""
    return " ".join(name.split()).casefold()


def _all_folded(name: str, aliases: Iterable[str]) -> list[str]:
    return [folded(name), *(folded(alias) for alias in aliases)]
