"""The daily check tells people what it found, and touches nothing."""

from collections.abc import Callable

import pytest

from flashsale.errors import ReadBackError
from flashsale.hdfs_paths import SalePaths
from flashsale.sale_run import SaleRun
from flashsale.schema import ORDERS
from flashsale.settings import Settings
from flashsale.stores.context import write_sale
from flashsale.stores.hdfs import HdfsStore
from flashsale.stores.health import Health, read_health
from flashsale.stores.redis_client import redis_client
from spark_jobs.archive_maintenance import PART, verify_and_tell
from tests.support.archived_sale import archived_sale
from tests.support.shop import Pipeline


@pytest.fixture
def pipeline(spark_services: Settings, open_test_sale: Callable[..., SaleRun]) -> Pipeline:
    shop = archived_sale(spark_services, open_test_sale)
    with redis_client(spark_services, "publisher") as redis:
        write_sale(redis, shop.sale, [])
    return shop


def _told(pipeline: Pipeline) -> Health:
    with redis_client(pipeline.settings, "dashboard_read") as redis:
        health = read_health(redis, pipeline.sale.sale_id, {PART: PART})[PART]
    assert health
    return health


def test_an_archive_in_order_is_told_and_one_that_is_not_is_an_alarm(pipeline: Pipeline) -> None:
    report = verify_and_tell(pipeline.settings, pipeline.sale.sale_id)
    assert report.archived > 0
    assert (_told(pipeline)["state"], _told(pipeline)["detail"]) == ("ok", report.line()[:300])
    hdfs = HdfsStore(pipeline.settings)
    files = hdfs.walk_files(SalePaths(pipeline.sale.sale_id).table(ORDERS.name))
    hdfs.write_text(files[0], "overwritten")
    with pytest.raises(ReadBackError, match="findings; first: "):
        verify_and_tell(pipeline.settings, pipeline.sale.sale_id)
    assert _told(pipeline)["state"] == "failed"
    assert hdfs.walk_files(SalePaths(pipeline.sale.sale_id).table(ORDERS.name)) == files
