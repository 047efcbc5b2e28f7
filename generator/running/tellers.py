"""Who is told how a run goes: a log, somebody at a terminal, or a machine."""

import json
import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TextIO

from flashsale.minutes import iso
from generator.running.progress import Figures, Teller

_LOG = logging.getLogger("generator")


class LogLines:
    """A line every ten seconds."""

    every_seconds = 10.0

    def show(self, figures: Figures) -> None:
        _LOG.info("tick %d of %d: %s", figures.tick, figures.ticks, _rates(figures))

    def event(self, name: str, figures: Figures) -> None:
        """The log has it already."""

    def finish(self, totals: Figures) -> None:
        if totals.orders or totals.events:
            _LOG.info("stored %s", _sums(totals))


class Bar:
    """A progress bar on stderr, for a terminal."""

    every_seconds = 0.5

    def __init__(self) -> None:
        from tqdm import tqdm  # drawn for people only; a service has no use for it

        self._bar = tqdm(unit=" ticks", file=sys.stderr, dynamic_ncols=True, leave=True)
        self._is_new = True

    def show(self, figures: Figures) -> None:
        if self._is_new:
            # What earlier runs stored says nothing of this one's rate.
            self._bar.initial, self._is_new = figures.tick + 1, False
        self._bar.total = figures.ticks
        self._bar.n = figures.tick + 1
        self._bar.set_description_str(f"{figures.event_time:%Y-%m-%d %H:%M:%S}Z", refresh=False)
        self._bar.set_postfix_str(_rates(figures), refresh=False)
        self._bar.refresh()

    def event(self, name: str, figures: Figures) -> None:
        """The log has it already."""

    def finish(self, totals: Figures) -> None:
        self.show(totals)
        self._bar.close()
        sys.stderr.write(f"stored {_sums(totals)}\n")


class JsonLines:
    """One JSON object a line, every second, and when something happens."""

    every_seconds = 1.0

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def show(self, figures: Figures) -> None:
        self.event("progress", figures)

    def event(self, name: str, figures: Figures) -> None:
        self._write(
            {
                "event": name,
                "tick": figures.tick,
                "ticks": figures.ticks,
                "event_time": iso(figures.event_time),
                "orders": figures.orders,
                "inventory_events": figures.events,
                "orders_per_second": round(figures.orders_per_second, 1),
                "documents_per_second": round(figures.orders_per_second + figures.events_per_second, 1),
                "lag_seconds": None if figures.lag_seconds is None else round(figures.lag_seconds, 3),
                "waiting_share": round(figures.waiting_share, 3),
                "seconds": round(figures.seconds, 3),
            }
        )

    def finish(self, totals: Figures) -> None:
        self.event("finished", totals)

    def _write(self, values: dict[str, object]) -> None:
        self._stream.write(json.dumps(values) + "\n")
        self._stream.flush()


@contextmanager
def teller(as_json: bool) -> Iterator[Teller]:
    """JSON on stdout, else a bar where stderr is a terminal, else lines in the log."""
    if as_json:
        yield JsonLines(sys.stdout)
    elif sys.stderr.isatty():
        from tqdm.contrib.logging import logging_redirect_tqdm

        with logging_redirect_tqdm():
            yield Bar()
    else:
        yield LogLines()


def _rates(figures: Figures) -> str:
    lag = "" if figures.lag_seconds is None else f", lag {figures.lag_seconds:.1f} s"
    return (
        f"{figures.orders_per_second:,.0f} orders/s, {figures.events_per_second:,.0f} inventory events/s{lag}, "
        f"{100 * figures.waiting_share:.0f} % waiting"
    )


def _sums(totals: Figures) -> str:
    documents = totals.orders + totals.events
    return (
        f"{totals.orders:,} orders and {totals.events:,} inventory events in {totals.seconds:.1f} s "
        f"({documents / max(totals.seconds, 1e-3):,.0f} documents/s)"
    )
