"""Score what was stated five, fifteen and thirty minutes ago, now that it has come true or not.

A forecast made at T − h of a (product, warehouse) with stock came true if it was out of stock at any time of
``[T − h, T)``.  ``forecast_scores`` holds the sums of each minute T, keyed by its end, replaced as a whole.
"""

from datetime import datetime

import numpy as np
from pymongo.database import Database

from flashsale.calibration import HORIZONS
from flashsale.forecast_scores import COURSE_HORIZON, COURSE_MINUTES, ForecastQuality, ScoreSums
from flashsale.minutes import MINUTE, minutes_between
from flashsale.schema import FORECAST_SCORES
from flashsale.stores.mongo import Document
from spark_jobs.carried_state import CarriedState
from spark_jobs.minute_store import MinuteStore
from spark_jobs.pair_columns import int_column, pair_key

CATCH_UP_MINUTES = 30
"""How far back a run scores minutes that no run has scored, as after an outage."""


def score_forecasts(database: Database[Document], store: MinuteStore, end: datetime) -> ForecastQuality:
    """Score the minute that ends at `end`, and earlier ones that were missed; the sale's figures so far.

    A minute already scored is scored again only if it is `end`: late facts may have changed it.
    """
    scores = database[FORECAST_SCORES]
    since = end - CATCH_UP_MINUTES * MINUTE
    done = {document["_id"] for document in scores.find({"_id": {"$gt": since, "$lt": end}}, {"_id": 1})}
    states = store.state_metas(since - max(HORIZONS) * MINUTE, end)
    for minute_end in minutes_between(since + MINUTE, end + MINUTE):
        if minute_end in states and minute_end not in done:
            now = store.load_state(minute_end)
            known = [horizon for horizon in HORIZONS if minute_end - horizon * MINUTE in states]
            sums = {h: came_true(store.load_state(minute_end - h * MINUTE), now, h) for h in known}
            scores.replace_one({"_id": minute_end}, {"horizons": _stored(sums)}, upsert=True)
    return _quality(list(scores.find({"_id": {"$lte": end}}).sort("_id", 1)))


def came_true(stated: CarriedState, now: CarriedState, horizon: int) -> ScoreSums:
    """Sums over the pairs that had stock when `stated`, `horizon` minutes before `now`."""
    pairs = stated.pairs
    key = pair_key(int_column(pairs, "product_id"), int_column(pairs, "warehouse_id"))
    p = pairs[f"p{horizon}"].fill_null(np.nan).to_numpy()
    eta = pairs["eta_minutes"].fill_null(np.inf).to_numpy()
    # Sold out is an ETA of 0; who had stock has a later one, or none.
    stocked = ~np.isnan(p) & (eta > 0)
    sold_out = now.in_stock_minutes(key) < horizon
    return ScoreSums.of(p[stocked], eta[stocked] <= horizon, sold_out[stocked])


def _stored(sums: dict[int, ScoreSums]) -> Document:
    return {str(h): {"sums": part.sums.tolist(), "tenths": part.tenths.tolist()} for h, part in sums.items()}


def _quality(documents: list[Document]) -> ForecastQuality:
    def sums(document: Document, horizon: int) -> list[ScoreSums]:
        part = document["horizons"].get(str(horizon))
        return [ScoreSums(np.array(part["sums"]), np.array(part["tenths"]))] if part else []

    last = documents[-COURSE_MINUTES:]
    return {
        "minutes": len(documents),
        "horizons": [ScoreSums.total(s for d in documents for s in sums(d, h)).quality(h) for h in HORIZONS],
        "course": [part.scored_minute(document["_id"]) for document in last for part in sums(document, COURSE_HORIZON)],
    }
