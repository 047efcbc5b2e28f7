"""A sale of orders that came from a file: what tells it from one that is simulated."""

from datetime import datetime

from flashsale.sale_run import SaleRun

_MARK = "import:"
"""No scenario's name holds a colon."""


def imported_scenario(name: str) -> str:
    """The `scenario` of sales imported with the mapping called `name`."""
    return f"{_MARK}{name}"


def is_imported(sale: SaleRun) -> bool:
    """Whether the sale's facts come from a file.

    Then its `scenario_toml` is the text of the mapping, which describes no world to draw; its dimensions stand in
    MongoDB from the moment it was opened, and nobody can draw them anew.
    """
    return sale.scenario.startswith(_MARK)


def imported_sale(name: str, mapping_text: str, seed: int, sale_start: datetime, sale_end: datetime) -> SaleRun:
    """A sale of orders in ``[sale_start, sale_end)``; `seed` is a digest of what it was imported from."""
    return SaleRun(
        sale_id=f"import_{name}_{sale_start:%Y%m%d_%H%M%S}",
        scenario=imported_scenario(name),
        scenario_toml=mapping_text,
        seed=seed,
        sale_start=sale_start,
        sale_end=sale_end,
        planned_end=sale_end,
    )
