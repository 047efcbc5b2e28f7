"""The live sale, its watermark and every id of its facts, compressed."""

import base64
import zlib

import numpy as np

from flashsale.schema import FACTS
from flashsale.settings import load_settings
from flashsale.stores.ingest import read_watermark
from flashsale.stores.mongo import mongo_client
from flashsale.stores.sales import active_sale

with mongo_client(load_settings(), "owner") as client:
    sale = active_sale(client)
    database = client[sale.database]
    found = {"sale": sale.to_document(), "watermark": read_watermark(database)}
    for table in FACTS:
        ids = np.fromiter((d["_id"] for d in database[table.name].find({}, {"_id": 1})), np.int64)
        found[table.name] = base64.b64encode(zlib.compress(ids.tobytes())).decode()
    from bson import json_util

    print(json_util.dumps(found))
