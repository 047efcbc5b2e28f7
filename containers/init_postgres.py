"""``python -m containers.init_postgres``: Airflow's role and database in PostgreSQL; repeating it changes nothing.

Airflow owns its database and is nobody elsewhere; the server's superuser is used here alone.
"""

import sys

import psycopg2
from psycopg2 import sql

from containers.waiting import until_done
from flashsale.errors import exit_with_one_line
from flashsale.settings import Settings, load_settings

HOST = "postgres"
ROLE = DATABASE = "airflow"
WAIT_SECONDS = 60.0


def main() -> int:
    """Entry point; returns the exit code."""
    return exit_with_one_line(_set_up)


def _set_up() -> int:
    settings = load_settings()
    not_yet = (psycopg2.OperationalError,)
    until_done(lambda: _put_role_and_database(settings), not_yet, "PostgreSQL took no role", WAIT_SECONDS)
    sys.stdout.write(f"PostgreSQL has the role and the database {ROLE}\n")
    return 0


def _put_role_and_database(settings: Settings) -> None:
    connection = psycopg2.connect(
        host=HOST, user="postgres", dbname="postgres", password=settings.secret("postgres_owner"), connect_timeout=5
    )
    try:
        connection.autocommit = True
        with connection.cursor() as cursor:
            role = sql.Identifier(ROLE)
            cursor.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", (ROLE,))
            if cursor.fetchone() is None:
                cursor.execute(sql.SQL("CREATE ROLE {} LOGIN").format(role))
            password = sql.Literal(settings.secret("postgres_airflow"))
            cursor.execute(sql.SQL("ALTER ROLE {} NOSUPERUSER PASSWORD {}").format(role, password))
            cursor.execute("SELECT 1 FROM pg_database WHERE datname = %s", (DATABASE,))
            if cursor.fetchone() is None:
                cursor.execute(sql.SQL("CREATE DATABASE {} OWNER {}").format(sql.Identifier(DATABASE), role))
    finally:
        connection.close()


if __name__ == "__main__":
    sys.exit(main())
