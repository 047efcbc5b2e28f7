"""Every service of a stack, by name, in an order in which each comes after what it needs."""

from collections.abc import Iterable

from embedded.airflow import airflow_services
from embedded.config import StackConfig
from embedded.hdfs import datanode, namenode
from embedded.mongodb import mongodb
from embedded.pipeline import pipeline_services
from embedded.postgres import postgres
from embedded.redis_server import redis_server
from embedded.service import Service
from embedded.spark_connect import spark_connect
from flashsale.secret_files import ensure_secrets


def catalog(config: StackConfig) -> dict[str, Service]:
    """All services of the stack; makes the secrets they are started with."""
    ensure_secrets(config.secrets_dir)
    services = [
        mongodb(config),
        redis_server(config),
        postgres(config),
        namenode(config),
        datanode(config),
        spark_connect(config),
        *pipeline_services(config),
        *airflow_services(config),
    ]
    return {service.name: service for service in services}


def with_needs(services: dict[str, Service], names: Iterable[str]) -> list[str]:
    """`names` and everything they need, in start order.  Raises KeyError for an unknown name."""
    wanted: set[str] = set()
    open_names = list(names)
    while open_names:
        name = open_names.pop()
        if name not in wanted:
            wanted.add(name)
            open_names.extend(services[name].needs)
    ordered: list[str] = []

    def add(name: str) -> None:
        if name not in ordered:
            for need in services[name].needs:
                add(need)
            ordered.append(name)

    for name in services:
        if name in wanted:
            add(name)
    return ordered
