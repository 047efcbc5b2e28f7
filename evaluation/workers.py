"""One process per core: the same results in the same order with any number of them."""

from collections.abc import Callable, Iterator, Sequence
from multiprocessing import get_context
from typing import TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")


def results_of(function: Callable[[Item], Result], items: Sequence[Item], workers: int) -> Iterator[Result]:
    """function(item) of each item, in their order; `function` is one of a module's top level.

    A process takes a new item when it has done one, so that only results are held.
    """
    if workers <= 1 or len(items) <= 1:
        yield from map(function, items)
        return
    with get_context("spawn").Pool(min(workers, len(items))) as pool:
        yield from pool.imap(function, items, chunksize=1)
