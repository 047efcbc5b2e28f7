"""A sale that is watched, and receivers of what is told of it."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from flashsale.sale_run import SaleRun
from flashsale.settings import Settings
from tests.support.notified_sale import NotifiedSale, live_now, notified_sale
from tests.support.receivers import Mailbox, Webhook


@pytest.fixture
def watched(data_services: Settings, open_test_sale: Callable[..., SaleRun], tmp_path: Path) -> Iterator[NotifiedSale]:
    start, end = live_now()
    sale = open_test_sale(data_services, sale_start=start, sale_end=end, phase="live")
    with notified_sale(data_services, sale, tmp_path) as watched:
        yield watched


@pytest.fixture
def hook() -> Iterator[Webhook]:
    hook = Webhook().open()
    yield hook
    hook.close()


@pytest.fixture
def mailbox() -> Iterator[Mailbox]:
    mailbox = Mailbox().open()
    yield mailbox
    mailbox.close()
