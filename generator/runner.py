"""Run a sale: who decides, who simulates, where the facts go, wired together."""

import threading

from flashsale.errors import FlashsaleError
from flashsale.sale_run import SaleRun
from flashsale.settings import Settings
from flashsale.stores.mongo import Client
from generator.heartbeat import Heartbeat
from generator.running.conductor import Conductor
from generator.running.disk import DiskGuard, free_at_mongodb, free_in_folder
from generator.running.exchange import LocalExchange
from generator.running.job import Job
from generator.running.leader import Leader
from generator.running.options import RunOptions
from generator.running.parquet_folder import ParquetFolder
from generator.running.progress import Progress, Teller
from generator.running.sale_record import FixedSale, MongoSaleRecord, SaleRecord
from generator.running.tellers import LogLines
from generator.running.worker import Worker


class SaleRunner:
    """Runs a sale into MongoDB; `stop` ends it after the writes at hand."""

    def __init__(
        self,
        client: Client,
        sale: SaleRun,
        settings: Settings,
        stop: threading.Event,
        options: RunOptions | None = None,
        teller: Teller | None = None,
    ) -> None:
        self._job = Job(sale, settings, options or RunOptions())
        shards = range(self._job.scenario.shards)
        record = MongoSaleRecord(client, sale, shards, stop, only_live=self._job.options.pace == "clock")
        database = client[sale.database]
        disk = DiskGuard(lambda: free_at_mongodb(database), settings, "MongoDB")
        self._conductor = _conductor(self._job, record, disk, teller or LogLines(), "MongoDB", stop)

    def run(self) -> None:
        """Until `stop`, until the run's own end, or until another sale is the active one.

        Raises FlashsaleError when MongoDB refuses, and when the sale was upgraded meanwhile.
        """
        _work(self._job, self._conductor)
        self._conductor.conclude()


def run_into_folder(job: Job, stop: threading.Event, teller: Teller) -> None:
    """Run a sale that no MongoDB knows into the Parquet files of `job.folder`.

    Raises FlashsaleError when the folder holds another run's files, or cannot be written.
    """
    if job.folder is None:
        raise ValueError("the job names no folder")
    folder = ParquetFolder(job.folder)
    folder.claim(job.sale)
    guard = DiskGuard(lambda: free_in_folder(folder.path), job.settings, str(folder.path))
    conductor = _conductor(job, FixedSale(job.sale), guard, teller, "the disk", stop)
    _work(job, conductor)
    conductor.conclude()
    if conductor.is_over:
        folder.complete()


def _conductor(
    job: Job, record: SaleRecord, disk: DiskGuard, teller: Teller, store: str, stop: threading.Event
) -> Conductor:
    options = job.options
    if options.workers > job.scenario.shards:
        raise FlashsaleError(
            f"--workers {options.workers}: scenario {job.scenario.name} has {job.scenario.shards} shards, "
            "a worker needs one of its own"
        )
    progress = Progress(job.sale, teller, store, writers=options.workers, clock=options.pace == "clock")
    return Conductor(record, options, disk, progress, Heartbeat(job.settings.heartbeat_file), stop)


def _work(job: Job, conductor: Conductor) -> None:
    if job.options.workers > 1:
        Leader(job, conductor).run()
        return
    with job.open_sink(conductor.stop) as sink:
        Worker(job.worlds(range(job.scenario.shards)), sink, LocalExchange(conductor), job.options).run()
