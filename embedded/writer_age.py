"""How far the generator is: the age of its last acknowledged tick."""

from embedded.config import StackConfig
from embedded.service import NotAnsweringError
from flashsale.errors import FlashsaleError
from flashsale.minutes import utc_now
from flashsale.stores.ingest import read_watermark
from flashsale.stores.mongo import mongo_client, mongo_errors
from flashsale.stores.sales import active_sale

LATE_SECONDS = 15.0


def writer_age_seconds(config: StackConfig) -> float | None:
    """Seconds from the live sale's watermark to now; None before its first checkpoint."""
    with mongo_errors("watermark"), mongo_client(config.settings, "generator") as client:
        watermark = read_watermark(client[active_sale(client).database])
    return None if watermark is None else (utc_now() - watermark).total_seconds()


class WriterStart:
    """Whether a generator that was just started works: an older one's watermark proves nothing."""

    def __init__(self, config: StackConfig) -> None:
        self._config = config
        self._began = utc_now()

    def begin(self) -> None:
        self._began = utc_now()

    def check(self) -> None:
        """Raise NotAnsweringError until a tick of after the start is acknowledged."""
        check_writer(self._config, (utc_now() - self._began).total_seconds())


def check_writer(config: StackConfig, at_most_seconds: float = LATE_SECONDS) -> None:
    """Raise NotAnsweringError when the last acknowledged tick is older than that."""
    try:
        age = writer_age_seconds(config)
    except FlashsaleError as error:
        raise NotAnsweringError(str(error)) from error
    if age is None:
        raise NotAnsweringError("the generator has acknowledged nothing yet")
    if age > at_most_seconds:
        raise NotAnsweringError(f"the last acknowledged tick is {age:.0f} s old")
