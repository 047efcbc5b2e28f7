"""Can I trust it: the strip at the top, and the notice below it when one cannot."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Literal
from zoneinfo import ZoneInfo

from dashboard.board import Board
from dashboard.states import runbook_words
from dashboard.wording import DASH, duration, percent, shop_time, utc_time
from flashsale.freshness import Freshness, writer_is_behind
from flashsale.minutes import parse_iso
from flashsale.stores.context import SaleView
from flashsale.stores.health import Health

PartState = Literal["ok", "failed", "silent"]
_MARKS: dict[PartState, str] = {"ok": "✓", "failed": "✗ failed", "silent": "? silent"}


@dataclass(frozen=True, slots=True)
class PartHealth:
    """One part of the pipeline: `mark` is sign and word, `detail` its last words."""

    name: str
    state: PartState
    mark: str
    detail: str


@dataclass(frozen=True, slots=True)
class Strip:
    """Texts of the strip; `notice` is empty while the figures can be trusted.

    `freshness` is None while there are no figures; then `starts_in_seconds` counts down to a sale still to come.
    """

    sale: str
    phase: str
    freshness: Freshness | None
    starts_in_seconds: float | None
    through: str
    through_utc: str
    quality: str
    quarantine: str
    incomplete: bool
    parts: tuple[PartHealth, ...]
    notice: str


def status_strip(
    board: Board,
    sale: SaleView | None,
    health: Mapping[str, Health | None],
    fresh: Freshness,
    now: datetime,
    zone: ZoneInfo,
) -> Strip:
    """The strip of this moment: `board` ages with `now`, `health` is what the parts last said."""
    parts = pipeline_parts(health, zone)
    return Strip(
        sale=sale["scenario"] if sale else board.meta["sale_id"],
        phase=sale_phase(sale, now, zone),
        freshness=fresh,
        starts_in_seconds=None,
        through=f"orders up to {shop_time(fresh.through, zone, now)}",
        through_utc=f"({utc_time(fresh.through)})",
        quality=f"data quality {percent(board.quality_score, 1)}",
        quarantine=_doubts(board),
        incomplete=not board.meta["complete"],
        parts=parts,
        notice=_notice(board, parts, fresh, now, zone),
    )


def waiting_strip(
    sale_id: str, sale: SaleView | None, health: Mapping[str, Health | None], now: datetime, zone: ZoneInfo
) -> Strip:
    """The strip of a sale that has no figures yet."""
    starts_in = (parse_iso(sale["sale_start"]) - now).total_seconds() if sale else 0.0
    return Strip(
        sale=sale["scenario"] if sale else sale_id,
        phase=sale_phase(sale, now, zone),
        freshness=None,
        starts_in_seconds=starts_in if starts_in > 0 else None,
        through="",
        through_utc="",
        quality="",
        quarantine="",
        incomplete=False,
        parts=pipeline_parts(health, zone),
        notice="",
    )


def _doubts(board: Board) -> str:
    """``41 in quarantine``, and ``· 2 phantom suspects`` where stock records do not follow from sales and receipts,
    ``· 312 bot-like orders`` in the minute, ``· 3 surging`` where more is sold than anybody expected."""
    said = [f"{board.quarantined:,} in quarantine"]
    if board.phantom_suspects:
        said.append(f"{board.phantom_suspects:,} phantom suspect{'s' if board.phantom_suspects > 1 else ''}")
    if board.bot_orders:
        said.append(f"{board.bot_orders:,} bot-like order{'s' if board.bot_orders > 1 else ''}")
    if board.surging_pairs:
        said.append(f"{board.surging_pairs:,} surging")
    return " · ".join(said)


def pipeline_parts(health: Mapping[str, Health | None], zone: ZoneInfo) -> tuple[PartHealth, ...]:
    """Health as the strip shows it; a part whose key expired has been silent for three periods."""
    return tuple(_part(name, report, zone) for name, report in health.items())


def _part(name: str, report: Health | None, zone: ZoneInfo) -> PartHealth:
    if report is None:
        return PartHealth(name, "silent", _MARKS["silent"], "no report for three periods")
    state: PartState = "ok" if report["state"] == "ok" else "failed"
    at = shop_time(parse_iso(report["at"]), zone)
    return PartHealth(name, state, _MARKS[state], f"{at}: {report['detail']}")


def sale_phase(sale: SaleView | None, now: datetime, zone: ZoneInfo) -> str:
    """``live · hour 2 of 24``, ``starts in 12 min``, ``ended 14:00:00 PKT``."""
    if sale is None:
        return DASH
    start, end = parse_iso(sale["sale_start"]), parse_iso(sale["sale_end"])
    if sale["phase"] == "ended":
        return f"ended {shop_time(min(end, now), zone, now)}"
    if now < start:
        return f"starts in {duration((start - now).total_seconds())}"
    if now >= end:
        return f"over since {shop_time(end, zone, now)}"
    seconds, unit = (3600, "hour") if (end - start).total_seconds() >= 2 * 3600 else (60, "minute")
    whole = -(-int((end - start).total_seconds()) // seconds)
    return f"{sale['phase']} · {unit} {int((now - start).total_seconds()) // seconds + 1} of {whole}"


def _notice(board: Board, parts: tuple[PartHealth, ...], fresh: Freshness, now: datetime, zone: ZoneInfo) -> str:
    if fresh.state == "late":
        limit = duration(fresh.late_seconds)
        return f"Late: figures should be younger than {duration(fresh.live_seconds)}; over {limit} they are called old."
    return _stale_notice(board, parts, fresh, now, zone) if fresh.state == "stale" else ""


def _stale_notice(board: Board, parts: tuple[PartHealth, ...], fresh: Freshness, now: datetime, zone: ZoneInfo) -> str:
    """Since when the figures are old, and why as far as the parts told."""
    since = f"Old figures: nothing newer than {shop_time(fresh.through, zone, now)} has arrived."
    return f"{since} {_cause(board, parts)} Do not act on them without checking. {runbook_words('stale')}."


def _cause(board: Board, parts: tuple[PartHealth, ...]) -> str:
    failed = [part for part in parts if part.state == "failed"]
    if failed:
        return f"{failed[0].name} failed at {failed[0].detail.rstrip('.')}."
    if writer_is_behind(board.meta):
        return "Minutes are still published, but no orders reach them: look at the order feed."
    silent = [part.name for part in parts if part.state == "silent"]
    if silent:
        return f"No word from {', '.join(silent)}: look at Airflow and the KPI job."
    return "The parts report no failure; the cause is not known here."
