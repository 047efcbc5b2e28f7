"""Before the first figures: no sale, a sale still to come and what is planned for it, or a minute to wait."""

import plotly.graph_objects as go
import streamlit as st

from dashboard import panels, states
from dashboard.charts import plan_chart
from dashboard.sale_plan import SalePlan, sale_plan
from dashboard.scene import Scene, sale_size
from dashboard.strip import sale_phase, waiting_strip
from flashsale.minutes import parse_iso


def draw(scene: Scene) -> None:
    """Why there is nothing to show yet, and when there will be."""
    present = scene.present
    if present.sale_id is None:
        panels.draw_message(states.NO_SALE)
        return
    strip = waiting_strip(present.sale_id, present.sale, present.health, scene.now, scene.zone)
    with st.container(key="screen"):
        panels.draw_strip(strip, scene.address)
        if present.sale is not None and scene.now < parse_iso(present.sale["sale_start"]):
            _draw_plan(sale_plan(present.sale, scene.now, scene.zone), sale_size(present.sale_id))
        else:
            panels.draw_message(states.no_data(strip.sale, sale_phase(present.sale, scene.now, scene.zone)))


def _draw_plan(plan: SalePlan, size: tuple[str, str]) -> None:
    with st.container(key="state_not_started"):
        st.header("The sale has not started", anchor=False)
        st.text(f"{plan.name} starts at {plan.starts_at} ({plan.starts_at_utc}). {states.OPENING}")
        with st.container(key="plan_figures"):
            figures = (
                ("Starts in", plan.starts_in, f"at {plan.starts_at}"),
                ("Lasts", plan.lasts, f"until {plan.ends_at}"),
                ("Planned peak, of usual demand", plan.peak, plan.peak_at),
                ("On sale", *size),
            )
            for column, (label, value, detail) in zip(st.columns(len(figures)), figures, strict=True):
                with column:
                    st.metric(label, value, detail, delta_color="off", delta_arrow="off", border=True)
        with st.container(key="plan", height="stretch"):
            st.markdown("**What is planned: demand minute by minute, as a multiple of the usual**")
            chart: go.Figure = plan_chart(plan.times, plan.factors)
            panels.draw_chart(chart, "plan_chart", "Planned demand over the sale")
