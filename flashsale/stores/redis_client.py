"""The one Redis client factory."""

from collections.abc import Iterator
from contextlib import contextmanager

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from flashsale.errors import FlashsaleError, ServiceUnavailableError, one_line
from flashsale.settings import Settings

RedisClient = redis.Redis

TIMEOUT_SECONDS = 3.0


def redis_client(settings: Settings, user: str) -> RedisClient:
    """A client logged in as `user` (secret ``redis_<user>``), with text replies and short timeouts.

    It does not retry by itself: a job's retry is Airflow's, a page's is the next refresh.
    """
    return redis.Redis(
        host=settings.redis_host,
        port=settings.redis_port,
        username=user,
        password=settings.secret(f"redis_{user}"),
        decode_responses=True,
        socket_timeout=TIMEOUT_SECONDS,
        socket_connect_timeout=TIMEOUT_SECONDS,
        retry=Retry(NoBackoff(), 0),
        client_name=f"flashsale-{user}",
        # The name says who it is; CLIENT SETINFO would need a right that Redis 7.0 cannot even spell.
        driver_info=None,
    )


@contextmanager
def redis_errors(doing: str) -> Iterator[None]:
    """Turn client errors raised while `doing` something into one-line errors."""
    try:
        yield
    except (redis.ConnectionError, redis.TimeoutError) as error:
        raise ServiceUnavailableError(f"{doing}: Redis does not answer ({one_line(error)[:120]})") from error
    except redis.RedisError as error:
        raise FlashsaleError(f"{doing}: Redis refused ({one_line(error)[:200]})") from error
