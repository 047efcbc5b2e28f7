"""The running stack as its users see it: the page, Airflow, the published snapshot."""

import time
from datetime import datetime
from typing import Any

from embedded.airflow import USER, airflow_url
from embedded.stack import Stack
from flashsale.minutes import parse_iso
from flashsale.sale_run import SaleRun
from flashsale.stores.mongo import Client
from flashsale.stores.redis_client import redis_client
from flashsale.stores.sales import active_sale
from tests.support.airflow_api import AirflowApi
from tests.support.published import read_current


class WarRoom:
    """One stack with its live sale; `mongo` is logged in as owner."""

    def __init__(self, stack: Stack, mongo: Client) -> None:
        self.stack = stack
        self.settings = stack.config.settings
        self.mongo = mongo
        self.sale: SaleRun = active_sale(mongo)
        self.airflow = AirflowApi(airflow_url(stack.config), USER, self.settings.secret("airflow_admin"))

    @property
    def page(self) -> str:
        return f"http://127.0.0.1:{self.stack.config.ports.dashboard}"

    def current_sale(self) -> SaleRun:
        """The live sale as the registry knows it now."""
        return active_sale(self.mongo)

    def published(self) -> dict[str, Any] | None:
        with redis_client(self.settings, "dashboard_read") as redis:
            return read_current(redis, self.sale.sale_id)

    def wait_for_minute(self, end: datetime, seconds: float) -> dict[str, Any]:
        """The first snapshot of `end` or later."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            parts = self.published()
            if parts and parse_iso(parts["meta"]["data_interval_end"]) >= end:
                return parts
            time.sleep(1)
        runs = [(run["dag_run_id"], run["state"]) for run in self.airflow.runs("minute_kpis")]
        raise AssertionError(f"no snapshot of {end} within {seconds} s; runs of minute_kpis: {runs}")
