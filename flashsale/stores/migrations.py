"""What changed in the stored layouts from version to version: one step for each.

A step brings the documents over.  Validators, indexes and rights are not its business:
provisioning sets those of this version when all steps are through.  A step is a pure
function of what is stored and can be repeated, also when it was killed half-way.  Where the
old validator would refuse the new documents it writes with `bypass_document_validation`.
"""

from collections.abc import Callable
from dataclasses import dataclass

from pymongo.database import Database

from flashsale.schema import CHECKPOINTS, SALES
from flashsale.stores.mongo import Document

Step = Callable[[Database[Document]], None]


@dataclass(frozen=True, slots=True)
class Migration:
    """From `version` - 1 to `version`: the registry's database, and one sale's."""

    version: int
    registry: Step
    sale: Step


def _tell_planned_from_actual_end(registry: Database[Document]) -> None:
    """A sale can be stopped early: `planned_end` keeps what `sale_end` was until then."""
    registry[SALES].update_many({"planned_end": {"$exists": False}}, [{"$set": {"planned_end": "$sale_end"}}])


def _mark_checkpoints(sale: Database[Document]) -> None:
    """A checkpoint says of which contract its state is, so that no other writer moves it."""
    sale[CHECKPOINTS].update_many({"contract_version": {"$exists": False}}, {"$set": {"contract_version": 2}})


MIGRATIONS = (Migration(2, registry=_tell_planned_from_actual_end, sale=_mark_checkpoints),)
"""One for each version after the first, in order."""
