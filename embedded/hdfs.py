"""The genuine NameNode and DataNode from Maven's jars, two JVMs."""

import json

from embedded.config import HOST, ROOT, StackConfig
from embedded.http_probe import get_json
from embedded.service import NotAnsweringError, PortUse, Service, Step

HADOOP = ROOT / "hadoop"
_NAMENODE = "org.apache.hadoop.hdfs.server.namenode.NameNode"
_DATANODE = "org.apache.hadoop.hdfs.server.datanode.DataNode"


def namenode(config: StackConfig) -> Service:
    data = config.home / "hdfs"
    command = _java(config, config.sizes.namenode_heap)
    return Service(
        name="namenode",
        argv=(*command, _NAMENODE),
        env=_env(config),
        prepare=lambda: data.mkdir(parents=True, exist_ok=True),
        steps=(
            Step(
                "format",
                (*command, _NAMENODE, "-format", "-nonInteractive", "-clusterId", "flashsale"),
                needed=lambda: not (data / "name" / "current" / "VERSION").exists(),
            ),
        ),
        probe=lambda: _check_namenode(config),
        ports=(
            PortUse(config.hdfs_rpc_port, "FLASHSALE_HDFS_RPC"),
            PortUse(config.hdfs_http_port, "FLASHSALE_HDFS_HTTP"),
        ),
        address=f"http://{HOST}:{config.hdfs_http_port}",
    )


def datanode(config: StackConfig) -> Service:
    ports = config.ports
    return Service(
        name="datanode",
        argv=(*_java(config, config.sizes.datanode_heap), _DATANODE),
        env=_env(config),
        needs=("namenode",),
        probe=lambda: _check_writable(config),
        ports=(
            PortUse(ports.datanode, "FLASHSALE_PORT_DATANODE"),
            PortUse(ports.datanode_http, "FLASHSALE_PORT_DATANODE_HTTP"),
            PortUse(ports.datanode_ipc, "FLASHSALE_PORT_DATANODE_IPC"),
        ),
        address=f"http://{HOST}:{ports.datanode_http}",
    )


def _java(config: StackConfig, heap_mb: int) -> tuple[str, ...]:
    data = config.home / "hdfs"
    properties = {
        "flashsale.namenode.rpc": config.hdfs_rpc_port,
        "flashsale.namenode.http": config.hdfs_http_port,
        "flashsale.datanode.data": config.ports.datanode,
        "flashsale.datanode.http": config.ports.datanode_http,
        "flashsale.datanode.ipc": config.ports.datanode_ipc,
        "flashsale.hdfs.dir": data,
        "flashsale.hdfs.uri": data.as_uri(),
        "flashsale.hdfs.host": HOST,
        "flashsale.hdfs.datanode": HOST,
        "flashsale.hdfs.bind": HOST,
        "flashsale.hdfs.browser": config.settings.hdfs_user,
        "flashsale.hdfs.groups": f"{config.settings.hdfs_user}=supergroup;dr.who=",
        "hadoop.log.dir": data,
        "java.net.preferIPv4Stack": "true",
    }
    class_path = ":".join(str(HADOOP / part) for part in ("conf", "target/classes", "target/lib/*"))
    return (
        *("java", f"-Xmx{heap_mb}m", "-Xss512k", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1"),
        *(f"-D{name}={value}" for name, value in properties.items()),
        *("-cp", class_path),
    )


def _env(config: StackConfig) -> dict[str, str]:
    # Who starts the NameNode is its superuser and owns "/": the pipeline's user, not this machine's.
    return {"HADOOP_USER_NAME": config.settings.hdfs_user}


def _namenode_info(config: StackConfig) -> dict[str, str]:
    url = f"http://{HOST}:{config.hdfs_http_port}/jmx?qry=Hadoop:service=NameNode,name=NameNodeInfo"
    beans = get_json(url).get("beans", [])
    if not beans:
        raise NotAnsweringError("the NameNode is still starting")
    info: dict[str, str] = beans[0]
    return info


def _check_namenode(config: StackConfig) -> None:
    _namenode_info(config)


def _check_writable(config: StackConfig) -> None:
    """The DataNode itself is registered, and safe mode is over: it ends when the DataNode has reported."""
    url = f"http://{HOST}:{config.ports.datanode_http}/jmx?qry=Hadoop:service=DataNode,name=DataNodeInfo"
    beans = get_json(url).get("beans", [])
    actors = json.loads(beans[0].get("BPServiceActorInfo") or "[]") if beans else []
    if not any(actor["ActorState"] == "RUNNING" for actor in actors):
        raise NotAnsweringError("the DataNode is not registered yet")
    info = _namenode_info(config)
    if info["Safemode"]:
        raise NotAnsweringError("HDFS is in safe mode")
    if not json.loads(info["LiveNodes"]):
        raise NotAnsweringError("the NameNode sees no living DataNode")
