"""The daily check of the archive: what it finds is told to people, and nothing is repaired or deleted."""

import logging

from flashsale.errors import ReadBackError
from flashsale.redis_keys import SaleKeys
from flashsale.settings import Settings
from flashsale.stores.health import write_health
from flashsale.stores.redis_client import redis_client, redis_errors
from spark_jobs.archive_tools.verify import VerifyReport, verify
from spark_jobs.health import failure_shown

_LOG = logging.getLogger(__name__)
PART = "archive_verification"
PERIOD_SECONDS = 86_400


def verify_and_tell(settings: Settings, sale_id: str | None = None) -> VerifyReport:
    """Verify a sale's archive (default: the live one) to the last byte.

    Raises ReadBackError naming the first finding; all of them are in the log, and the part's health tells it.
    """
    with failure_shown(settings, PART, PERIOD_SECONDS), redis_errors("archive verification"):
        report = verify(settings, sale_id, deep=True)
        for finding in report.findings:
            _LOG.error("finding: %s", finding)
        for note in report.notes:
            _LOG.info("note: %s", note)
        if report.findings:
            raise ReadBackError(f"{report.line()}; first: {report.findings[0]}")
        with redis_client(settings, "publisher") as redis:
            write_health(redis, SaleKeys(report.sale_id).health(PART), "ok", report.line(), PERIOD_SECONDS)
        return report
