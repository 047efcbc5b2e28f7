"""The dialog behind a row or a warehouse: read once, of the snapshot it was drawn from, when it is opened."""

import json
import logging
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import plotly.graph_objects as go
import streamlit as st

from dashboard.drill_down import DrillDown, FactTable, drill_down
from dashboard.drill_down_charts import fan_chart, run_out_chart, sold_chart
from dashboard.frontend import FACTS_JS
from dashboard.names import Names
from dashboard.snapshot_reader import read_product_names
from dashboard.warehouse_drill_down import WarehouseDrillDown, named_products, warehouse_drill_down
from flashsale.drill_down import WAREHOUSE_KEY, warehouse_field
from flashsale.errors import FlashsaleError, one_line
from flashsale.redis_keys import SaleKeys
from flashsale.settings import Settings
from flashsale.snapshot import interval_end_of
from flashsale.stores.redis_client import RedisClient, redis_errors

_CHART_CONFIG = {"displayModeBar": False, "responsive": True}
GONE = "The details of that minute are gone: the page keeps them for 30 minutes. Open it again."
FAULT = "The details cannot be shown; the page's log says why."

Draw = Callable[[], Any]
TitledChart = tuple[str, go.Figure, str]
"""Its title, and the text for those who do not see it."""

log = logging.getLogger("dashboard")

_facts = st.components.v2.component(
    "facts", html='<div class="fs-facts-root"></div>', js=FACTS_JS, isolate_styles=False
)


def open_drill_down(wanted: Any, names: Names, reader: RedisClient, settings: Settings, sale_id: str) -> None:
    """Open the dialog of what the browser asked for, {key, snapshot_id}; a viewer sees words, the log the rest.

    `key` is a field of the details hash: of a row, which has its whole warehouse beside it, or of a warehouse.
    """
    key, snapshot_id = (
        (str(wanted.get(k, "")) for k in ("key", "snapshot_id")) if isinstance(wanted, Mapping) else ("", "")
    )
    try:
        as_of = interval_end_of(snapshot_id)
        first, last = key.split(":")
        fields = [warehouse_field(int(last))] if first == WAREHOUSE_KEY else [key, warehouse_field(int(last))]
        with redis_errors("details"):
            texts: Any = reader.hmget(SaleKeys(sale_id).snapshot_details(snapshot_id), fields)
        if texts[0] is None:
            _dialog(lambda: st.text(GONE))
            return
        named = names.with_products(read_product_names(reader, sale_id, named_products(texts[-1])))
        said = _Said(named, settings.currency, as_of, ZoneInfo(settings.shop_time_zone))
        whole = _warehouse(texts[-1], int(last), said)
        if first == WAREHOUSE_KEY:
            _dialog(whole)
        else:
            row = _row(texts[0], int(first), int(last), said)
            _dialog(lambda: _draw_both(row, whole))
    except FlashsaleError as error:
        log.warning("details of %s: %s", key[:40], one_line(error))
        _dialog(lambda: st.text("Redis does not answer; open it again in a moment."))
    except (KeyError, TypeError, ValueError, AttributeError):
        log.exception("details of %s in snapshot %s", key[:40], snapshot_id[:40])
        _dialog(lambda: st.text(FAULT))


@dataclass(frozen=True, slots=True)
class _Said:
    """How a snapshot's details are put into words."""

    names: Names
    currency: str
    as_of: datetime
    zone: ZoneInfo


def _row(text: str, product_id: int, warehouse_id: int, said: _Said) -> Draw:
    view = drill_down(json.loads(text), product_id, warehouse_id, said.names, said.currency, said.as_of, said.zone)
    charts = sold_chart(view.velocities), fan_chart(view)
    return lambda: _draw_row(view, *charts)


def _warehouse(text: str | None, warehouse_id: int, said: _Said) -> Draw:
    if text is None:
        return lambda: st.text("This minute was published by a release that did not describe whole warehouses.")
    view = warehouse_drill_down(json.loads(text), warehouse_id, said.names, said.currency, said.as_of, said.zone)
    charts = sold_chart(view.units, view.capacity), run_out_chart(view.run_out)
    return lambda: _draw_warehouse(view, *charts)


@st.dialog("In detail", width="large")
def _dialog(draw: Draw) -> None:
    with st.container(key="drill_down"):
        draw()


def _draw_both(row: Draw, whole: Draw) -> None:
    of_row, of_warehouse = st.tabs(["This row", "The whole warehouse"])
    with of_row:
        row()
    with of_warehouse:
        whole()


def _draw_row(view: DrillDown, sold: go.Figure, fan: go.Figure) -> None:
    _draw_facts(view.product, view.place, view.facts, (), key="drill_down_head")
    _draw_charts(
        "drill_down",
        ("Sold per minute, last 15 minutes", sold, "Units sold per minute"),
        ("What will be left: likely range, and shipments", fan, "Stock left in the coming hour"),
    )
    _draw_facts("", "", "", view.tables, key="drill_down_facts")


def _draw_warehouse(view: WarehouseDrillDown, sold: go.Figure, run_out: go.Figure) -> None:
    _draw_facts(view.place, "", view.facts, (), key="warehouse_head")
    _draw_charts(
        "warehouse",
        (
            f"Sold per minute, last 15 minutes; capacity {view.capacity:,}",
            sold,
            "Units sold of this warehouse per minute",
        ),
        ("How many of its SKUs will have run out: likely range", run_out, "SKUs sold out in the coming half hour"),
    )
    _draw_facts("", "", "", view.tables, key="warehouse_facts")


def _draw_charts(key: str, left: TitledChart, right: TitledChart) -> None:
    columns = st.columns([2, 3], gap="small")
    for column, side, (title, chart, alt) in zip(columns, ("past", "ahead"), (left, right), strict=True):
        with column, st.container(key=f"{key}_{side}"):
            st.markdown(f"**{title}**")
            st.plotly_chart(chart, key=f"{key}_{side}_chart", theme=None, config=_CHART_CONFIG, alt=alt)


def _draw_facts(title: str, second: str, facts: str, tables: tuple[FactTable, ...], key: str) -> None:
    data = {"title": title, "second": second, "facts": facts, "tables": [asdict(table) for table in tables]}
    _facts(key=key, data=data)
