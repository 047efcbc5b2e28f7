"""View and filters live in the address, and come back from it."""

import pytest

from dashboard.address import VIEW_LABELS, Address, Filters, parameters, parse_address


@pytest.mark.parametrize("view", VIEW_LABELS)
def test_an_address_comes_back_from_its_own_parameters(view):
    address = Address(view, Filters(category=("Phones & more", "=x"), province=("Sindh",), warehouse=("3", "12")))
    assert parse_address(parameters(address)) == address


def test_the_war_room_without_filters_has_a_bare_address():
    assert parameters(Address()) == {}
    assert parse_address({}) == Address()


def test_links_to_other_views_keep_the_filters():
    address = Address("war-room", Filters(category=("Phones & more",), warehouse=("3", "12")))
    assert address.link("wall") == "?view=wall&category=Phones+%26+more&warehouse=3&warehouse=12"


def test_what_the_address_makes_up_is_left_alone():
    address = parse_address({"view": ["nonsense", "wall"], "utm_source": ["x"], "province": ["Sindh", "Sindh"]})
    assert address == Address("war-room", Filters(province=("Sindh",)))
    assert len(parse_address({"category": [str(i) for i in range(9_999)]}).filters.category) == 50
