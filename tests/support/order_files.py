"""Order files as a shop exports them, the mapping to read them, and imports of them."""

import csv
import random
import subprocess
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from flashsale.settings import Settings
from tests.support.generator_runs import environment

ROOT = Path(__file__).parents[2]
TITLES = ("Order No", "SKU", "Shop", "Ships from", "City", "Qty", "Unit price", "Ordered at")

MAPPING = """
name = "shop"

[file]
thousands = ","

[columns]
order_id = "Order No"
product = "SKU"
seller = "Shop"
warehouse = "Ships from"
city = "City"
quantity = "Qty"
unit_price = "Unit price"
time = "Ordered at"

[time]
format = "%d/%m/%Y %H:%M:%S"
time_zone = "Asia/Karachi"

[[warehouses]]
name = "Karachi South"
city = "Karachi"
capacity_units_per_minute = 60

[[warehouses]]
name = "Lahore East"
city = "Lahore"
capacity_units_per_minute = 40
"""

Row = tuple[str, ...]


def row(number: int, second: int, **changes: str) -> Row:
    """An order of second `second` of 11 November 2025 in Karachi; `changes` by title, with _ for a blank."""
    values = {
        "Order No": f"PK-{number:06d}",
        "SKU": f"AB-{number % 7:02d}",
        "Shop": "TechMart",
        "Ships from": "Karachi South" if number % 3 else "Lahore East",
        "City": ("Karachi", "Lahore", "Multan")[number % 3],
        "Qty": str(number % 4 + 1),
        "Unit price": f"{1_000.99 + 37 * (number % 7):,.2f}",
        "Ordered at": f"11/11/2025 {second // 3600:02d}:{second // 60 % 60:02d}:{second % 60:02d}",
    }
    values |= {title.replace("_", " "): value for title, value in changes.items()}
    return tuple(values[title] for title in TITLES)


def many_rows(count: int, seconds: int, seed: int = 1) -> list[Row]:
    """`count` different orders in `seconds` seconds, in no order at all."""
    draws = random.Random(seed)
    return [row(number, draws.randrange(seconds)) for number in range(count)]


def write_csv(path: Path, rows: Iterable[Sequence[str]], titles: Sequence[str] = TITLES, **dialect: Any) -> Path:
    encoding, errors = dialect.pop("encoding", "utf-8"), dialect.pop("errors", "strict")
    with path.open("w", encoding=encoding, errors=errors, newline="") as file:
        writer = csv.writer(file, **dialect)
        writer.writerow(titles)
        writer.writerows(rows)
    return path


def write_mapping(folder: Path, text: str = MAPPING) -> Path:
    path = folder / "mapping.toml"
    path.write_text(text, encoding="utf-8")
    return path


_COMMAND = """
import sys
from generator import cli
from generator.importing import command, replay_ticks
replay_ticks.BATCH_TICKS = {batch_ticks}
cli.COMMANDS = (command,)
sys.exit(cli.main())
"""


def start_import(settings: Settings, *arguments: str | Path, batch_ticks: int = 600) -> subprocess.Popen[str]:
    """``flashsale-generate import`` in a process of its own; with small batches there is time to interrupt it."""
    env = environment(settings)
    env |= {"FLASHSALE_REDIS_HOST": settings.redis_host, "FLASHSALE_REDIS_PORT": str(settings.redis_port)}
    return subprocess.Popen(
        [sys.executable, "-c", _COMMAND.format(batch_ticks=batch_ticks), "import", *map(str, arguments)],
        env=env,
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def run_import(settings: Settings, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
    process = start_import(settings, *arguments)
    out, err = process.communicate(timeout=120)
    return subprocess.CompletedProcess(process.args, process.returncode, out, err)
