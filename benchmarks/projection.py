"""The measured figures carried to 1 M orders/s on paper: docs/scaling.md explains each formula.

The shop is the measured one, as many times as large as its orders: as many more (product, warehouse) pairs.
Nothing here was run at that size; what grows faster than in proportion is named in docs/scaling.md.
"""

from collections.abc import Sequence

from benchmarks.report import Figure
from benchmarks.scaled_sale import Written

ORDERS_PER_SECOND = 1_000_000
SECONDS_PER_HOUR = 3_600
MEGABYTE, GIGABYTE = 1e6, 1e9


def projection(measured: Sequence[Figure], written: Written) -> list[Figure]:
    """What 1 M orders/s need, and what one process reaches, from `measured`."""
    f = {figure.name: figure.value for figure in measured}
    events = f["inventory_events_per_order"]
    facts = ORDERS_PER_SECOND * (1 + events)
    m_facts = facts / 1e6
    pairs = written.pairs * ORDERS_PER_SECOND / (written.orders / written.ticks)
    checkpoint = f["checkpoint_client_cpu_ms_per_k_pairs"] / 1000 * pairs / 1000
    generating = f["generate_cpu_s_per_m_orders"] + f["insert_client_cpu_s_per_m_facts"] * m_facts
    disk = f["fact_disk_bytes"] + f["fact_index_bytes"]
    parquet = f["parquet_bytes_per_order"] + events * f["parquet_bytes_per_event"]
    each_order = ORDERS_PER_SECOND / m_facts
    return [
        Figure("at_1m_facts_per_s", m_facts, "M facts/s", "facts"),
        Figure("at_1m_pairs", pairs, "pairs", "stocked (product, warehouse) pairs"),
        Figure("at_1m_generator_cores", generating + checkpoint, "cores", "generator"),
        *(
            Figure(f"at_1m_{name}", f[source] * m_facts, "cores", meaning)
            for name, source, meaning in (
                ("mongod_insert_cores", "insert_mongod_cpu_s_per_m_facts", "mongod, primaries: insert"),
                ("mongod_rollup_cores", "rollup_mongod_cpu_s_per_m_facts", "mongod: rollup"),
                ("mongod_archive_cores", "archive_mongod_cpu_s_per_m_facts", "mongod: archive"),
                ("spark_rollup_cores", "rollup_spark_cpu_s_per_m_facts", "Spark: rollup"),
                ("archive_task_cores", "archive_client_cpu_s_per_m_facts", "archive task, one process today"),
                ("hdfs_cores", "archive_hdfs_cpu_s_per_m_facts", "HDFS, one copy"),
            )
        ),
        Figure("at_1m_wire_mb_per_s", f["fact_bson_bytes"] * facts / MEGABYTE, "MB/s", "facts to the primaries"),
        Figure(
            "at_1m_mongod_gb_per_hour", disk * facts * SECONDS_PER_HOUR / GIGABYTE, "GB/h", "mongod's disks, one copy"
        ),
        Figure(
            "at_1m_hdfs_gb_per_hour",
            parquet * ORDERS_PER_SECOND * SECONDS_PER_HOUR / GIGABYTE,
            "GB/h",
            "Parquet on HDFS, one copy",
        ),
        Figure("at_1m_snapshot_mb", f["snapshot_bytes"] / written.pairs * pairs / MEGABYTE, "MB", "one snapshot"),
        Figure(
            "at_1m_rollup_document_mb", f["rollup_pw_bytes_per_pair"] * pairs / MEGABYTE, "MB", "a minute's rollup_pw"
        ),
        Figure(
            "one_generator_orders_per_s",
            1e6 / (generating + checkpoint),
            "orders/s",
            "one generator process, all of a core",
        ),
        Figure(
            "one_core_rollup_orders_per_s",
            each_order / f["rollup_spark_cpu_s_per_m_facts"],
            "orders/s",
            "one core of Spark, all of it for rollups",
        ),
    ]
