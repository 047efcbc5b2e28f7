"""The dialog behind a row: read once, of the snapshot the row was drawn from, when it is opened."""

import json
import logging
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any
from zoneinfo import ZoneInfo

import plotly.graph_objects as go
import streamlit as st

from dashboard.drill_down import DrillDown, FactTable, drill_down
from dashboard.drill_down_charts import fan_chart, sold_chart
from dashboard.frontend import FACTS_JS
from dashboard.names import Names
from flashsale.errors import FlashsaleError, one_line
from flashsale.redis_keys import SaleKeys
from flashsale.settings import Settings
from flashsale.snapshot import interval_end_of
from flashsale.stores.redis_client import RedisClient, redis_errors

_CHART_CONFIG = {"displayModeBar": False, "responsive": True}
GONE = "The details of that minute are gone: the page keeps them for 30 minutes. Open the row again."
FAULT = "The details cannot be shown; the page's log says why."

log = logging.getLogger("dashboard")

_facts = st.components.v2.component(
    "facts", html='<div class="fs-facts-root"></div>', js=FACTS_JS, isolate_styles=False
)


def open_drill_down(wanted: Any, names: Names, reader: RedisClient, settings: Settings, sale_id: str) -> None:
    """Open the dialog of what the browser asked for, {key, snapshot_id}; a viewer sees words, the log the rest."""
    key, snapshot_id = (
        (str(wanted.get(k, "")) for k in ("key", "snapshot_id")) if isinstance(wanted, Mapping) else ("", "")
    )
    try:
        _open_pair(key, snapshot_id, names, reader, settings, sale_id)
    except FlashsaleError as error:
        log.warning("details of %s: %s", key[:40], one_line(error))
        _dialog(lambda: st.text("Redis does not answer; open the row again in a moment."))
    except (KeyError, TypeError, ValueError, AttributeError):
        log.exception("details of %s in snapshot %s", key[:40], snapshot_id[:40])
        _dialog(lambda: st.text(FAULT))


def _open_pair(key: str, snapshot_id: str, names: Names, reader: RedisClient, settings: Settings, sale_id: str) -> None:
    as_of = interval_end_of(snapshot_id)
    product_id, warehouse_id = (int(part) for part in key.split(":"))
    with redis_errors("details"):
        text: Any = reader.hget(SaleKeys(sale_id).snapshot_details(snapshot_id), key)
    if text is None:
        _dialog(lambda: st.text(GONE))
        return
    zone = ZoneInfo(settings.shop_time_zone)
    view = drill_down(json.loads(text), product_id, warehouse_id, names, settings.currency, as_of, zone)
    charts = sold_chart(view.velocities), fan_chart(view)
    _dialog(lambda: _draw_pair(view, *charts))


@st.dialog("Behind this row", width="large")
def _dialog(draw: Any) -> None:
    with st.container(key="drill_down"):
        draw()


def _draw_pair(view: DrillDown, sold: go.Figure, fan: go.Figure) -> None:
    _draw_facts(view.product, view.place, view.facts, (), key="drill_down_head")
    left, right = st.columns([2, 3], gap="small")
    with left, st.container(key="drill_down_sold"):
        st.markdown("**Sold per minute, last 15 minutes**")
        st.plotly_chart(sold, key="sold_chart", theme=None, config=_CHART_CONFIG, alt="Units sold per minute")
    with right, st.container(key="drill_down_fan"):
        st.markdown("**What will be left: likely range, and shipments**")
        st.plotly_chart(fan, key="fan_chart", theme=None, config=_CHART_CONFIG, alt="Stock left in the coming hour")
    _draw_facts("", "", "", view.tables)


def _draw_facts(
    title: str, second: str, facts: str, tables: tuple[FactTable, ...], key: str = "drill_down_facts"
) -> None:
    data = {"title": title, "second": second, "facts": facts, "tables": [asdict(table) for table in tables]}
    _facts(key=key, data=data)
