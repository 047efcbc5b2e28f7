"""One warm Spark Connect server: driver and executors in one JVM."""

import uuid
from pathlib import Path
from typing import Any

from embedded.config import HOST, ROOT, StackConfig
from embedded.environment import bin_folder, settings_environment
from embedded.service import NotAnsweringError, PortUse, Service
from flashsale.errors import FlashsaleError, one_line
from flashsale.secret_files import write_private
from flashsale.stores.mongo import mongo_uri

JARS = ROOT / "spark_jobs" / "target" / "lib"
_SERVER = "org.apache.spark.sql.connect.service.SparkConnectServer"
_TIMEOUT_SECONDS = 10
_FAST_COMPILER = "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC"


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
            *(str(bin_folder() / "spark-submit"), "--properties-file", str(properties), "--load-spark-defaults"),
            *("--class", _SERVER, "spark-internal"),
        ),
        env={
            # For the Python workers, which read facts themselves.
            **settings_environment(config),
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
    return {
        "spark.master": "local[2]",
        "spark.driver.memory": f"{config.sizes.spark_heap}m",
        **({"spark.driver.extraJavaOptions": _FAST_COMPILER} if config.sizes.short_lived else {}),
        "spark.driver.host": HOST,
        "spark.driver.bindAddress": HOST,
        "spark.jars": ",".join(jars),
        "spark.local.dir": str(folder / "local"),
        "spark.sql.warehouse.dir": (folder / "warehouse").as_uri(),
        "spark.connect.grpc.binding.address": HOST,
        "spark.connect.grpc.binding.port": str(config.spark_port),
        "spark.ui.port": str(config.ports.spark_ui),
        "spark.mongodb.read.connection.uri": mongo_uri(settings, "jobs"),
        "spark.hadoop.fs.defaultFS": settings.hdfs_rpc,
    }


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
