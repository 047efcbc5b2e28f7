"""Tables of texts: what is shown stays text, whatever a name or an error message holds."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import streamlit as st

from dashboard.frontend import PLAIN_TABLE_JS

Tone = Literal["", "bad", "doubtful"]

_plain_table = st.components.v2.component(
    "plain_table", html='<div class="fs-plain-root"></div>', js=PLAIN_TABLE_JS, isolate_styles=False
)


@dataclass(frozen=True, slots=True)
class Row:
    """One row of texts; `tone` colours it besides what its words say."""

    cells: tuple[str, ...]
    tone: Tone = ""


def draw_table(key: str, title: str, columns: Sequence[str], rows: Sequence[Row], none: str) -> None:
    """A card with a table; a column whose label starts with ``#`` holds numbers. `none` is said when it is empty."""
    with st.container(key=f"card_{key}"):
        _plain_table(
            key=key,
            data={
                "title": title,
                "columns": [{"label": label.removeprefix("#"), "number": label.startswith("#")} for label in columns],
                "rows": [{"cells": list(row.cells), "tone": row.tone} for row in rows],
                "none": none,
            },
        )
