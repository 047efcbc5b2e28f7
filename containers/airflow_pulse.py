"""What only Airflow's own database tells: which DAGs are paused, and which files cannot be loaded.

Plain SQL on two tables: importing Airflow's models would cost the asker seconds each time.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from flashsale.errors import FlashsaleError, ServiceUnavailableError, one_line

CONNECT_SECONDS = 3


def paused_dags() -> frozenset[str]:
    """Ids of the DAGs that somebody switched off; raises FlashsaleError."""
    with _connection() as connection:
        rows = connection.exec_driver_sql("SELECT dag_id FROM dag WHERE is_paused AND NOT is_stale")
        return frozenset(row[0] for row in rows)


def import_errors() -> list[str]:
    """``<file>: <reason>`` of each DAG file that cannot be loaded; raises FlashsaleError."""
    with _connection() as connection:
        rows = connection.exec_driver_sql("SELECT filename, stacktrace FROM import_error ORDER BY filename")
        return [f"{name}: {_last_line(trace)}" for name, trace in rows]


def _last_line(trace: str | None) -> str:
    lines = [line.strip() for line in (trace or "").splitlines() if line.strip()]
    return lines[-1][:200] if lines else "no reason given"


@contextmanager
def _connection() -> Iterator[Any]:
    try:
        from airflow.configuration import conf
        from sqlalchemy import create_engine
        from sqlalchemy.exc import SQLAlchemyError
        from sqlalchemy.pool import NullPool
    except ImportError as error:
        raise FlashsaleError("Airflow is not installed where this runs") from error
    address = conf.get("database", "sql_alchemy_conn")
    options = {"connect_timeout": CONNECT_SECONDS} if address.startswith("postgresql") else {}
    try:
        with create_engine(address, poolclass=NullPool, connect_args=options).connect() as connection:
            yield connection
    except SQLAlchemyError as error:
        reason = one_line(getattr(error, "orig", None) or error)[:160]
        raise ServiceUnavailableError(f"Airflow's database does not answer ({reason})") from error
