"""After action: what was lost, which warnings were acted on, and any minute of the last 24 hours again."""

from datetime import datetime, timedelta

import plotly.graph_objects as go
import streamlit as st

from dashboard import panels
from dashboard.after_action import (
    SHOWN_STORIES,
    answer_rows,
    known_then,
    lost_course,
    median_answer,
    open_rows,
    shown_stories,
    story_rows,
)
from dashboard.charts import lost_chart
from dashboard.chronicle import AlertStory, Chronicle
from dashboard.figures import headline_figures
from dashboard.names import Names
from dashboard.plain_table import draw_table
from dashboard.scene import Published, Scene, names_with
from dashboard.snapshot_reader import read_past
from dashboard.wording import DASH, money, shop_time, utc_time
from flashsale.minutes import MINUTE, floor_minute, parse_iso

KEPT = timedelta(hours=24)
READ_AT_ONCE = 120
READ_AGAIN = 3
"""Minutes that late facts may still have changed."""
CHOSEN = "past_minute_chosen"


def draw(scene: Scene, published: Published) -> None:
    """The minute that was chosen, or the latest one."""
    board = published.board
    last = parse_iso(board.meta["data_interval_end"])
    first = _first(scene, last)
    chronicle = _chronicle(published.sale_id)
    _catch_up(scene, published, chronicle, first, last)
    with st.container(key="after_action"):
        panels.draw_strip(published.strip, scene.address)
        minute = _draw_slider(scene, first, last)
        left = chronicle.left(first, last)
        known = f"{len(chronicle.headlines):,} minutes are known" + (f", {left:,} are still being read" if left else "")
        with st.container(key="as_of"):
            st.text(
                f"As of {shop_time(minute, scene.zone, scene.now)} ({utc_time(minute)}), "
                f"{'the latest minute' if minute == last else 'a past minute'} · {known}"
            )
        headline = chronicle.headlines.get(minute)
        if headline is None:
            with st.container(key="state_minute_unknown"):
                st.subheader("This minute is not known", anchor=False)
                st.text("It was never published, or it is older than 24 hours.")
            return
        settings = scene.settings
        panels.draw_figures(
            headline_figures(
                headline, [], len(board.options["warehouse"]), settings.currency, settings.value_horizon_minutes
            )
        )
        alerts = read_past(scene.client, published.sale_id, [minute]).get(minute, {}).get("alerts", [])
        stories = known_then(chronicle.stories.values(), minute)
        listed = [alert["product_id"] for alert in alerts[:SHOWN_STORIES] if alert["product_id"] is not None]
        names = names_with(published, {*listed, *(story.product_id for story in shown_stories(stories, minute))})
        _draw_answers(scene, chronicle, stories, minute, names)
        draw_table(
            "open_then",
            f"What was open in this minute? {len(alerts):,} alerts, most urgent first",
            ("Severity", "Product", "Warehouse", "Why", "State", "Owner", "#Open for", "#Acting saves"),
            open_rows(alerts, minute, names, settings.currency),
            "Nothing: all clear.",
        )


def _first(scene: Scene, last: datetime) -> datetime:
    sale = scene.present.sale
    kept = last - KEPT + MINUTE
    return max(kept, floor_minute(parse_iso(sale["sale_start"])) + MINUTE) if sale else kept


def _draw_slider(scene: Scene, first: datetime, last: datetime) -> datetime:
    """The minute a viewer chose; who has chosen none, or the last, follows the clock."""
    if first >= last:
        return last
    chosen: datetime | None = st.session_state.get(CHOSEN)
    minute = last if chosen is None else min(max(chosen, first), last)

    def local(moment: datetime) -> datetime:
        # Without its zone: the slider shows the shop's clock, whatever the viewer's.
        return moment.astimezone(scene.zone).replace(tzinfo=None)

    back = (local(last) - local(minute)) // MINUTE
    # A value that is set anew is sent to the browser, where it would undo a move still under way.
    if st.session_state.get("past_minute") != local(last) - back * MINUTE:
        st.session_state["past_minute"] = local(last) - back * MINUTE

    def choose() -> None:
        ago = (local(last) - st.session_state["past_minute"]) // MINUTE
        st.session_state[CHOSEN] = None if ago <= 0 else last - ago * MINUTE

    with st.container(key="slider"):
        st.slider(
            "Which minute?",
            min_value=local(first),
            max_value=local(last),
            step=MINUTE,
            format="HH:mm" if last - first < timedelta(hours=20) else "D MMM HH:mm",
            key="past_minute",
            on_change=choose,
        )
    return minute


def _draw_answers(
    scene: Scene, chronicle: Chronicle, stories: list[AlertStory], minute: datetime, names: Names
) -> None:
    currency = scene.settings.currency
    left, right = st.columns([7, 5], gap="small")
    with left:
        draw_table(
            "answers",
            f"Were warnings acted on? {len(stories):,} since the sale began, {median_answer(stories, minute)}",
            ("", "#Alerts", "#Sold out all the same", "#Still open", "#Acting was worth"),
            answer_rows(stories, minute, currency) if stories else [],
            "No warning so far.",
        )
        draw_table(
            "stories",
            "Which ones? Not acted on first, then by worth",
            ("Severity", "Product", "Warehouse", "Raised", "Acted on", "What became of it", "#Worth"),
            story_rows(stories, minute, names, scene.zone, currency),
            "None.",
        )
    with right, st.container(key="lost", height=430):
        lost = chronicle.headlines[minute]
        st.markdown("**What was lost? Value of demand that found nothing, so far**")
        units = lost.get("lost_units")
        st.text(f"{money(lost['lost_value'], currency)}, {DASH if units is None else f'{units:,}'} units")
        panels.draw_chart(_lost_figure(scene, chronicle, minute), "lost_chart", "Value lost so far, by minute")


def _lost_figure(scene: Scene, chronicle: Chronicle, minute: datetime) -> go.Figure:
    course = lost_course(chronicle.headlines)
    times = [end.astimezone(scene.zone).replace(tzinfo=None) for end, _ in course]
    here = minute.astimezone(scene.zone).replace(tzinfo=None)
    return lost_chart(times, [value / 100 for _, value in course], here)


def _catch_up(scene: Scene, published: Published, chronicle: Chronicle, first: datetime, last: datetime) -> None:
    """Read what is missing, a part at a time so that nobody waits for a whole day's minutes."""
    with chronicle.lock:
        again = 0 if chronicle.snapshot_id == published.snapshot_id else READ_AGAIN
        wanted = chronicle.wanted(first, last, READ_AT_ONCE, again)
        if wanted:
            found = read_past(scene.client, published.sale_id, wanted)
            chronicle.take(wanted, found, last - READ_AGAIN * MINUTE)
        chronicle.snapshot_id = published.snapshot_id


@st.cache_resource(show_spinner=False, max_entries=2)
def _chronicle(sale_id: str) -> Chronicle:  # noqa: ARG001 - the key
    return Chronicle()
