"""Put a sale with its facts, given as /data/sale.json, beside the live one."""

from pathlib import Path

from bson import json_util

from flashsale.sale_run import SaleRun
from flashsale.schema import REGISTRY_DATABASE, SALES
from flashsale.settings import load_settings
from flashsale.stores.mongo import mongo_client
from flashsale.stores.provision import provision_sale

canonical = json_util.JSONOptions(json_mode=json_util.JSONMode.CANONICAL, tz_aware=True)
given = json_util.loads(Path("/data/sale.json").read_text(), json_options=canonical)
with mongo_client(load_settings(), "owner") as client:
    sale = SaleRun.from_document(given["sale"])
    provision_sale(client, sale)
    client[REGISTRY_DATABASE][SALES].insert_one(given["sale"] | {"active": False})
    for name, documents in given["collections"].items():
        client[sale.database][name].insert_many(documents)
    print(json_util.dumps({name: len(documents) for name, documents in given["collections"].items()}))
