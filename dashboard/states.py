"""Words for the moments when there is nothing to show; each is a title and what happens next."""

from dataclasses import dataclass
from typing import Literal

from dashboard.board import SchemaMismatchError, UnreadableSnapshotError
from flashsale.errors import FlashsaleError, ServiceUnavailableError, SettingsError, one_line
from flashsale.runbook import reference

RETRY = "This page keeps trying every 5 seconds; nothing needs to be reloaded."


OPENING = "The first figures come about a minute after the first orders."


def runbook_words(key: str) -> str:
    """Where to read what to do: ``What to do: docs/runbook.md, section "The figures are stale"``."""
    return f"What to do: {reference(key)}"


@dataclass(frozen=True, slots=True)
class Message:
    """A whole-page message; `key` names it for links, runbook and tests."""

    key: str
    tone: Literal["waiting", "fault"]
    title: str
    text: str
    next_step: str


NO_SALE = Message(
    "no_sale",
    "waiting",
    "No sale is open",
    "The war room opens with the first sale.",
    "The command flashsale-sale open, or starting the stack, opens one. " + RETRY,
)

PAGE_FAULT = Message(
    "page_fault",
    "fault",
    "This page has a fault",
    "The figures are not shown, because they could be wrong. The page's log says what happened.",
    RETRY,
)


def no_data(sale: str, phase: str) -> Message:
    """The sale is known but its first minute is not published yet."""
    return Message(
        "no_data",
        "waiting",
        "No figures yet",
        f"{sale}: {phase}. {OPENING}",
        RETRY,
    )


def known_fault(error: FlashsaleError) -> Message:
    """The message for a failure whose cause is known."""
    if isinstance(error, ServiceUnavailableError):
        return Message(
            "redis_unreachable",
            "fault",
            "Redis does not answer",
            "No figures can be shown: the store that holds them is out of reach. Orders and stock are not affected.",
            RETRY,
        )
    if isinstance(error, SettingsError):
        return Message("settings", "fault", "This page is not set up", one_line(error), RETRY)
    if isinstance(error, SchemaMismatchError):
        return Message(
            "schema_mismatch", "fault", "Page and pipeline are of different releases", one_line(error), RETRY
        )
    if isinstance(error, UnreadableSnapshotError):
        return Message(
            "unreadable",
            "fault",
            "The published figures cannot be read",
            "What the pipeline published is incomplete or damaged; the next minute replaces it.",
            RETRY,
        )
    return Message("refused", "fault", "Redis refuses this page", one_line(error), RETRY)
