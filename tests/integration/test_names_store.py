"""Names in Redis: a reader gets those it asks for, however many the catalogue has."""

from collections.abc import Iterator

import pytest

from dashboard.filtering import Places
from dashboard.names import Names
from flashsale.redis_keys import SaleKeys
from flashsale.settings import Settings
from flashsale.snapshot import canonical_json
from flashsale.stores.context import DimensionsView, read_dimensions, read_products, write_dimensions
from flashsale.stores.redis_client import RedisClient, redis_client
from tests.support.dashboard_samples import dimensions

SALE = "test_names_store"
KEYS = SaleKeys(SALE)
CATALOGUE = 5_000


@pytest.fixture
def redis(data_services: Settings) -> Iterator[RedisClient]:
    with redis_client(data_services, "publisher") as client:
        client.delete(KEYS.dimensions, KEYS.products)
        yield client


def large_shop() -> DimensionsView:
    return dimensions({number: f"Product number {number} of the large shop" for number in range(1, CATALOGUE + 1)})


def test_what_a_reader_takes_does_not_grow_with_the_catalogue(redis: RedisClient) -> None:
    write_dimensions(redis, SALE, dimensions())
    small = redis.strlen(KEYS.dimensions)
    write_dimensions(redis, SALE, large_shop())
    assert redis.strlen(KEYS.dimensions) <= small + 4, "the number of products has more digits, that is all"
    view = read_dimensions(redis, SALE, [7, CATALOGUE, CATALOGUE + 1])
    assert view is not None
    assert (view["product_count"], view["products"].keys()) == (CATALOGUE, {"7", str(CATALOGUE)})
    names = Names(view)
    assert names.product(CATALOGUE) == f"Product number {CATALOGUE} of the large shop"
    assert names.product(8) == "product 8", "it was not asked for"
    assert names.with_products(read_products(redis, SALE, [8])).product(8) == "Product number 8 of the large shop"
    assert Places.of(view).options()["category"] == {"sample": "sample"}


def test_no_name_is_asked_for_when_nothing_is_shown(redis: RedisClient) -> None:
    write_dimensions(redis, SALE, large_shop())
    view = read_dimensions(redis, SALE, [])
    assert view is not None
    assert (view["products"], view["product_count"]) == ({}, CATALOGUE)


def test_a_sale_that_is_not_seeded_has_no_names(redis: RedisClient) -> None:
    assert read_dimensions(redis, SALE, [1]) is None
    assert read_products(redis, SALE, [1]) == {}


def test_names_that_a_release_before_wrote_are_read(redis: RedisClient) -> None:
    written = dimensions()
    before = {name: part for name, part in written.items() if name in ("products", "warehouses", "cities")}
    redis.set(KEYS.dimensions, canonical_json(before))
    assert read_dimensions(redis, SALE, [1]) == written
