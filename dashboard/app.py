"""`streamlit run dashboard/app.py`: the war room."""

from dashboard.page import draw_page

draw_page()
