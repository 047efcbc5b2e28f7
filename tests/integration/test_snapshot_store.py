"""The pointer in Redis: moves only forward, and a reader finds every part of what it names."""

from collections.abc import Iterator
from datetime import datetime, timedelta

import pytest

from flashsale.errors import SupersededRunError
from flashsale.minutes import MINUTE
from flashsale.redis_keys import SaleKeys
from flashsale.settings import Settings
from flashsale.snapshot import PARTS, Snapshot, canonical_json, snapshot_id
from flashsale.stores.redis_client import RedisClient, redis_client
from flashsale.stores.snapshots import current_snapshot_id, publish_snapshot, read_parts
from tests.support.shop import at

SALE = "test_snapshot_store"
TTL_MINUTES = 30
NOON = at("12:00")


@pytest.fixture
def redis(data_services: Settings) -> Iterator[RedisClient]:
    with redis_client(data_services, "publisher") as client:
        client.delete(SaleKeys(SALE).current, SaleKeys(SALE).current_watermark)
        yield client


def snapshot(end: datetime, orders: int = 1) -> Snapshot:
    parts = {name: {"orders": orders} for name in PARTS}
    texts = {name: canonical_json(part) for name, part in parts.items()}
    return Snapshot(snapshot_id(end, parts), end, texts, {"1:1": "{}"})


def publish(redis: RedisClient, what: Snapshot, watermark: datetime | None) -> None:
    publish_snapshot(redis, SALE, what, watermark, TTL_MINUTES)


def test_a_later_minute_replaces_and_an_earlier_one_does_not(redis: RedisClient) -> None:
    first, second = snapshot(NOON), snapshot(NOON + MINUTE)
    publish(redis, first, NOON)
    publish(redis, second, NOON + MINUTE)
    with pytest.raises(SupersededRunError):
        publish(redis, first, NOON + 5 * MINUTE)
    assert current_snapshot_id(redis, SALE) == second.snapshot_id


def test_for_one_minute_the_later_watermark_wins_whoever_is_faster(redis: RedisClient) -> None:
    well_informed, hasty = snapshot(NOON, 10), snapshot(NOON, 9)
    publish(redis, hasty, NOON - timedelta(seconds=2))
    publish(redis, well_informed, NOON + timedelta(seconds=1))
    with pytest.raises(SupersededRunError):
        publish(redis, hasty, NOON - timedelta(seconds=2))
    with pytest.raises(SupersededRunError):
        publish(redis, hasty, None)
    assert current_snapshot_id(redis, SALE) == well_informed.snapshot_id


def test_publishing_the_same_again_changes_nothing(redis: RedisClient) -> None:
    for _ in range(2):
        publish(redis, snapshot(NOON), NOON)
    assert current_snapshot_id(redis, SALE) == snapshot(NOON).snapshot_id


def test_the_current_snapshot_stays_and_a_superseded_one_expires(redis: RedisClient) -> None:
    first, second = snapshot(NOON), snapshot(NOON + MINUTE)
    publish(redis, first, NOON)
    publish(redis, second, NOON + MINUTE)
    keys = SaleKeys(SALE)
    for part in PARTS:
        assert redis.ttl(keys.snapshot(second.snapshot_id, part)) == -1, "the current one never expires"
        assert 0 < redis.ttl(keys.snapshot(first.snapshot_id, part)) <= TTL_MINUTES * 60
    assert redis.ttl(keys.snapshot_details(second.snapshot_id)) == -1
    assert all(read_parts(redis, SALE, first.snapshot_id, PARTS).values()), "a reader in mid-render still finds it"
