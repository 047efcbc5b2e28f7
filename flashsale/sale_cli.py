"""``flashsale-sale``: open a sale, list the sales, check that the stores are as the code expects."""

import argparse
import sys
from collections.abc import Sequence

from flashsale.errors import exit_with_one_line
from flashsale.minutes import iso
from flashsale.sale_opening import open_or_resume
from flashsale.sale_run import SaleRun
from flashsale.settings import Settings, load_settings
from flashsale.stores.mongo import mongo_client, mongo_errors
from flashsale.stores.provision import check_sale
from flashsale.stores.sales import active_sale, find_sale, list_sales


def main(arguments: Sequence[str] | None = None) -> int:
    """Entry point; returns the exit code."""
    parser = argparse.ArgumentParser(prog="flashsale-sale", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("open", help="open a sale of the scenario FLASHSALE_SALE, or go on with the live one")
    commands.add_parser("list", help="all sales, newest first")
    check = commands.add_parser("check", help="validators and indexes of a sale are in place")
    check.add_argument("--sale", help="sale_id (default: the live sale)")
    options = parser.parse_args(arguments)
    return exit_with_one_line(lambda: _run(options, load_settings()))


def _run(options: argparse.Namespace, settings: Settings) -> int:
    if options.command == "open":
        # Users, validators and indexes are the owner's; nothing else logs in as owner.
        with mongo_errors("open a sale"), mongo_client(settings, "owner") as client:
            sale = open_or_resume(client, settings)
        print(f"sale {sale.sale_id}: {iso(sale.sale_start)} to {iso(sale.sale_end)}")
        return 0
    with mongo_errors(f"{options.command} sales"), mongo_client(settings, "jobs") as client:
        if options.command == "list":
            for sale in list_sales(client):
                print(_line(sale))
            return 0
        sale = find_sale(client, options.sale) if options.sale else active_sale(client)
        check_sale(client, sale)
    print(f"sale {sale.sale_id}: validators and indexes are in place")
    return 0


def _line(sale: SaleRun) -> str:
    return f"{sale.sale_id:<40} {sale.phase:<8} {iso(sale.sale_start)}  {sale.minutes} min"


if __name__ == "__main__":
    sys.exit(main())
