"""What `spark-submit` must know to run a job against these services, in one private file."""

import sys
from pathlib import Path

from flashsale.errors import FlashsaleError
from flashsale.secret_files import write_private
from flashsale.settings import ENV_PREFIX, Settings
from flashsale.stores.mongo import mongo_uri

_ROOT = Path(__file__).resolve().parents[1]
_CONFIGURATION = _ROOT / "configs" / "spark"
_JARS = _ROOT / "spark_jobs" / "target" / "lib"
_HERE = "127.0.0.1"


def submit_properties(settings: Settings, folder: Path, master: str) -> dict[str, str]:
    """Spark properties of a driver on this machine that keeps its temporary files below `folder`.

    Raises FlashsaleError when the jars are not installed, SettingsError when MongoDB's secret is missing.
    """
    jars = sorted(str(path) for path in _JARS.glob("*.jar"))
    if not jars:
        raise FlashsaleError(f"{_JARS} holds no jars; run `make install`")
    return {
        **_defaults((_CONFIGURATION / "spark-defaults.conf").read_text()),
        "spark.master": master,
        # A driver on another machine than its executors says --conf spark.driver.host=... and bindAddress.
        "spark.driver.host": _HERE,
        "spark.driver.bindAddress": _HERE,
        "spark.driver.extraJavaOptions": f"-Dlog4j2.configurationFile=file:{_CONFIGURATION / 'log4j2.properties'}",
        "spark.jars": ",".join(jars),
        "spark.pyspark.python": sys.executable,
        "spark.local.dir": str(folder / "local"),
        "spark.sql.warehouse.dir": (folder / "warehouse").as_uri(),
        # A run of some seconds, and the page's port belongs to the server beside it.
        "spark.ui.enabled": "false",
        "spark.mongodb.read.connection.uri": mongo_uri(settings, "jobs"),
        "spark.hadoop.fs.defaultFS": settings.hdfs_rpc,
        **{f"spark.executorEnv.{name}": value for name, value in _environment(settings).items()},
    }


def write_submit_properties(settings: Settings, master: str) -> Path:
    """Write ``<home>/spark/submit.properties``, readable by its owner alone; returns its path.

    Raises as `submit_properties`.
    """
    folder = settings.home.absolute() / "spark"
    properties = submit_properties(settings, folder, master)
    for part in ("local", "warehouse"):
        (folder / part).mkdir(parents=True, exist_ok=True)
    path = folder / "submit.properties"
    write_private(path, "".join(f"{name} {value}\n" for name, value in properties.items()))
    return path


def _environment(settings: Settings) -> dict[str, str]:
    """Variables with which an executor's Python workers find MongoDB and their secret as this process does."""
    changed = {name: value for name, value in settings if value != Settings.model_fields[name].default}
    changed["home"] = settings.home.absolute()
    changed["secrets_dir"] = (settings.secrets_dir or settings.home / "secrets").absolute()
    changed.pop("spark_remote", None)
    return {f"{ENV_PREFIX}{name.upper()}": str(value) for name, value in changed.items()}


def _defaults(text: str) -> dict[str, str]:
    lines = [line.split(maxsplit=1) for line in text.splitlines() if line.strip() and not line.startswith("#")]
    return {name: value.strip() for name, value in lines}
