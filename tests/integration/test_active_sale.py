"""The page shows the sale that the registry calls active, whatever else is computed."""

from collections.abc import Callable

from flashsale.sale_run import SaleRun
from flashsale.settings import Settings
from flashsale.stores.context import active_sale_id, read_sale, write_sale
from flashsale.stores.redis_client import redis_client
from spark_jobs import minute_kpis
from tests.support.random_sale import draw
from tests.support.shop import Pipeline, Shop, at


def test_a_run_of_the_sale_before_does_not_take_the_page_back(
    spark_services: Settings, open_test_sale: Callable[..., SaleRun]
) -> None:
    before = open_test_sale(spark_services, sale_start=at("09:00"), sale_end=at("12:00"))
    pipeline = Pipeline(spark_services, before, Shop(products=4, capacities=(20, 30, 1000)))
    pipeline.add(*draw(5, "09:00", 3))
    pipeline.acked_through("09:10")
    with redis_client(spark_services, "publisher") as redis:
        minute_kpis.run(spark_services, at("09:02"), before.sale_id)
        assert active_sale_id(redis) == before.sale_id
        opened = open_test_sale(spark_services, sale_start=at("10:00"), sale_end=at("12:00"))
        write_sale(redis, opened, [1000])
        minute_kpis.run(spark_services, at("09:03"), before.sale_id)
        assert active_sale_id(redis) == opened.sale_id
        assert read_sale(redis, before.sale_id) is not None
