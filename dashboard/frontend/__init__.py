"""The parts Streamlit has no element for, as `st.components.v2` components, and the page's CSS.

Streamlit's tables cannot set two lines, a coloured sparkline and buttons in a row, and read
names as Markdown or draw them on a canvas; its badges cannot age by themselves.  The
components put every text in as textContent.  A component is one module for the browser, so
that the files of the action table, which share one scope, are joined here.
"""

from pathlib import Path

_FOLDER = Path(__file__).parent


def _joined(*names: str) -> str:
    return "\n".join((_FOLDER / name).read_text(encoding="utf-8") for name in names)


STYLES = _FOLDER / "war_room.css"
STATUS_STRIP_JS = _joined("status_strip.js")
ACTION_TABLE_JS = _joined(
    "elements.js", "action_row.js", "presses.js", "press_form.js", "row_order.js", "keyboard.js", "action_table.js"
)
FACTS_JS = _joined("elements.js", "facts.js")
PLAIN_TABLE_JS = _joined("plain_table.js")
FLOOD_JS = _joined("flood.js")
FIGURES_JS = _joined("figures.js")
