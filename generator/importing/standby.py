"""What `flashsale-generate run` does while the live sale is an imported one: its facts come from the import."""

import logging
import threading

from flashsale.errors import ServiceUnavailableError
from flashsale.minutes import utc_now
from flashsale.sale_run import SaleRun
from flashsale.settings import Settings
from flashsale.stores.mongo import Client
from generator.heartbeat import Heartbeat
from generator.importing.import_checkpoint import SHARD
from generator.running.pacing import TICK
from generator.running.sale_record import MongoSaleRecord

_LOG = logging.getLogger("generator")


def stand_by(client: Client, sale: SaleRun, settings: Settings, stop: threading.Event) -> None:
    """Return when another sale is the live one, or at `stop`; meanwhile be alive.

    Once the import is through, the watermark moves on with the clock, as after the end of any live sale.
    """
    _LOG.info(
        "sale %s is imported: `flashsale-generate import` stores its facts; waiting for another sale", sale.sale_id
    )
    record = MongoSaleRecord(client, sale, [SHARD], stop, only_live=True)
    heartbeat = Heartbeat(settings.heartbeat_file)
    while not stop.is_set():
        try:
            other = record.look()
        except ServiceUnavailableError as error:
            _LOG.warning("%s; trying again", error)
        else:
            if other is not None:
                _LOG.info("sale %s is the active one now", other)
                return
            if record.sale.phase == "ended":
                record.move_watermark(max(utc_now(), record.sale.sale_end))
            heartbeat.beat()
        stop.wait(TICK.total_seconds())
