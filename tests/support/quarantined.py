"""What stands in quarantine, as its writer can see it."""

from collections import Counter

from pymongo.database import Database

from flashsale.schema import QUARANTINE_OF
from flashsale.stores.mongo import Document
from flashsale.stores.quarantine import counted_by


def quarantined(database: Database[Document]) -> Counter[str]:
    """Documents in both quarantines, by what they are counted by."""
    found = (document for name in QUARANTINE_OF.values() for document in database[name].find())
    return Counter(counted_by(document["origin"], document["reason"]) for document in found)
