"""``flashsale-generate run``."""

import argparse
import signal
import threading
from datetime import datetime
from pathlib import Path
from typing import Any

from flashsale.errors import FlashsaleError
from flashsale.imported_sale import is_imported
from flashsale.log_setup import configure_logging
from flashsale.minutes import MINUTE, floor_minute, iso, parse_iso, utc_now
from flashsale.sale_opening import new_sale
from flashsale.sale_run import SaleRun
from flashsale.scenario import load_scenario
from flashsale.settings import Settings, load_settings
from flashsale.stores.mongo import Client, mongo_client, mongo_errors
from flashsale.stores.provision import check_sale
from flashsale.stores.sales import find_active_sale, find_sale
from generator.importing.standby import stand_by
from generator.runner import SaleRunner, run_into_folder
from generator.running.job import Job
from generator.running.options import Pace, RunOptions
from generator.running.parquet_folder import ParquetFolder
from generator.running.tellers import teller

_PARQUET = "parquet:"


def add_parser(commands: Any) -> None:
    """Add `run` to the sub-commands."""
    parser = commands.add_parser(
        "run",
        help="write a sale's orders and inventory events, resuming where the last run stopped",
        description="Write a sale's orders and inventory events, resuming where the last run stopped.",
    )
    parser.add_argument("--sale", metavar="ID", help="sale_id (default: the live sale)")
    parser.add_argument(
        "--workers", type=_positive, default=1, metavar="N", help="processes, at most one for each shard"
    )
    pace = parser.add_mutually_exclusive_group()
    pace.add_argument(
        "--speed",
        choices=("clock", "max"),
        help="clock: each second once it is over (default); max: as fast as it can be stored, for a sale that is over",
    )
    pace.add_argument(
        "--catch-up", action="store_true", help="store what is missing up to now as fast as possible, and end"
    )
    parser.add_argument(
        "--sink", type=_sink, default="mongo", metavar="mongo|parquet:DIR", help="where facts go (default: mongo)"
    )
    parser.add_argument(
        "--scenario", type=Path, metavar="FILE", help="with parquet: the scenario (default: FLASHSALE_SALE)"
    )
    parser.add_argument(
        "--start", type=_moment, metavar="T", help="with parquet: start of the sale (default: it ends now)"
    )
    parser.add_argument("--max-ticks", type=_positive, metavar="N", help="stop after this many ticks of one second")
    parser.add_argument("--json", action="store_true", help="tell the progress as JSON, one object a line, on stdout")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Exit code 0 at the end of the sale, or of what was asked for, and after SIGTERM or SIGINT."""
    log = configure_logging("generator")
    settings = load_settings()
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        # From a thread: the handler may interrupt this very event's own lock, and would wait for itself.
        signal.signal(number, lambda *_: threading.Thread(target=stop.set).start())
    if options.sink == "mongo":
        _refuse(options, "--scenario", "--start", instead="goes with --sink parquet:DIR; a sale in MongoDB has its own")
        _into_mongodb(options, settings, stop)
    else:
        if options.speed == "clock":
            raise FlashsaleError("--speed clock goes with --sink mongo; files are written as fast as possible")
        _refuse(options, "--sale", "--catch-up", "--max-ticks", instead="goes with --sink mongo")
        _into_folder(options, settings, stop)
    log.info("stopped")
    return 0


def _into_mongodb(options: argparse.Namespace, settings: Settings, stop: threading.Event) -> None:
    pace: Pace = "max" if options.speed == "max" else "catch-up" if options.catch_up else "clock"
    with mongo_client(settings, "generator") as client, teller(options.json) as told:
        with mongo_errors("open the sale"):
            sale = _chosen(client, options.sale, pace)
            check_sale(client, sale)
        if is_imported(sale):
            if pace != "clock":
                raise FlashsaleError(
                    f"sale {sale.sale_id} is imported: `flashsale-generate import` of the same file goes on with it"
                )
            stand_by(client, sale, settings, stop)
            return
        how = RunOptions(pace, options.workers, options.max_ticks)
        SaleRunner(client, sale, settings, stop, how, told).run()


def _into_folder(options: argparse.Namespace, settings: Settings, stop: threading.Event) -> None:
    scenario = load_scenario(options.scenario or settings.sale)
    folder = Path(options.sink.removeprefix(_PARQUET))
    # Another try of the same run fills the same files.
    start = options.start or ParquetFolder(folder).start_of(scenario)
    sale = new_sale(scenario, start or floor_minute(utc_now()) - scenario.duration_minutes * MINUTE)
    with teller(options.json) as told:
        run_into_folder(Job(sale, settings, RunOptions("max", options.workers), folder), stop, told)


def _chosen(client: Client, sale_id: str | None, pace: Pace) -> SaleRun:
    """The sale that is asked for; raises FlashsaleError when it cannot be run at this pace."""
    live = find_active_sale(client)
    sale = find_sale(client, sale_id) if sale_id else live
    if sale is None:
        raise FlashsaleError(
            "no sale is open; open one with `flashsale-sale open`, start the stack, or name one with --sale"
        )
    if pace == "max" and sale.sale_end > utc_now():
        raise FlashsaleError(
            f"--speed max: sale {sale.sale_id} ends at {iso(sale.sale_end)}, only one that is over can be run "
            "faster than the clock; `flashsale-sale rehearse` makes one"
        )
    if pace == "clock" and (live is None or live.sale_id != sale.sale_id):
        raise FlashsaleError(
            f"sale {sale.sale_id} is not the live one: --catch-up stores what is missing of it, "
            "--speed max runs one that is over"
        )
    return sale


def _refuse(options: argparse.Namespace, *names: str, instead: str) -> None:
    for name in names:
        if getattr(options, name.removeprefix("--").replace("-", "_")):
            raise FlashsaleError(f"{name} {instead}")


def _positive(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"must be a whole number from 1 on, got {text!r}")
    return int(text)


def _sink(text: str) -> str:
    if text == "mongo" or text.removeprefix(_PARQUET) not in ("", text):
        return text
    raise argparse.ArgumentTypeError(f"must be mongo or parquet:DIR, got {text!r}")


def _moment(text: str) -> datetime:
    try:
        return parse_iso(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"must be a time such as 2026-11-11T09:00Z, got {text!r}") from error
