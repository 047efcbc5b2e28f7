"""``flashsale-generate``: the live sale's facts, at the pace of the clock."""

import argparse
import signal
import sys
import threading
from collections.abc import Sequence

from flashsale.errors import exit_with_one_line
from flashsale.log_setup import configure_logging
from flashsale.scenario import parse_scenario
from flashsale.settings import load_settings
from flashsale.stores.mongo import mongo_client, mongo_errors
from flashsale.stores.provision import check_sale
from flashsale.stores.sales import active_sale
from generator.runner import SaleRunner


def main(arguments: Sequence[str] | None = None) -> int:
    """Entry point; exit code 0 after SIGTERM, 1 with one line on stderr after a failure."""
    options = _parser().parse_args(arguments)
    return exit_with_one_line(lambda: _run(options.max_ticks))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="flashsale-generate", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    run = commands.add_parser(
        "run", help="write the active sale's orders and inventory events, resuming where the last run stopped"
    )
    run.add_argument("--max-ticks", type=_positive, help="stop after this many ticks of one second")
    return parser


def _positive(text: str) -> int:
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError(f"must be at least 1, got {value}")
    return value


def _run(max_ticks: int | None) -> int:
    log = configure_logging("generator")
    settings = load_settings()
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        # From a thread: the handler may interrupt this very event's own lock, and would wait for itself.
        signal.signal(number, lambda *_: threading.Thread(target=stop.set).start())
    client = mongo_client(settings, "generator")
    with client:
        with mongo_errors("open the active sale"):
            sale = active_sale(client)
            check_sale(client, sale)
        scenario = parse_scenario(sale.scenario_toml, f"of sale {sale.sale_id}")
        log.info("sale %s: scenario %s, seed %d, %d shards", sale.sale_id, scenario.name, sale.seed, scenario.shards)
        SaleRunner(client, sale, scenario, settings, stop).run(max_ticks)
    log.info("stopped")
    return 0


if __name__ == "__main__":
    sys.exit(main())
