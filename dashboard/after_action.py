"""What became of the warnings up to a past minute, and what was lost: the words of the view After action."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

from dashboard.chronicle import AlertStory
from dashboard.names import Names
from dashboard.palette import SEVERITY_SIGNS
from dashboard.plain_table import Row
from dashboard.wording import DASH, minutes, money, shop_time
from flashsale.minutes import MINUTE, parse_iso
from flashsale.snapshot import AlertRow, Headline

SHOWN_STORIES = 12
MOST_POINTS = 240


def known_then(stories: Iterable[AlertStory], as_of: datetime) -> list[AlertStory]:
    """The alerts that had been seen by the minute that ends at `as_of`."""
    return [story for story in stories if story.first_seen <= as_of]


def answer_rows(stories: Sequence[AlertStory], as_of: datetime, currency: str) -> list[Row]:
    """(acted on or not, alerts, sold out all the same, still open, what acting was worth) as of a minute."""
    acted = [story for story in stories if _acted(story, as_of)]
    ignored = [story for story in stories if not _acted(story, as_of)]
    return [_answer("✓ acted on", acted, as_of, currency), _answer("○ not acted on", ignored, as_of, currency)]


def _answer(words: str, stories: Sequence[AlertStory], as_of: datetime, currency: str) -> Row:
    sold_out = sum(_sold_out(story, as_of) for story in stories)
    still = sum(story.last_seen >= as_of for story in stories)
    worth = sum(story.value_saved or 0 for story in stories)
    return Row((words, f"{len(stories):,}", f"{sold_out:,}", f"{still:,}", money(worth, currency)))


def median_answer(stories: Sequence[AlertStory], as_of: datetime) -> str:
    """``half of the answers within 2 min`` of raising the alert; or that nobody acted."""
    waits = sorted(
        max(0.0, (story.acted_at - story.raised_at) / MINUTE)
        for story in stories
        if story.acted_at is not None and _acted(story, as_of)
    )
    return f"half of the answers within {minutes(waits[len(waits) // 2])}" if waits else "none was answered yet"


def shown_stories(stories: Sequence[AlertStory], as_of: datetime) -> list[AlertStory]:
    """Those that are listed: not acted on first, then by worth."""
    order = sorted(stories, key=lambda s: (_acted(s, as_of), -(s.value_saved or 0), s.raised_at, s.alert_id))
    return order[:SHOWN_STORIES]


def story_rows(
    stories: Sequence[AlertStory], as_of: datetime, names: Names, zone: ZoneInfo, currency: str
) -> list[Row]:
    """(severity, product, warehouse, raised, acted, what became of it, worth) of `shown_stories`."""
    return [_story_row(story, as_of, names, zone, currency) for story in shown_stories(stories, as_of)]


def _story_row(story: AlertStory, as_of: datetime, names: Names, zone: ZoneInfo, currency: str) -> Row:
    sign = SEVERITY_SIGNS[story.severity]
    acted = "○ not acted on"
    if story.acted_at is not None and _acted(story, as_of):
        wait = minutes(max(0.0, (story.acted_at - story.raised_at) / MINUTE))
        acted = f"✓ after {wait}" + (f" by {story.owner}" if story.owner else "")
    if _sold_out(story, as_of):
        became = "■ sold out" + ("" if story.last_seen >= as_of else ", over since")
    else:
        became = "still open" if story.last_seen >= as_of else "over without selling out"
    return Row(
        (
            f"{sign.icon} {sign.word}",
            names.product(story.product_id),
            names.warehouse(story.warehouse_id),
            shop_time(story.raised_at, zone, as_of),
            acted,
            became,
            money(story.value_saved, currency),
        ),
        "doubtful" if not _acted(story, as_of) and _sold_out(story, as_of) else "",
    )


def open_rows(alerts: Sequence[AlertRow], as_of: datetime, names: Names, currency: str) -> list[Row]:
    """(severity, product, warehouse, why, state, owner, open for, worth) of the alerts that stood in a minute."""
    return [_open_row(row, as_of, names, currency) for row in alerts[:SHOWN_STORIES]]


def _open_row(row: AlertRow, as_of: datetime, names: Names, currency: str) -> Row:
    sign = SEVERITY_SIGNS[row["severity"]]
    product = f"{row['count']:,} products" if row["product_id"] is None else names.product(row["product_id"])
    return Row(
        (
            f"{sign.icon} {sign.word}",
            product,
            names.warehouse(row["warehouse_id"]),
            row["reason"],
            row["state"].replace("_", " "),
            row["owner"] or DASH,
            minutes(max(0.0, (as_of - parse_iso(row["raised_at"])) / MINUTE)),
            money(row["value_saved"], currency),
        )
    )


def lost_course(headlines: Mapping[datetime, Headline]) -> list[tuple[datetime, int]]:
    """(minute end, value lost so far in minor units), oldest first, thinned out to what a chart can show."""
    ends = sorted(headlines)
    step = -(-len(ends) // MOST_POINTS) or 1
    shown = ends[::-step][::-1]
    return [(end, headlines[end]["lost_value"]) for end in shown]


def _acted(story: AlertStory, as_of: datetime) -> bool:
    return story.acted_at is not None and story.acted_at <= as_of


def _sold_out(story: AlertStory, as_of: datetime) -> bool:
    return story.sold_out_at is not None and story.sold_out_at <= as_of
