"""End the live sale before its time."""

from flashsale.errors import FlashsaleError
from flashsale.minutes import iso, utc_now
from flashsale.sale_run import SaleRun
from flashsale.stores.mongo import Client
from flashsale.stores.sales import active_sale, end_sale, find_sale, require_contract


def stop_sale(client: Client) -> SaleRun:
    """The live sale with its new end, a few seconds from now; one that has not begun is over at once.

    The generator learns of it in time, writes every fact before that end and none after it.
    `client` is logged in as owner.  Raises FlashsaleError when no sale is live.
    """
    sale = active_sale(client)
    require_contract(sale)
    now = utc_now()
    if sale.phase == "ended" or sale.sale_end <= now:
        raise FlashsaleError(
            f"no sale is live: {sale.sale_id} ended at {iso(sale.sale_end)}; `flashsale-sale start` starts a new one"
        )
    end_sale(client, sale.sale_id, sale.ending(now))
    return find_sale(client, sale.sale_id)
