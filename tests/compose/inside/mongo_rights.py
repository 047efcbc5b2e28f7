"""Which MongoDB operations each login may do."""

import json
import sys

from pymongo import MongoClient
from pymongo.errors import PyMongoError

from flashsale.settings import load_settings
from flashsale.stores.mongo import mongo_client

settings, outcome = load_settings(), {}
sale = sys.argv[1]
facts = f"flashsale_{sale}"


def attempt(name, client, act):
    try:
        with client:
            act(client)
        outcome[name] = "allowed"
    except PyMongoError as error:
        outcome[name] = getattr(error, "code", None) or type(error).__name__


def plain(**login):
    return MongoClient("mongo", 27017, directConnection=True, serverSelectionTimeoutMS=5000, **login)


attempt("nobody reads", plain(), lambda c: c[facts].orders_fact.find_one())
attempt("nobody makes a user", plain(), lambda c: c.admin.command("createUser", "x", pwd="x" * 20, roles=["root"]))
attempt("wrong password", plain(username="owner", password="x" * 32), lambda c: c.admin.command("ping"))
attempt("generator reads orders", mongo_client(settings, "generator"), lambda c: c[facts].orders_fact.find_one())
attempt(
    "generator deletes", mongo_client(settings, "generator"), lambda c: c[facts].orders_fact.delete_one({"_id": -1})
)
attempt("generator reads KPIs", mongo_client(settings, "generator"), lambda c: c[facts].kpi_history.find_one())
attempt("jobs inserts an order", mongo_client(settings, "jobs"), lambda c: c[facts].orders_fact.insert_one({"_id": -1}))
attempt(
    "jobs makes a user",
    mongo_client(settings, "jobs"),
    lambda c: c.admin.command("createUser", "x", pwd="x" * 20, roles=[]),
)
attempt("notifier reads orders", mongo_client(settings, "notifier"), lambda c: c[facts].orders_fact.find_one())
attempt(
    "notifier writes its outbox",
    mongo_client(settings, "notifier"),
    lambda c: c.flashsale_registry.outbox.delete_one({"_id": "no such message"}),
)
attempt(
    "notifier writes alerts",
    mongo_client(settings, "notifier"),
    lambda c: c[facts].alert_events.insert_one({"_id": -1}),
)
attempt("jobs reads the outbox", mongo_client(settings, "jobs"), lambda c: c.flashsale_registry.outbox.find_one())
print(json.dumps(outcome))
