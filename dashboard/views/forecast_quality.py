"""Forecast quality: is it calibrated, does it get better or worse, what did it hit and miss."""

import json
from zoneinfo import ZoneInfo

import plotly.graph_objects as go
import streamlit as st

from dashboard import panels
from dashboard.forecast_record import course, horizon_rows, verdict
from dashboard.plain_table import draw_table
from dashboard.quality_charts import course_chart, reliability_chart
from dashboard.scene import Published, Scene, read_part
from flashsale.forecast_scores import COURSE_HORIZON, ForecastQuality, HorizonQuality


def draw(scene: Scene, published: Published) -> None:
    """A sentence first, then what it rests on."""
    quality, charts = _record(published.sale_id, published.snapshot_id, scene.settings.shop_time_zone)
    judged = _judged(quality)
    with st.container(key="screen"):
        panels.draw_strip(published.strip, scene.address)
        with st.container(key="board"):
            with st.container(key="verdict"):
                if judged is None or not judged["forecasts"]:
                    st.subheader("No forecast has come due yet", anchor=False)
                    st.text(f"The first ones are judged {COURSE_HORIZON} minutes after the first figures.")
                else:
                    st.subheader(f"Is it calibrated? {COURSE_HORIZON} minutes ahead", anchor=False)
                    st.text(verdict(judged))
                    st.caption(
                        f"{quality['minutes']:,} minutes judged; figures of the sale up to the snapshot's minute. "
                        "A warning is a forecast that stated 50 % or more."
                    )
            draw_table(
                "horizons",
                "What did it hit and miss?",
                (
                    "Ahead",
                    "#Forecasts",
                    "#Sold out",
                    "#Hits: warned, sold out",
                    "#False alarms",
                    "#Misses: not warned",
                    "#Brier (0 is best)",
                    "#Brier of stock ÷ speed",
                    "#Better by",
                ),
                horizon_rows(quality),
                "Nothing yet.",
            )
            with st.container(key="bottom"):
                left, right = st.columns(2, gap="small")
                with left:
                    panels.draw_card(
                        "where", "Does what it states happen? Share that sold out, by what was stated", charts[0]
                    )
                with right:
                    panels.draw_card("trend", "Does it get better? Running Brier score, last 60 minutes", charts[1])


def _judged(quality: ForecastQuality) -> HorizonQuality | None:
    return next((one for one in quality.get("horizons", []) if one["horizon"] == COURSE_HORIZON), None)


@st.cache_resource(show_spinner=False, max_entries=2)
def _record(sale_id: str, snapshot_id: str, zone: str) -> tuple[ForecastQuality, tuple[go.Figure, go.Figure]]:
    """The part and its charts, made once per snapshot."""
    quality: ForecastQuality = json.loads(read_part(sale_id, snapshot_id, "forecast_quality"))
    judged = _judged(quality)
    return quality, (
        reliability_chart(judged["reliability"] if judged else []),
        course_chart(course(quality, ZoneInfo(zone))),
    )
