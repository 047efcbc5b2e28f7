"""The first steps on an empty MongoDB: a replica set of one node, and its owner."""

from pymongo.errors import OperationFailure

from flashsale.errors import ServiceUnavailableError
from flashsale.settings import Settings
from flashsale.stores.mongo import Client, Document

_ALREADY_INITIATED = 23

# What `flashsale-sale open` and the start-up need: users and roles, collections with validators
# and indexes, the registry, the replica set itself.  No running service logs in as owner.
OWNER_ROLES = ("userAdminAnyDatabase", "dbAdminAnyDatabase", "readWriteAnyDatabase", "clusterAdmin")


def initiate_replica_set(client: Client, settings: Settings, host: str) -> None:
    """Make the node `client` is directly connected to a replica set of one, known to clients as `host`.

    Repeating it changes nothing.  Raises ServiceUnavailableError until the node is primary.
    """
    replica_set: Document = {"_id": settings.mongo_replica_set, "members": [{"_id": 0, "host": host}]}
    try:
        client.admin.command("replSetInitiate", replica_set)
    except OperationFailure as error:
        if error.code != _ALREADY_INITIATED:
            raise
    if not client.admin.command("hello")["isWritablePrimary"]:
        raise ServiceUnavailableError("the replica set has no primary yet")


def create_owner(client: Client, settings: Settings) -> None:
    """Create the user who sets up everything else; MongoDB lets the first one be made without login, on its machine."""
    client.admin.command("createUser", "owner", pwd=settings.secret("mongo_owner"), roles=list(OWNER_ROLES))
