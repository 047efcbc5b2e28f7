"""Which minutes of a sale somebody may still ask for, as MongoDB stands now."""

from datetime import datetime

from pymongo.database import Database

from flashsale.schema import FACTS
from flashsale.settings import Settings
from flashsale.stores.mongo import Document
from spark_jobs.minute_store import MinuteStore
from spark_jobs.retention_bounds import NeededFrom, city_rollups_from, history_from, rollups_edge


def needed_from(database: Database[Document], first_minute: datetime, end: datetime, settings: Settings) -> NeededFrom:
    """The oldest minutes that the engine, a backfill or the page may still ask for, as of minute `end`."""
    store = MinuteStore(database)
    open_end = store.first_open_end(first_minute, end)
    edge = rollups_edge(open_end, _oldest_fact(database, first_minute), settings)
    return NeededFrom(
        city_rollups=city_rollups_from(open_end, settings),
        rollups=store.last_rollup_before(edge) or edge,
        history=history_from(open_end),
    )


def _oldest_fact(database: Database[Document], first_minute: datetime) -> datetime | None:
    """Least event time in MongoDB, by the index; what is no date or before the sale is the sweep's."""
    times = []
    for table in FACTS:
        name = table.event_time or ""
        found = database[table.name].find_one({name: {"$gte": first_minute}}, {name: 1}, sort=[(name, 1)])
        if found is not None:
            times.append(found[name])
    return min(times, default=None)
