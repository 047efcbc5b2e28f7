"""The parts Streamlit has no element for, as `st.components.v2` components, and the page's CSS.

Streamlit's tables cannot set two lines, a coloured sparkline and (later) buttons in a
row, and read names as Markdown or draw them on a canvas; its badges cannot age by
themselves.  All of them put every text in as textContent.
"""

from pathlib import Path

_FOLDER = Path(__file__).parent

STYLES = _FOLDER / "war_room.css"
STATUS_STRIP_JS = (_FOLDER / "status_strip.js").read_text(encoding="utf-8")
ACTION_TABLE_JS = (_FOLDER / "action_table.js").read_text(encoding="utf-8")
PLAIN_TABLE_JS = (_FOLDER / "plain_table.js").read_text(encoding="utf-8")
FLOOD_JS = (_FOLDER / "flood.js").read_text(encoding="utf-8")
FIGURES_JS = (_FOLDER / "figures.js").read_text(encoding="utf-8")
