"""What the jobs read from MongoDB to say how far the numbers can be trusted."""

from collections.abc import Callable
from typing import Any

import pytest

from flashsale.sale_run import SaleRun
from flashsale.schema import INBOUND_SHIPMENTS
from flashsale.settings import Settings
from flashsale.stores.ingest import LedgerEntry, put_ledger
from flashsale.stores.mongo import mongo_client
from spark_jobs.data_quality import data_quality
from tests.support.shop import at
from tests.support.stock_books import closing_of

END = at("09:30")


@pytest.fixture
def sale(data_services: Settings, open_test_sale: Callable[..., SaleRun]) -> SaleRun:
    return open_test_sale(data_services, sale_start=at("09:00"), sale_end=at("12:00"))


def shipment(number: int, warehouse: int, status: str, received: tuple[str, int] | None = None) -> dict[str, Any]:
    return {
        "_id": number,
        "product_id": 1,
        "warehouse_id": warehouse,
        "qty": 40,
        "due_at": at("09:20"),
        "status": status,
        "received_at": at(received[0]) if received else None,
        "received_qty": received[1] if received else None,
    }


def test_shipments_of_every_state_explain_what_they_can(data_services: Settings, sale: SaleRun) -> None:
    """Warehouse 1: received and booked; 2: received since the last event; 3: in transit; 4: cancelled; 5: after T."""
    last = closing_of(END, at("09:29:20"), opening=[100] * 5, sold=[30] * 5, closing=[106, 70, 100, 100, 110])
    with mongo_client(data_services, "owner") as owner:
        owner[sale.database][INBOUND_SHIPMENTS.name].insert_many(
            [
                shipment(1, 1, "received", ("09:10", 36)),
                shipment(2, 2, "received", ("09:29:30", 40)),
                shipment(3, 3, "in_transit"),
                shipment(4, 4, "cancelled"),
                shipment(5, 5, "received", ("09:30", 40)),
            ]
        )
    with mongo_client(data_services, "jobs") as client:
        quality = data_quality(client[sale.database], last, END)
    assert quality["phantom_suspects"] == {
        "total": 1,
        "rows": [
            {
                "product_id": 1,
                "warehouse_id": 4,
                "residual_units": 30,
                "explained_units": 0,
                "unexplained_units": 30,
            }
        ],
    }
    # 150 sold; 500 opening, 36 + 40 received, 486 left.
    assert quality["ledger_residual_units"] == 150 - (500 + 76 - 486)


def test_facts_that_were_not_counted_may_be_of_any_pair(data_services: Settings, sale: SaleRun) -> None:
    """Of the shard where most are lost: 200 sold, and 5 more of which the order is late."""
    last = closing_of(END, at("09:29:20"), opening=[500, 500], sold=[200, 200], closing=[295, 200])
    with mongo_client(data_services, "owner") as owner, mongo_client(data_services, "jobs") as client:
        database = owner[sale.database]
        put_ledger(database, [LedgerEntry(at("09:10"), 0, acked=1000), LedgerEntry(at("09:10"), 1, acked=1000)])
        before = data_quality(client[sale.database], last, END)["phantom_suspects"]
        put_ledger(database, [LedgerEntry(at("09:10"), 1, acked=995, late=10, refused={"schema": 5})])
        after = data_quality(client[sale.database], last, END)["phantom_suspects"]
    assert [row["unexplained_units"] for row in before["rows"]] == [-100, -5]
    assert (after["total"], after["rows"][0]["warehouse_id"]) == (1, 2)
    assert -100 < after["rows"][0]["unexplained_units"] < -50
