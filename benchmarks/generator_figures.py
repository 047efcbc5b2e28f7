"""From passes over the store to the figures of the generator's benchmark."""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

from benchmarks.generator_pass import Pass
from benchmarks.generator_simulation import Simulated
from benchmarks.generator_store import FactSizes
from benchmarks.report import Figure

MB = 1e6
WARM_UP_TICKS = 360
"""Until then a worker's memory fills: with parcels on their way, and with what shards remember of each other."""
_RATE, _CPU = "documents/s", "µs per document"


@dataclass(frozen=True, slots=True)
class Measured:
    """`sweep` and `many`: by batch size the floor's best pass, with blocks and with insert_many; `rounds`: (passes
    of the best sizes of the sweep, pass of the generator); `sizes`: what `long_run` left."""

    simulated: Simulated
    sweep: Sequence[Pass]
    many: Sequence[Pass]
    rounds: Sequence[tuple[Sequence[Pass], Pass]]
    long_run: Pass
    sizes: FactSizes

    @property
    def floors(self) -> list[Pass]:
        """The rounds' passes of the batch size with the best median."""
        by_size = zip(*(floors for floors, _ in self.rounds), strict=True)
        return list(max(by_size, key=lambda passes: median(one.rate for one in passes)))

    @property
    def generator(self) -> list[Pass]:
        """The rounds' passes of the generator."""
        return [own for _, own in self.rounds]


def figures(measured: Measured) -> list[list[Figure]]:
    """Tables: what was asked for; the sweep."""
    main_table = [
        *_rates(measured),
        *_simulation(measured.simulated),
        *_memory(measured.long_run.memory),
        *_long_run(measured),
    ]
    return [main_table, _sweep(measured)]


def _rates(measured: Measured) -> list[Figure]:
    floors, own = measured.floors, measured.generator
    floor_rate, own_rate = (median(one.rate for one in passes) for passes in (floors, own))
    many = max(one.rate for one in measured.many) / max(one.rate for one in measured.sweep)
    return [
        Figure("generator_store_ratio", own_rate / floor_rate, "", "stored by the generator ÷ the floor", ">=0.80"),
        Figure("generator_documents_per_s", own_rate, _RATE, "stored by the generator, 2 workers"),
        Figure("floor_documents_per_s", floor_rate, _RATE, f"the floor, {floors[0].batch:,} documents at a time"),
        Figure("insert_many_ratio", many, "", "pymongo's insert_many of encoded documents ÷ the floor, in the sweep"),
        Figure("generator_cpu_us", median(one.writers_cpu_us for one in own), _CPU, "CPU of the generator"),
        Figure("generator_mongod_cpu_us", median(one.mongod_cpu_us for one in own), _CPU, "CPU of mongod meanwhile"),
        Figure("floor_cpu_us", median(one.writers_cpu_us for one in floors), _CPU, "CPU of the floor's writers"),
        Figure("floor_mongod_cpu_us", median(one.mongod_cpu_us for one in floors), _CPU, "CPU of mongod meanwhile"),
    ]


def _simulation(simulated: Simulated) -> list[Figure]:
    rate = simulated.orders / simulated.cpu_seconds
    return [
        Figure("simulated_orders_per_s", rate, "orders/s", "simulated alone, the whole sale, by one core", ">=1000000"),
        Figure("simulated_documents", float(simulated.facts), "documents", "orders and inventory events of it"),
    ]


def _memory(samples: Sequence[tuple[int, Sequence[int]]]) -> list[Figure]:
    """The worst over the workers."""
    steady = [sizes for tick, sizes in samples if tick >= WARM_UP_TICKS]
    third = len(steady) // 3
    workers = range(len(steady[0]))
    growth = max(_median_of(steady[-third:], w) / _median_of(steady[:third], w) for w in workers)
    most = max(size for _, sizes in samples for size in sizes)
    return [
        Figure("worker_memory_mb", most / MB, "MB", "memory of a worker, most", "<=400"),
        Figure("worker_memory_growth", growth, "", "memory of a worker, last third of the long run ÷ first", "<=1.05"),
    ]


def _median_of(samples: Sequence[Sequence[int]], worker: int) -> float:
    return median(sizes[worker] for sizes in samples)


def _long_run(measured: Measured) -> list[Figure]:
    run, sizes = measured.long_run, measured.sizes
    share = 100 * run.documents / measured.simulated.facts
    per_document = "bytes per document"
    return [
        Figure("stored_documents", float(run.documents), "documents", "stored in the long run"),
        Figure("stored_share", share, "%", "of the whole sale"),
        Figure("stored_seconds", run.seconds, "s", "in that time"),
        Figure("stored_documents_per_s", run.rate, _RATE, "that is"),
        Figure("document_bson_bytes", sizes.bson / sizes.documents, per_document, "a document as BSON"),
        Figure("document_disk_bytes", sizes.disk / sizes.documents, per_document, "on mongod's disk, without indexes"),
        Figure("document_index_bytes", sizes.indexes / sizes.documents, per_document, "in mongod's two indexes"),
    ]


def _sweep(measured: Measured) -> list[Figure]:
    ways = (("blocks", measured.sweep), ("insert_many", measured.many))
    return [
        Figure(f"sweep_{way}_{one.batch}", one.rate, _RATE, f"sweep: {way} of {one.batch:,} documents")
        for way, passes in ways
        for one in passes
    ]
