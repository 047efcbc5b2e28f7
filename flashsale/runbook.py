"""Which section of docs/runbook.md tells what a state, an alarm or a mark means and what to do about it."""

import re

PATH = "docs/runbook.md"

SECTIONS: dict[str, str] = {
    # The whole page says so: dashboard/states.py.
    "no_sale": "No sale is open",
    "no_data": "No figures yet",
    "page_fault": "The page has a fault",
    "redis_unreachable": "Redis does not answer",
    "settings": "The page is not set up",
    "schema_mismatch": "Page and pipeline are of different releases",
    "unreadable": "The published figures cannot be read",
    "refused": "Redis refuses the page",
    # How old the figures are.
    "live": "The figures are live",
    "late": "The figures are late",
    "stale": "The figures are stale",
    "final": "The figures are final",
    "incomplete": "A minute is incomplete",
    # How urgent an alert is.
    "critical": "An alert is critical",
    "high": "An alert is high",
    "sold_out": "Something is sold out",
    "watch": "An alert is on watch",
    "flood": "A flood of alerts",
    # Doubts about the figures.
    "low_quality": "The data quality is low",
    "phantom_stock": "Phantom suspects",
    "bot_orders": "Bot-like orders",
    "surge": "A surge",
    # Parts of the pipeline.
    "generator_behind": "The generator is silent or behind",
    "kpi_failed": "The KPI job fails",
    "dag_failed": "A DAG fails",
    "silent": "A part is silent",
    "airflow_down": "Airflow is down",
    "archive_failed": "The archive fails",
    "archive_check_failed": "The archive's check finds something",
    "retention_failed": "Retention fails",
    "hdfs_safe_mode": "HDFS is in safe mode",
    "hdfs_quota": "HDFS is over its quota or full",
    "datanode_down": "The DataNode is down",
    "mongo_unreachable": "MongoDB does not answer",
    "spark_down": "Spark is down",
    "disk_low": "The disk is nearly full",
    "notifier_failed": "Messages are not delivered",
}
"""Key of a state, alarm, severity or part -> heading of its section."""


def anchor(key: str) -> str:
    """The section's address within the file as renderers of Markdown make it; raises KeyError for an unknown key."""
    words = re.sub(r"[^\w\- ]", "", SECTIONS[key].lower())
    return words.replace(" ", "-")


def reference(key: str) -> str:
    """``docs/runbook.md, section "The figures are stale"``; raises KeyError for an unknown key."""
    return f'{PATH}, section "{SECTIONS[key]}"'
