"""The filters and the export, in the head of the action table; a filter in force is named."""

import streamlit as st

from dashboard.address import FILTER_FIELDS, Address, FilterField, Filters
from dashboard.board import Board
from dashboard.drill_down_dialog import open_drill_down
from dashboard.filtering import FIELD_LABELS, in_force, rows_left, said
from dashboard.navigation import current_address, go_to
from flashsale.drill_down import warehouse_field
from flashsale.settings import Settings
from flashsale.stores.redis_client import RedisClient

_HELP: dict[FilterField, str] = {
    "category": "Rows of the table.",
    "province": "Rows whose stock lies there, its warehouses, and its cities on the map.",
    "warehouse": "Rows of its stock, its load, and its column of the map.",
}

_WHOLE = "Its minutes, what will run out, what is on its way, and what is best to do."


def draw_filter_bar(board: Board, address: Address, snapshot_id: str, reader: RedisClient, settings: Settings) -> None:
    """Which rows are shown, the filters that decide it, a warehouse that was chosen, and all rows as a file."""
    filters = in_force(address.filters, board.options)
    with st.container(key="filters", horizontal=True, horizontal_alignment="right", vertical_alignment="center"):
        if filters:
            left = rows_left(board.shown_actions["total"], board.all_actions)
            with st.container(key="filter_said", width="content"):
                st.text(f"▼ Only {said(filters, board.options)}: {left}")
            st.button("✕ Show all", key="filter_clear", on_click=_clear)
        if len(filters.warehouse) == 1 and st.button("Whole warehouse", key="open_warehouse", help=_WHOLE):
            wanted = {"key": warehouse_field(int(filters.warehouse[0])), "snapshot_id": snapshot_id}
            open_drill_down(wanted, board.names, reader, settings, board.meta["sale_id"])
        with st.popover("Filter", key="filter_popover"):
            for name in FILTER_FIELDS:
                _draw_choice(name, filters, board)
            st.caption("The six figures and the trend are always of the whole sale.")
        st.download_button(
            "CSV",
            board.csv,
            file_name=f"actions-{snapshot_id}.csv",
            mime="text/csv",
            key="csv",
            on_click="ignore",
            help="All published rows, filtered or not, with ids, units and UTC times.",
        )


def _draw_choice(name: FilterField, filters: Filters, board: Board) -> None:
    options, key = board.options[name], f"filter_{name}"
    # The address is the truth; the widget follows it, also when the viewer goes back a page.  A value that is
    # set anew is sent to the browser, where it would undo what is being typed.
    if st.session_state.get(key) != list(filters.values(name)):
        st.session_state[key] = list(filters.values(name))
    st.multiselect(
        FIELD_LABELS[name],
        list(options),
        format_func=options.__getitem__,
        key=key,
        help=_HELP[name],
        on_change=_choose,
        args=(name,),
        placeholder="all",
    )


def _choose(name: FilterField) -> None:
    here = current_address()
    chosen = {field: here.filters.values(field) for field in FILTER_FIELDS}
    chosen[name] = tuple(st.session_state[f"filter_{name}"])
    go_to(Address(here.view, Filters(chosen["category"], chosen["province"], chosen["warehouse"])))


def _clear() -> None:
    go_to(Address(current_address().view))
