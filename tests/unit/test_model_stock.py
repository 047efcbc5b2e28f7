"""Units are conserved to the last one, per product and warehouse, in every sale that is shipped with the project."""

import pytest

from generator.world import World
from tests.support.sale_texts import SALES, with_values
from tests.support.samplers import STOCK, Wrong
from tests.support.simulated import ticks_of, worlds_of
from tests.support.stock_ledger import StockLedger

TICKS = {"eleven_eleven": 60, "cascade": 780}
"""Seconds of each sale; 660 where nothing is said."""


def hastened(name: str) -> str:
    """The sale with thin shelves, small shipments, quick counts and early trouble: much happens in few minutes."""
    text = with_values(
        (SALES / f"{name}.toml").read_text(),
        cover_median_minutes=6.0,
        cover_minutes=4.0,
        delay_mean_minutes=1.0,
        base_delay_minutes=2.0,
        count_after_minutes=6.0,
    )
    for late, early in (
        ("starts_at_minute = 25 ", "starts_at_minute = 2 "),
        ("duration_minutes = 35 ", "duration_minutes = 6 "),
    ):
        text = text.replace(late, early)
    return text.replace("starts_at_minute = 20 ", "starts_at_minute = 1 ")


def books_of(worlds: list[World], ticks: int, *, oversold: bool = False) -> tuple[list[StockLedger], list[str]]:
    """(each shard's books after so many ticks, everything that did not add up on the way)."""
    books, problems = [StockLedger(world, oversold=oversold) for world in worlds], []
    for states, facts in ((states, facts) for _, states, facts in ticks_of(worlds, until=ticks)):
        for book, state, fact in zip(books, states, facts, strict=True):
            book.take(fact)
            if state.tick % 20 == 0 or state.tick == ticks - 1:
                problems += book.violations(state)
    return books, problems


@pytest.mark.parametrize("name", sorted(path.stem for path in SALES.glob("*.toml")))
def test_units_are_conserved(name: str) -> None:
    phantom = name == "phantom_stock"
    books, problems = books_of(worlds_of(hastened(name)), TICKS.get(name, 660), oversold=phantom)
    assert problems == []
    short = name == "eleven_eleven"
    assert sum(int(book.ordered.sum()) for book in books) > 50_000
    assert short or sum(int(book.shipped.sum()) for book in books) > 10_000
    assert short or sum(int(book.received.sum()) for book in books) > 1_000
    assert (sum(int(book.cancelled.sum()) for book in books) > 0) == phantom
    assert (sum(int(book.written_off.sum()) for book in books) > 0) == phantom


@pytest.mark.parametrize("wrong", STOCK, ids=str)
def test_the_books_reject(wrong: Wrong, monkeypatch: pytest.MonkeyPatch) -> None:
    wrong.put_in(monkeypatch)
    _, problems = books_of(worlds_of(hastened("flat")), 300)
    assert problems
