"""From CPU seconds and bytes to the figures docs/scaling.md calculates with."""

from benchmarks.cpu_meter import CLIENT, CpuMeter
from benchmarks.pipeline_phases import Measured
from benchmarks.report import Figure
from benchmarks.scaled_sale import Written
from flashsale.schema import INVENTORY, ORDERS

MILLION = 1_000_000


def figures(written: Written, measured: Measured, meter: CpuMeter) -> list[Figure]:
    """All figures, in the order of the pipeline."""
    return [*_writing(written, measured, meter), *_computing(written, measured, meter), *_archive(measured, meter)]


def _writing(written: Written, measured: Measured, meter: CpuMeter) -> list[Figure]:
    seconds, stored, facts = meter.seconds, measured.stored, written.facts
    encode, write = seconds("encode", CLIENT), seconds("write", CLIENT)
    per_order, per_fact = "CPU s per 1 M orders", "CPU s per 1 M facts"
    checkpoints = written.pairs / 1000 * written.ticks
    return [
        Figure("inventory_events_per_order", written.events / written.orders, "", "inventory events per order"),
        Figure(
            "generate_cpu_s_per_m_orders",
            (seconds("simulate", CLIENT) + encode) / written.orders * MILLION,
            per_order,
            "generator: simulate and encode, with the inventory events",
        ),
        Figure(
            "insert_client_cpu_s_per_m_facts",
            write / facts * MILLION,
            per_fact,
            "generator: insert and count",
        ),
        Figure(
            "insert_mongod_cpu_s_per_m_facts",
            seconds("write", "mongo") / facts * MILLION,
            per_fact,
            "mongod: insert (validator, index, majority, checkpoint)",
        ),
        Figure(
            "checkpoint_client_cpu_ms_per_k_pairs",
            seconds("checkpoint", CLIENT) * 1000 / checkpoints,
            "CPU ms per tick and 1,000 pairs",
            "generator: checkpoint of the simulation, every second",
        ),
        Figure("fact_bson_bytes", stored.facts_bson / facts, "bytes per fact", "fact on the wire (BSON)"),
        Figure(
            "fact_disk_bytes", stored.facts_disk / facts, "bytes per fact", "fact on mongod's disk, without indexes"
        ),
        Figure("fact_index_bytes", stored.facts_indexes / facts, "bytes per fact", "fact in mongod's two indexes"),
        Figure("checkpoint_bytes_per_pair", stored.checkpoint / written.pairs, "bytes per pair", "checkpoints"),
    ]


def _computing(written: Written, measured: Measured, meter: CpuMeter) -> list[Figure]:
    seconds, stored = meter.seconds, measured.stored
    per_fact, per_pair = "CPU s per 1 M facts", "bytes per pair"
    rolled = measured.rolled_up / MILLION
    return [
        Figure("rollup_spark_cpu_s_per_m_facts", seconds("rollup", "spark") / rolled, per_fact, "Spark: rollup"),
        Figure(
            "rollup_mongod_cpu_s_per_m_facts",
            seconds("rollup", "mongo") / rolled,
            per_fact,
            "mongod: count, sweep and read for a rollup",
        ),
        # A pass costs much whatever it computes: as a rate per pair this would promise too much or too little.
        Figure("kpi_spark_cpu_s", seconds("kpi", "spark"), "CPU s", f"Spark: one KPI pass of {written.pairs:,} pairs"),
        Figure("kpi_client_cpu_s", seconds("kpi", CLIENT), "CPU s", "minute task: the same pass and its publication"),
        Figure("rollup_pw_bytes_per_pair", stored.rollup_pw / written.pairs, per_pair, "a minute's kpi_rollup_pw"),
        Figure("rollup_pwc_bytes_per_pair", stored.rollup_pwc / written.pairs, per_pair, "a minute's kpi_rollup_pwc"),
        Figure("snapshot_bytes", float(stored.snapshot), "bytes", "a snapshot in Redis, all parts"),
        Figure("products_bytes_per_pair", stored.products_part / written.pairs, per_pair, "its part `products`"),
    ]


def _archive(measured: Measured, meter: CpuMeter) -> list[Figure]:
    archived = measured.archived / MILLION
    who = {"client": (CLIENT,), "mongod": ("mongo",), "hdfs": ("namenode", "datanode")}
    what = {
        "client": "archive task: seal, write the Parquet file, verify, delete",
        "mongod": "mongod: read twice, delete",
        "hdfs": "HDFS: write once, read twice",
    }
    cpu = [
        Figure(
            f"archive_{name}_cpu_s_per_m_facts",
            meter.seconds("archive", *processes) / archived,
            "CPU s per 1 M facts",
            what[name],
        )
        for name, processes in who.items()
    ]
    rows = [
        Figure(f"parquet_bytes_per_{name}", size / count, "bytes per row", f"{table} in Parquet (zstd)")
        for name, table in (("order", ORDERS.name), ("event", INVENTORY.name))
        for size, count in (measured.files[table],)
    ]
    return [*cpu, *rows]
