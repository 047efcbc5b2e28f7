"""System: the health of the pipeline, for who keeps it alive; it draws itself also when no figures can be shown."""

import logging

import streamlit as st

from dashboard import panels, states
from dashboard.pipeline_health import (
    SYSTEM_PARTS,
    doubt_rows,
    part_rows,
    suspect_rows,
    suspected_products,
    version_rows,
)
from dashboard.plain_table import Row, draw_table
from dashboard.scene import Published, Scene, names_with, read_published
from dashboard.snapshot_reader import read_health_of
from dashboard.strip import waiting_strip
from dashboard.wording import DASH, count, duration, percent
from flashsale.errors import FlashsaleError, one_line
from flashsale.minutes import parse_iso

log = logging.getLogger("dashboard")


def draw(scene: Scene) -> None:
    """Age, delays and doubts; every part's last words; what is in quarantine; versions."""
    present = scene.present
    if present.sale_id is None:
        panels.draw_message(states.NO_SALE)
        return
    published, trouble = _published(scene)
    with st.container(key="system"):
        strip = (
            published.strip
            if published
            else waiting_strip(present.sale_id, present.sale, present.health, scene.now, scene.zone)
        )
        panels.draw_strip(strip, scene.address)
        if trouble is not None:
            with st.container(key=f"trouble_{trouble.key}"):
                st.text(f"{trouble.title}. {trouble.text} {states.runbook_words(trouble.key)}")
        if published is not None:
            _draw_figures(published)
        _draw_parts(scene, present.sale_id)
        if published is not None:
            _draw_doubts(scene, published)


def _published(scene: Scene) -> tuple[Published | None, states.Message | None]:
    """The snapshot, or why it cannot be shown: this page is where one looks then."""
    try:
        return read_published(scene), None
    except FlashsaleError as error:
        log.warning("%s", one_line(error))
        return None, states.known_fault(error)


def _draw_figures(published: Published) -> None:
    meta, quality = published.board.meta, published.board.quality
    end, out = parse_iso(meta["data_interval_end"]), parse_iso(meta["published_at"])
    behind = (
        DASH if meta["watermark"] is None else duration(max(0.0, (end - parse_iso(meta["watermark"])).total_seconds()))
    )
    figures = (
        ("Age of the figures", duration(published.fresh.age_seconds), f"{published.fresh.state}"),
        ("Minute's end to published", duration((out - end).total_seconds()), "goal: within the minute"),
        ("Orders behind the minute", behind, "minute's end to watermark"),
        ("Data quality", percent(quality["score"], 1), f"of {count(quality['acked'])} facts acknowledged"),
        ("Late facts", count(quality["late"]), "of the sale so far"),
        ("In quarantine", count(published.board.quarantined), f"{published.board.phantom_suspects:,} phantom suspects"),
    )
    with st.container(key="system_figures"):
        for column, (label, value, detail) in zip(st.columns(len(figures), gap="small"), figures, strict=True):
            with column:
                st.metric(label, value, detail, delta_color="off", delta_arrow="off", border=True)


def _draw_parts(scene: Scene, sale_id: str) -> None:
    health = read_health_of(scene.client, sale_id, SYSTEM_PARTS)
    draw_table(
        "parts",
        "Is each part alive? Its last words",
        ("Part", "State", "#Age", "Last words", "What to do"),
        part_rows(health, scene.now),
        "",
    )


def _draw_doubts(scene: Scene, published: Published) -> None:
    board = published.board
    left, right = st.columns([3, 2], gap="small")
    with left:
        draw_table(
            "doubts",
            "What is not simply counted? The sale so far",
            ("Facts", "#Number", "What happens to them"),
            doubt_rows(board.quality),
            "",
        )
        draw_table(
            "suspects",
            f"Where do records not follow from sales and receipts? {board.phantom_suspects:,} phantom suspects",
            ("Product", "Warehouse", "#Residual", "#Explained", "#Unexplained units"),
            suspect_rows(board.quality, names_with(published, suspected_products(board.quality))),
            "None: every stock record follows from what was sold and received.",
        )
    with right:
        rows: list[Row] = version_rows(board.meta, scene.zone, scene.now)
        draw_table("versions", "What is on the screen, and what made it?", ("", ""), rows, "")
