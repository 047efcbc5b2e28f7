"""Airflow's pools: made when its database is set up, named by the DAGs whose tasks share them."""

ARCHIVE_POOL = "archive"
"""One slot: whatever works at the archive, of whatever DAG, does so alone and takes no slot of the minute's."""

POOLS = {ARCHIVE_POOL: (1, "tasks that move or check archived data, one at a time")}
"""Pool -> slots and what it is for."""
