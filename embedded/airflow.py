"""Airflow as three components of their own; its metadata in PostgreSQL, its tasks forked by the scheduler."""

import json
import shlex
from importlib.metadata import version
from pathlib import Path

from embedded import postgres
from embedded.config import HOST, ROOT, StackConfig
from embedded.environment import bin_folder, settings_environment
from embedded.http_probe import get_json, get_text
from embedded.service import NotAnsweringError, PortUse, Service
from flashsale.airflow_pools import POOLS
from flashsale.secret_files import write_private

USER = "admin"


def airflow_services(config: StackConfig) -> tuple[Service, ...]:
    """Migration, API server, DAG processor and scheduler, in the order they need each other."""
    airflow = str(bin_folder() / "airflow")
    env = _env(config)
    home = config.home / "airflow"
    # Beside the database, so that both are forgotten together.
    migrated = config.home / "postgres" / f"airflow-{version('apache-airflow-core')}-pools-{len(POOLS)}.migrated"

    def prepare() -> None:
        home.mkdir(parents=True, exist_ok=True)
        passwords = {USER: config.settings.secret("airflow_admin")}
        write_private(_password_file(config), json.dumps(passwords))

    database = Service(
        name="airflow-db",
        argv=("bash", "-c", " && ".join(shlex.join(command) for command in _database_commands(airflow))),
        env=env,
        needs=("postgres",),
        prepare=prepare,
        needed=lambda: not migrated.exists(),
        done=migrated.touch,
        one_shot=True,
        start_seconds=180,
    )
    api = Service(
        name="airflow-api",
        argv=(airflow, "api-server"),
        env=env,
        needs=("airflow-db",),
        prepare=prepare,
        probe=lambda: _check_api(config),
        ports=(PortUse(config.ports.airflow, "FLASHSALE_PORT_AIRFLOW"),),
        address=airflow_url(config),
        start_seconds=120,
    )
    processor = Service(
        name="airflow-dag-processor",
        argv=(airflow, "dag-processor"),
        env=env,
        needs=("airflow-api",),
        probe=lambda: _check_part(config, "dag_processor"),
        start_seconds=120,
    )
    health_port = config.ports.airflow_scheduler_health
    scheduler = Service(
        name="airflow-scheduler",
        # Tasks' logs are files the API server reads itself; the log server would listen on every interface.
        argv=(airflow, "scheduler", "--skip-serve-logs"),
        env=env,
        # Its first act is to start the due runs: what they need must be there.
        needs=("airflow-api", "seed", "spark", "datanode"),
        probe=lambda: _check_scheduler(config),
        ports=(PortUse(health_port, "FLASHSALE_PORT_AIRFLOW_SCHEDULER_HEALTH"),),
        address=f"http://{HOST}:{health_port}",
        start_seconds=120,
    )
    return database, api, processor, scheduler


def _database_commands(airflow: str) -> list[tuple[str, ...]]:
    pools = [(airflow, "pools", "set", name, str(slots), what) for name, (slots, what) in POOLS.items()]
    return [(airflow, "db", "migrate"), *pools]


def airflow_url(config: StackConfig) -> str:
    return f"http://{HOST}:{config.ports.airflow}"


def _password_file(config: StackConfig) -> Path:
    return config.home / "airflow" / "passwords.json"


def _env(config: StackConfig) -> dict[str, str]:
    secret = config.settings.secret
    url = airflow_url(config)
    options = {
        "CORE__DAGS_FOLDER": str(config.dags_folder.absolute()),
        "CORE__FERNET_KEY": secret("airflow_fernet"),
        "CORE__SIMPLE_AUTH_MANAGER_USERS": f"{USER}:admin",
        "CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE": str(_password_file(config)),
        "CORE__EXECUTION_API_SERVER_URL": f"{url}/execution/",
        "DATABASE__SQL_ALCHEMY_CONN": (
            f"postgresql+psycopg2://{postgres.USER}@{HOST}:{config.ports.postgres}/{postgres.DATABASE}"
        ),
        "API__HOST": HOST,
        "API__PORT": str(config.ports.airflow),
        "API__BASE_URL": url,
        "API_AUTH__JWT_SECRET": secret("airflow_jwt"),
        "SCHEDULER__SCHEDULER_HEALTH_CHECK_SERVER_HOST": HOST,
        "SCHEDULER__SCHEDULER_HEALTH_CHECK_SERVER_PORT": str(config.ports.airflow_scheduler_health),
    }
    return {
        **settings_environment(config),
        **{f"AIRFLOW__{name}": value for name, value in options.items()},
        "AIRFLOW_HOME": str(config.home / "airflow"),
        "AIRFLOW_CONFIG": str(ROOT / "configs" / "airflow" / "airflow.cfg"),
        # airflow_local_settings.py, which loads the tasks' modules before they fork.
        "PYTHONPATH": str(ROOT / "configs" / "airflow"),
        "PGPASSFILE": str(postgres.pass_file(config)),
        "NO_PROXY": "*",
    }


def airflow_health(config: StackConfig) -> dict[str, str]:
    """Status by part ("healthy" or what else it says).

    The address answers 200 even when a part is unhealthy: only its JSON tells.
    """
    parts = get_json(f"{airflow_url(config)}/api/v2/monitor/health")
    wanted = ("metadatabase", "scheduler", "dag_processor")
    return {name: (parts.get(name) or {}).get("status") or "unknown" for name in wanted}


def _check_api(config: StackConfig) -> None:
    get_json(f"{airflow_url(config)}/api/v2/version")


def _check_part(config: StackConfig, part: str) -> None:
    status = airflow_health(config)[part]
    if status != "healthy":
        raise NotAnsweringError(f"Airflow says its {part} is {status}")


def _check_scheduler(config: StackConfig) -> None:
    # Its own server knows at once; the API server may still tell of the scheduler before it.
    get_text(f"http://{HOST}:{config.ports.airflow_scheduler_health}/health")
    _check_part(config, "scheduler")
