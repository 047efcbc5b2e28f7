"""Real services for integration tests: own ports, own folders, also beside a running demo."""

import itertools
import os
from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any

import pytest

from embedded.config import isolated_config
from embedded.stack import Stack
from flashsale.sale_run import SaleRun
from flashsale.settings import Settings
from flashsale.stores.mongo import mongo_client
from flashsale.stores.provision import provision_registry, provision_sale
from flashsale.stores.sales import activate
from tests.support.stacks import clear_abandoned_homes, temporary_home

_numbers = itertools.count(1)


@pytest.fixture(scope="session")
def stack() -> Iterator[Stack]:
    """The session's stack with nothing started; tests of faults stop and start its services."""
    clear_abandoned_homes()
    with temporary_home() as home, Stack(isolated_config(home)) as stack:
        yield stack


@pytest.fixture(scope="session")
def data_services(stack: Stack) -> Settings:
    """MongoDB and Redis are running; the settings that lead to them."""
    stack.start("mongo", "redis")
    return stack.config.settings


@pytest.fixture(scope="session")
def spark_services(stack: Stack, data_services: Settings) -> Settings:
    """MongoDB, Redis, HDFS and Spark Connect are running; the settings that lead to them."""
    stack.start("datanode", "spark")
    return data_services


@pytest.fixture(scope="session")
def open_test_sale() -> Callable[..., SaleRun]:
    """``open_test_sale(settings, sale_start=..., sale_end=..., **fields)`` -> a sale of its own, active."""

    def open_sale(settings: Settings, *, sale_start: datetime, sale_end: datetime, **fields: Any) -> SaleRun:
        values = {
            "sale_id": f"test_{os.getpid()}_{next(_numbers)}",
            "scenario": "test",
            "scenario_toml": 'name = "test"\n',
            "seed": 1,
            **fields,
        }
        sale = SaleRun(sale_start=sale_start, sale_end=sale_end, **values)
        with mongo_client(settings, "owner") as owner:
            provision_registry(owner, settings)
            provision_sale(owner, sale)
            activate(owner, sale)
        return sale

    return open_sale
