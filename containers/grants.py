"""What each service of the stack is handed: its own secrets, and server configuration, in a volume of its own.

Configuration goes the same way as secrets: official images run as users of their own, who may not be
able to read the files of a clone, and an engine on another machine does not have them.
"""

from collections.abc import Callable
from pathlib import Path

from flashsale.redis_acl import render_acl
from flashsale.settings import Settings
from flashsale.stores.mongo import mongo_uri

Secret = Callable[[str], str]

# The users' passwords are set by whoever opens a sale.
_OWNER = ("mongo_owner", "mongo_generator", "mongo_jobs", "mongo_notifier")
_AIRFLOW = ("airflow_fernet", "airflow_jwt", "airflow_session")

PLAIN: dict[str, tuple[str, ...]] = {
    "mongo": ("mongo_keyfile",),
    "mongo-init": _OWNER,
    "sale": _OWNER,
    "seed": ("mongo_jobs", "redis_publisher"),
    "generator": ("mongo_generator",),
    "redis": ("redis_dashboard_read",),
    "postgres": ("postgres_owner",),
    "postgres-init": ("postgres_owner", "postgres_airflow"),
    "airflow-db": (*_AIRFLOW, "airflow_admin"),
    "airflow-api": _AIRFLOW,
    "airflow-dag-processor": (*_AIRFLOW, "redis_publisher"),
    "airflow-scheduler": (*_AIRFLOW, "mongo_jobs", "redis_publisher"),
    "spark-connect": (),
    "spark-master": (),
    "spark-worker": ("mongo_jobs",),
    "dashboard": ("redis_dashboard_read", "redis_dashboard_command"),
    "notifier": ("mongo_notifier", "redis_notifier_read", "redis_notifier_health"),
    "hdfs": (),
}
"""Service (or group of services) -> secrets handed over as they are."""

TARGETS = "notify_targets"
"""What the notifier is handed besides, if there is one: nobody but the shop knows where it wants its messages."""


def written(service: str, secret: Secret, settings: Settings, root: Path) -> dict[str, str]:
    """Files made for `service`, by name, in the form its program reads; `root` is the project's folder."""
    if service.startswith("airflow-"):
        # libpq and asyncpg read it, so that no URI has to carry the password.
        return {"pgpass": f"*:*:*:airflow:{secret('postgres_airflow')}\n"}
    if service == "redis":
        folder = root / "configs" / "redis"
        acl = render_acl((folder / "users.acl").read_text(), secret)
        return {"users.acl": acl, "redis.conf": (folder / "redis.conf").read_text()}
    if service == "hdfs":
        return {path.name: path.read_text() for path in sorted((root / "hadoop" / "conf").iterdir())}
    if service in ("spark-master", "spark-worker"):
        return {"spark.conf": _spark_lines(_spark_authentication(secret))}
    if service == "spark-connect":
        uri = {"spark.mongodb.read.connection.uri": mongo_uri(settings, "jobs")}
        return {"spark.conf": _spark_lines(_spark_authentication(secret) | uri)}
    return {}


def grants(service: str, secret: Secret, settings: Settings, root: Path) -> dict[str, str]:
    """Every file of `service`'s folder: name -> text."""
    files = {name: secret(name) + "\n" for name in PLAIN[service]} | written(service, secret, settings, root)
    if service == "notifier" and settings.secrets_dir is not None and (settings.secrets_dir / TARGETS).exists():
        files[TARGETS] = (settings.secrets_dir / TARGETS).read_text()
    return files


def _spark_authentication(secret: Secret) -> dict[str, str]:
    """Master, workers, driver and executors know one another by a shared secret, and encrypt what they say."""
    return {
        "spark.authenticate": "true",
        "spark.authenticate.secret": secret("spark_cluster"),
        "spark.network.crypto.enabled": "true",
    }


def _spark_lines(properties: dict[str, str]) -> str:
    return "".join(f"{name} {value}\n" for name, value in properties.items())
