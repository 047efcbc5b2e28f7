"""How a job's outcome becomes a task's: one line of log, and skipped where nothing was to do."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager

from airflow.sdk.exceptions import AirflowSkipException

from flashsale.errors import FlashsaleError, NothingToDoError, SupersededRunError, one_line


@contextmanager
def told_in_one_line() -> Iterator[None]:
    """Skip what had nothing to do; fail with the one line of what failed, and be retried."""
    try:
        yield
    except (NothingToDoError, SupersededRunError) as nothing:
        raise AirflowSkipException(one_line(nothing)) from None
    except FlashsaleError as error:
        logging.getLogger("flashsale").error(one_line(error))
        # An exception would print forty lines of traceback around that one.
        raise SystemExit(1) from None
