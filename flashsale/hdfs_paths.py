"""Every HDFS path of the pipeline; nothing else spells one."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime

ROOT = "/flashsale"
"""Folder of all sales; its owner is the pipeline's user."""


@dataclass(frozen=True, slots=True)
class SalePaths:
    """Paths of one sale below ``/flashsale/{sale_id}``."""

    sale_id: str

    @property
    def root(self) -> str:
        return f"{ROOT}/{self.sale_id}"

    @property
    def archive(self) -> str:
        return f"{self.root}/archive"

    def table(self, table: str) -> str:
        """Root of a partitioned table: what a Parquet engine opens."""
        return f"{self.archive}/{table}"

    def partition(self, table: str, hour: datetime) -> str:
        """Folder of the facts whose event time lies in `hour` (UTC)."""
        return f"{self.table(table)}/{_partition(hour)}"

    def data_file(self, table: str, hour: datetime, batch_id: str) -> str:
        return f"{self.partition(table, hour)}/{batch_id}.parquet"

    def manifest(self, table: str, hour: datetime, batch_id: str) -> str:
        """Counts, sums and digests of a published file, outside the table's own tree."""
        return f"{self.archive}/_metadata/{table}/{_partition(hour)}/{batch_id}.json"

    def metadata(self, table: str) -> str:
        return f"{self.archive}/_metadata/{table}"

    def staging(self, batch_id: str) -> str:
        """Where a batch is written and verified before it is renamed into place."""
        return f"{self.staging_root}/{batch_id}"

    @property
    def staging_root(self) -> str:
        return f"{self.archive}/_staging"

    def replaced(self, compaction_id: str, hour: datetime) -> str:
        """Where an hour's folder goes when compacted files take its place, until those were read back."""
        return f"{self.replaced_root}/{compaction_id}/{_partition(hour)}"

    @property
    def replaced_root(self) -> str:
        return f"{self.archive}/_replaced"


_PARTITION = re.compile(r"/date=(\d{4}-\d\d-\d\d)/hour=(\d\d)(?=/|$)")


def hour_of(path: str) -> datetime | None:
    """The hour whose partition `path` is or lies in; None outside of any."""
    found = _PARTITION.search(path)
    if found is None:
        return None
    try:
        return datetime.fromisoformat(f"{found[1]}T{found[2]}:00+00:00")
    except ValueError:
        return None


def _partition(hour: datetime) -> str:
    moment = hour.astimezone(UTC)
    return f"date={moment:%Y-%m-%d}/hour={moment:%H}"
