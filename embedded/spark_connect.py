"""One warm Spark Connect server: driver and executors in one JVM."""

import uuid
import xml.etree.ElementTree as ElementTree
from pathlib import Path
from typing import Any

from embedded.config import HOST, ROOT, StackConfig
from embedded.environment import bin_folder
from embedded.service import NotAnsweringError, PortUse, Service
from flashsale.errors import FlashsaleError, one_line
from flashsale.secret_files import write_private

JARS = ROOT / "spark_jobs" / "target" / "lib"
_SERVER = "org.apache.spark.sql.connect.service.SparkConnectServer"
_CLIENT_LINES = ("dfs.client.", "dfs.replication", "dfs.blocksize")
_TIMEOUT_SECONDS = 10


def spark_connect(config: StackConfig) -> Service:
    folder = config.home / "spark"
    properties = folder / "spark.properties"
    token = config.settings.secret("spark_connect")

    def prepare() -> None:
        for part in ("local", "warehouse"):
            (folder / part).mkdir(parents=True, exist_ok=True)
        # In a file of ours and not on the command line, which every user of the machine can read.
        lines = (f"{name} {value}\n" for name, value in _properties(config, folder).items())
        write_private(properties, "".join(lines))

    return Service(
        name="spark",
        argv=(
            *(str(bin_folder() / "spark-submit"), "--properties-file", str(properties)),
            *("--class", _SERVER, "spark-internal"),
        ),
        env={
            "SPARK_LOCAL_IP": HOST,
            "SPARK_CONF_DIR": str(ROOT / "configs" / "spark"),
            "SPARK_CONNECT_AUTHENTICATE_TOKEN": token,
            "PYSPARK_PYTHON": str(bin_folder() / "python"),
            "HADOOP_USER_NAME": config.settings.hdfs_user,
            "TZ": "UTC",
        },
        prepare=prepare,
        probe=lambda: _probe(config.spark_port, token),
        ports=(
            PortUse(config.spark_port, "FLASHSALE_SPARK_REMOTE"),
            PortUse(config.ports.spark_ui, "FLASHSALE_PORT_SPARK_UI"),
        ),
        address=f"http://{HOST}:{config.ports.spark_ui}",
        start_seconds=120,
    )


def _properties(config: StackConfig, folder: Path) -> dict[str, str]:
    settings = config.settings
    jars = sorted(str(path) for path in JARS.glob("*.jar"))
    if not jars:
        raise FlashsaleError(f"{JARS} holds no jars; run `make install`")
    password = settings.secret("mongo_jobs")
    mongo = (
        f"mongodb://jobs:{password}@{settings.mongo_host}:{settings.mongo_port}/"
        f"?authSource=admin&replicaSet={settings.mongo_replica_set}"
    )
    return {
        "spark.app.name": "flashsale",
        "spark.master": "local[2]",
        "spark.driver.memory": f"{config.sizes.spark_heap}m",
        "spark.driver.host": HOST,
        "spark.driver.bindAddress": HOST,
        "spark.jars": ",".join(jars),
        "spark.local.dir": str(folder / "local"),
        "spark.sql.warehouse.dir": (folder / "warehouse").as_uri(),
        "spark.sql.session.timeZone": "UTC",
        "spark.connect.grpc.binding.address": HOST,
        "spark.connect.grpc.binding.port": str(config.spark_port),
        # A task that was killed leaves its session behind.
        "spark.connect.session.manager.defaultSessionTimeout": "10m",
        "spark.ui.port": str(config.ports.spark_ui),
        # A taken port is an error; the next one would be an address nobody was told.
        "spark.port.maxRetries": "0",
        # A server that runs for days remembers the last hours only.
        "spark.ui.retainedJobs": "200",
        "spark.ui.retainedStages": "200",
        "spark.ui.retainedTasks": "2000",
        "spark.sql.ui.retainedExecutions": "50",
        "spark.mongodb.read.connection.uri": mongo,
        "spark.redaction.regex": r"(?i)secret|password|passphrase|token|access[.]?key|connection[.]uri|mongodb://",
        "spark.hadoop.fs.defaultFS": settings.hdfs_rpc,
        **{f"spark.hadoop.{name}": value for name, value in _hdfs_client_lines().items()},
    }


def _hdfs_client_lines() -> dict[str, str]:
    """What HDFS's own configuration says to clients."""
    root = ElementTree.parse(ROOT / "hadoop" / "conf" / "hdfs-site.xml").getroot()  # noqa: S314 - our own file
    pairs = ((p.findtext("name") or "", p.findtext("value") or "") for p in root.iter("property"))
    return {name: value for name, value in pairs if name.startswith(_CLIENT_LINES)}


def _probe(port: int, token: str) -> None:
    """Ask the server its version, in a session that is released at once."""
    # Loading the client takes a second: only who asks Spark pays for it.
    import grpc
    from pyspark.sql.connect.proto import base_pb2, base_pb2_grpc

    credentials = grpc.composite_channel_credentials(
        grpc.local_channel_credentials(), grpc.access_token_call_credentials(token)
    )
    session, user = str(uuid.uuid4()), base_pb2.UserContext(user_id="embedded")
    version = base_pb2.AnalyzePlanRequest.SparkVersion()
    ask = base_pb2.AnalyzePlanRequest(session_id=session, user_context=user, spark_version=version)
    release = base_pb2.ReleaseSessionRequest(session_id=session, user_context=user)
    with grpc.secure_channel(f"localhost:{port}", credentials) as channel:
        server: Any = base_pb2_grpc.SparkConnectServiceStub(channel)  # type: ignore[no-untyped-call]
        try:
            answer = server.AnalyzePlan(ask, timeout=_TIMEOUT_SECONDS)
            server.ReleaseSession(release, timeout=_TIMEOUT_SECONDS)
        except grpc.RpcError as error:
            raise NotAnsweringError(one_line(error)) from error
    if not answer.spark_version.version:
        raise NotAnsweringError("Spark Connect answers without a version")
