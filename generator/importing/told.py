"""What an import says: while it reads, and in the end; to people on stderr and stdout, to machines as JSON lines."""

import json
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from flashsale.minutes import iso
from flashsale.sale_run import SaleRun
from flashsale.stores.ingest import LedgerEntry
from generator.importing.reading import Read, Seen, reasons

_LINE_EVERY_SECONDS = 10.0
_JSON_EVERY_SECONDS = 1.0


@contextmanager
def reading_told(file: Path, as_json: bool) -> Iterator[Seen]:
    """A function to be called with rows read and share of the file."""
    if not as_json and sys.stderr.isatty():
        from tqdm import tqdm  # drawn for people only

        with tqdm(desc=f"reading {file.name}", total=1000, file=sys.stderr, leave=False) as bar:

            def draw(rows: int, share: float) -> None:
                bar.n = round(share * 1000)
                bar.set_postfix_str(f"{rows:,} rows", refresh=True)

            yield draw
        return
    every = _JSON_EVERY_SECONDS if as_json else _LINE_EVERY_SECONDS
    next_at = time.monotonic() + every

    def say(rows: int, share: float) -> None:
        nonlocal next_at
        if time.monotonic() < next_at:
            return
        next_at = time.monotonic() + every
        if as_json:
            json_line({"event": "reading", "rows": rows, "share": round(share, 4)})
        else:
            sys.stderr.write(f"reading {file}: {rows:,} rows, {share:.0%}\n")

    yield say


def tell_read(file: Path, read: Read, derived: dict[str, int], as_json: bool) -> None:
    """Rows read, good, rejected by reason; the sale's size; what was derived."""
    orders = read.table
    if as_json:
        json_line(
            {
                "event": "read",
                "rows": read.rows_read,
                "good": len(orders),
                "rejected": read.rejected,
                "rejects": str(read.rejects_path) if read.rejected else None,
                "stock_rows_rejected": read.stock_rows_rejected,
                "stock_rows_unused": read.stock_rows_unused,
                "inventory_events": len(read.events[1]),
                "derived": derived,
                "seconds": round(read.seconds, 3),
            }
        )
        return
    rejected = sum(read.rejected.values())
    rate = f"{read.seconds:.1f} s, {read.rows_read / max(read.seconds, 1e-3):,.0f} rows/s"
    lines = [f"{file}: {read.rows_read:,} rows read ({rate}), {len(orders):,} good, {rejected:,} rejected"]
    if read.rejected:
        lines[0] += f" ({reasons(read.rejected)}): see {read.rejects_path}"
    if read.stock_rows_rejected or read.stock_rows_unused:
        lines.append(
            f"stock: {read.stock_rows_rejected:,} rows rejected, "
            f"{read.stock_rows_unused:,} left out because nobody ordered the product"
        )
    sources = {
        "category": "the default category",
        "base_price": "the median unit price of the product's orders",
        "unit_cost": "a share of the base price",
    }
    lines += [f"{field} of {count:,} products: {sources[field]}" for field, count in derived.items() if count]
    sys.stdout.write("".join(f"{line}\n" for line in lines))


def tell_stored(sale: SaleRun, orders: int, counts: LedgerEntry, outcome: str, as_json: bool) -> None:
    """What stands in the store now: `orders` and the `counts` of the whole sale, also of earlier tries."""
    refused = sum(counts.refused.values())
    if as_json:
        json_line(
            {
                "event": outcome,
                "sale_id": sale.sale_id,
                "sale_start": iso(sale.sale_start),
                "sale_end": iso(sale.sale_end),
                "orders": orders,
                "facts": counts.acked,
                "duplicate_same": counts.duplicate_same,
                "duplicate_conflict": counts.duplicate_conflict,
                "refused": refused,
            }
        )
        return
    text = f"sale {sale.sale_id}: {iso(sale.sale_start)} to {iso(sale.sale_end)}, {orders:,} orders stored"
    if counts.duplicate_same:
        text += f"; {counts.duplicate_same:,} row{'s' * (counts.duplicate_same != 1)} said the same again"
    if counts.duplicate_conflict or refused:
        text += f"; in quarantine {counts.duplicate_conflict:,} that contradict an earlier row, {refused:,} refused"
    if outcome == "stopped":
        text += "; stopped before the end, the same command goes on"
    sys.stdout.write(text + "\n")


def tell_earlier(sale: SaleRun, as_json: bool) -> None:
    """All of it was stored by an import before."""
    if as_json:
        json_line({"event": "stored_before", "sale_id": sale.sale_id})
        return
    sys.stdout.write(f"nothing to do: the same file, mapping and speed are stored as sale {sale.sale_id} already\n")


def tell_dry(read: Read, start: str, end: str, as_json: bool) -> None:
    """What would be imported."""
    if not as_json:
        sys.stdout.write(f"nothing was stored: {len(read.table):,} orders from {start} to {end} would be\n")


def json_line(values: dict[str, object]) -> None:
    sys.stdout.write(json.dumps(values) + "\n")
    sys.stdout.flush()
