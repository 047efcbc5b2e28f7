"""Reading and changing the address the viewer's browser shows."""

import streamlit as st

from dashboard.address import Address, parameters, parse_address


def current_address() -> Address:
    """The view and the filters in the address."""
    return parse_address({name: st.query_params.get_all(name) for name in st.query_params})


def go_to(address: Address) -> None:
    """Put `address` into the browser's address line; the drawing that follows obeys it."""
    st.query_params.from_dict(parameters(address))
