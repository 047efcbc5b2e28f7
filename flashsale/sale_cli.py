"""``flashsale-sale``: open, start, stop, rehearse and list sales, and check that the stores are as the code expects."""

import argparse
import sys
from collections.abc import Callable, Sequence
from datetime import datetime

from flashsale.errors import SettingsError, exit_with_one_line
from flashsale.minutes import iso, parse_iso
from flashsale.sale_ending import stop_sale
from flashsale.sale_opening import is_of, open_or_resume, start_sale
from flashsale.sale_rehearsal import rehearse_sale
from flashsale.sale_run import SaleRun
from flashsale.scenario import load_scenario
from flashsale.settings import Settings, load_settings
from flashsale.stores.mongo import Client, mongo_client, mongo_errors
from flashsale.stores.provision import check_sale, provision_sale
from flashsale.stores.rights import SERVICE_USERS
from flashsale.stores.sales import active_sale, find_active_sale, find_sale, list_sales
from flashsale.stores.upgrade import bring_up_to_date, upgrade_sale


def main(arguments: Sequence[str] | None = None) -> int:
    """Entry point; returns the exit code."""
    options = _parser().parse_args(arguments)
    return exit_with_one_line(lambda: _run(options, load_settings()))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="flashsale-sale", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    opening = commands.add_parser("open", help="go on with the live sale, or open one of the scenario FLASHSALE_SALE")
    opening.add_argument("--switch", action="store_true", help="end a live sale of another scenario or seed")
    start = commands.add_parser("start", help="start a new sale of the scenario FLASHSALE_SALE; the live one ends")
    start.add_argument("--at", type=_moment, help="when, ISO 8601, UTC unless it says otherwise (default: now)")
    rehearse = commands.add_parser("rehearse", help="prepare a sale of FLASHSALE_SALE in the past, to be simulated")
    rehearse.add_argument("--ends-at", type=_moment, help="when, ISO 8601, UTC unless it says otherwise (default: now)")
    commands.add_parser("stop", help="end the live sale in a few seconds; cancel one that has not begun")
    commands.add_parser("list", help="all sales, newest first; * marks the live one")
    for name, text in (
        ("check", "validators and indexes of a sale are in place"),
        ("upgrade", "bring a sale that an older version wrote to this version's layout"),
    ):
        commands.add_parser(name, help=text).add_argument("--sale", help="sale_id (default: the live sale)")
    return parser


def _moment(text: str) -> datetime:
    try:
        return parse_iso(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"must be a time such as 2026-11-11T09:00Z, got {text!r}") from error


def _run(options: argparse.Namespace, settings: Settings) -> int:
    command: str = options.command
    actions: dict[str, Callable[[Client], None]] = {
        "open": lambda owner: _open(owner, settings, options.switch),
        "start": lambda owner: print(_span(start_sale(owner, settings, options.at))),
        "rehearse": lambda owner: _rehearse(owner, settings, options.ends_at),
        "stop": _stop,
        "upgrade": lambda owner: _upgrade(owner, settings, options.sale),
        "list": _list,
        "check": lambda reader: _check(reader, options.sale),
    }
    # Users, validators and indexes are the owner's; nothing else logs in as owner.
    user = _any_user(settings) if command in ("list", "check") else "owner"
    with mongo_errors(f"{command} sales"), mongo_client(settings, user) as client:
        actions[command](client)
    return 0


def _any_user(settings: Settings) -> str:
    """A user whose secret is at hand: all of them may read the registry."""
    for user in (*SERVICE_USERS, "owner"):
        try:
            settings.secret(f"mongo_{user}")
        except SettingsError:
            continue
        return user
    return "jobs"


def _open(owner: Client, settings: Settings, switch: bool) -> None:
    sale = open_or_resume(owner, settings, switch=switch)
    scenario = load_scenario(settings.sale)
    note = ""
    if sale.scenario_toml != scenario.text:
        what = "has changed since" if is_of(sale, scenario) else "is another scenario"
        note = (
            f"; it goes on as it was opened, {settings.sale} {what}: "
            f"`make sale-start SALE={settings.sale}` starts a new one"
        )
    print(f"{_span(sale)}{note}")


def _rehearse(owner: Client, settings: Settings, ends_at: datetime | None) -> None:
    sale = rehearse_sale(owner, settings, ends_at)
    print(f"{_span(sale)}\nflashsale-generate run --sale {sale.sale_id} --speed max")


def _stop(owner: Client) -> None:
    sale = stop_sale(owner)
    if sale.phase == "ended":
        print(f"sale {sale.sale_id}: cancelled before it began")
    else:
        print(f"sale {sale.sale_id}: ends at {iso(sale.sale_end)}")


def _upgrade(owner: Client, settings: Settings, sale_id: str | None) -> None:
    bring_up_to_date(owner, settings)
    sale = find_sale(owner, sale_id) if sale_id else active_sale(owner)
    upgrade_sale(owner, sale)
    provision_sale(owner, sale)
    print(f"sale {sale.sale_id}: is in the layout of this version")


def _list(reader: Client) -> None:
    active = find_active_sale(reader)
    for sale in list_sales(reader):
        live = active is not None and sale.sale_id == active.sale_id and sale.phase != "ended"
        print(_line(sale, live))


def _check(reader: Client, sale_id: str | None) -> None:
    sale = find_sale(reader, sale_id) if sale_id else active_sale(reader)
    check_sale(reader, sale)
    print(f"sale {sale.sale_id}: validators and indexes are in place")


def _span(sale: SaleRun) -> str:
    return f"sale {sale.sale_id}: {iso(sale.sale_start)} to {iso(sale.sale_end)}"


_OF_PAST_SALES = {"planned": "empty", "live": "partial", "ended": "ended"}
"""Phase of a sale that is not the live one -> what that means for its facts: a rehearsal may lack some."""


def _line(sale: SaleRun, live: bool) -> str:
    early = "  stopped early" if sale.stopped_early else ""
    state = sale.phase if live else _OF_PAST_SALES[sale.phase]
    return f"{'*' if live else ' '} {sale.sale_id:<40} {state:<8} {iso(sale.sale_start)}  {sale.minutes} min{early}"


if __name__ == "__main__":
    sys.exit(main())
