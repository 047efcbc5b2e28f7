"""Digests of the settled minutes of the sale named by the first argument."""

import json
import sys

from flashsale.schema import KPI_HISTORY
from flashsale.settings import load_settings
from flashsale.stores.mongo import mongo_client
from flashsale.stores.sales import find_sale

with mongo_client(load_settings(), "owner") as client:
    database = client[find_sale(client, sys.argv[1]).database]
    print(json.dumps({d["_id"].isoformat(): d["digest"] for d in database[KPI_HISTORY].find({"settled": True})}))
