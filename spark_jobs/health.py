"""Health of Airflow's DAGs in Redis, written by their callbacks."""

from datetime import timedelta

from flashsale.errors import FlashsaleError
from flashsale.redis_keys import SaleKeys
from flashsale.settings import load_settings
from flashsale.stores.context import active_sale_id
from flashsale.stores.health import write_health
from flashsale.stores.redis_client import redis_client, redis_errors


def dag_health(dag_id: str, state: str, detail: str, period: timedelta) -> None:
    """Write ``health:dag:{dag_id}`` of the live sale.

    With Redis down the key expires by itself, which readers show as unknown; the run's own
    state must not change for it, so the failure is only printed to the callback's log.
    """
    settings = load_settings()
    try:
        with redis_errors(f"health of {dag_id}"), redis_client(settings, "publisher") as redis:
            sale_id = active_sale_id(redis)
            if sale_id is None:
                return
            key = SaleKeys(sale_id).health_dag(dag_id)
            write_health(redis, key, "ok" if state == "ok" else "failed", detail, int(period.total_seconds()))
    except FlashsaleError as error:
        import logging

        logging.getLogger(__name__).warning("%s", error)
