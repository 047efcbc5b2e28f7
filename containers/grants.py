"""Which secrets each service of the stack may read; each has a volume of its own that holds those alone."""

from collections.abc import Callable

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
    "postgres": ("postgres_airflow",),
    "airflow-db": (*_AIRFLOW, "airflow_admin"),
    "airflow-api": _AIRFLOW,
    "airflow-dag-processor": (*_AIRFLOW, "redis_publisher"),
    "airflow-scheduler": (*_AIRFLOW, "mongo_jobs", "redis_publisher"),
    "spark-connect": (),
    "spark-cluster": (),
    "dashboard": ("redis_dashboard_read", "redis_dashboard_command"),
}
"""Service (or group of services) -> secrets handed over as they are."""


def written(service: str, secret: Secret, settings: Settings, acl_template: str) -> dict[str, str]:
    """Files made from secrets for `service`, by name: what its program reads in a form of its own."""
    if service.startswith("airflow-"):
        # libpq and asyncpg read it, so that no URI has to carry the password.
        return {"pgpass": f"*:*:*:airflow:{secret('postgres_airflow')}\n"}
    if service == "redis":
        return {"users.acl": render_acl(acl_template, secret)}
    if service == "spark-cluster":
        return {"spark.conf": _spark_lines(_spark_authentication(secret))}
    if service == "spark-connect":
        uri = {"spark.mongodb.read.connection.uri": mongo_uri(settings, "jobs")}
        return {"spark.conf": _spark_lines(_spark_authentication(secret) | uri)}
    return {}


def grants(service: str, secret: Secret, settings: Settings, acl_template: str) -> dict[str, str]:
    """Every file of `service`'s folder of secrets: name -> text."""
    return {name: secret(name) + "\n" for name in PLAIN[service]} | written(service, secret, settings, acl_template)


def _spark_authentication(secret: Secret) -> dict[str, str]:
    """Master, workers, driver and executors know one another by a shared secret, and encrypt what they say."""
    return {
        "spark.authenticate": "true",
        "spark.authenticate.secret": secret("spark_cluster"),
        "spark.network.crypto.enabled": "true",
    }


def _spark_lines(properties: dict[str, str]) -> str:
    return "".join(f"{name} {value}\n" for name, value in properties.items())
