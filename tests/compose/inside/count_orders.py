"""The live sale and how many orders it holds."""

import json

from flashsale.settings import load_settings
from flashsale.stores.mongo import mongo_client
from flashsale.stores.sales import active_sale

with mongo_client(load_settings(), "owner") as client:
    sale = active_sale(client)
    print(json.dumps({"sale": sale.sale_id, "orders": client[sale.database].orders_fact.estimated_document_count()}))
