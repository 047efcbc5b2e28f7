"""Health of the jobs and of Airflow's DAGs in Redis, for the page and `status`."""

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta

from flashsale.errors import FlashsaleError, NothingToDoError, SupersededRunError, one_line
from flashsale.redis_keys import SaleKeys
from flashsale.settings import Settings, load_settings
from flashsale.stores.context import active_sale_id
from flashsale.stores.health import HealthState, write_health
from flashsale.stores.redis_client import redis_client, redis_errors

_LOG = logging.getLogger(__name__)


@contextmanager
def failure_shown(settings: Settings, part: str, period_seconds: int) -> Iterator[None]:
    """Write a failure of the block to ``health:{part}``, so that the page can say why; then let it go on."""
    try:
        yield
    except (NothingToDoError, SupersededRunError):
        raise
    except FlashsaleError as error:
        _tell(settings, lambda keys: keys.health(part), "failed", one_line(error), period_seconds)
        raise


def dag_health(dag_id: str, state: HealthState, detail: str, period: timedelta) -> None:
    """Write ``health:dag:{dag_id}`` of the live sale."""
    seconds = int(period.total_seconds())
    _tell(load_settings(), lambda keys: keys.health_dag(dag_id), state, detail, seconds)


def _tell(
    settings: Settings, key: Callable[[SaleKeys], str], state: HealthState, detail: str, period_seconds: int
) -> None:
    """With Redis down the key expires by itself, which readers show as silent: no line beside the failure's own."""
    try:
        with redis_errors("health"), redis_client(settings, "publisher") as redis:
            sale_id = active_sale_id(redis)
            if sale_id is not None:
                write_health(redis, key(SaleKeys(sale_id)), state, detail, period_seconds)
    except FlashsaleError as error:
        _LOG.info("%s", error)
