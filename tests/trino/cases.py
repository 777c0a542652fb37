"""The saved queries, and the times at which they are asked, as parameters of tests."""

from datetime import UTC, datetime, timedelta

import pytest

from contract.saved_queries import SavedQuery, saved_queries

QUERIES = saved_queries()
BY_NAME = {query.name: query for query in QUERIES}
WINDOWS = {
    "the last 60 minutes": timedelta(minutes=60),
    "the last 10 minutes": timedelta(minutes=10),
    "the last 24 hours": timedelta(hours=24),
    "the last 7 days": timedelta(days=7),
}
# All within the traffic of conftest.py.
CLOCKS = {
    "ordinary-day": datetime(2026, 10, 14, 15, 30, 12, 345_000, tzinfo=UTC),
    "end-of-month": datetime(2026, 11, 30, 23, 59, 30, tzinfo=UTC),
    "just-behind-midnight": datetime(2026, 12, 1, 0, 0, 30, tzinfo=UTC),
    "new-years-day": datetime(2027, 1, 1, 0, 0, 30, tzinfo=UTC),
    "day-behind-new-year": datetime(2027, 1, 2, 9, 15, tzinfo=UTC),
    "leap-day": datetime(2028, 2, 29, 22, 10, tzinfo=UTC),
    "behind-a-leap-day": datetime(2028, 3, 1, 12, tzinfo=UTC),
}

each_query = pytest.mark.parametrize("query", QUERIES, ids=lambda query: query.name)
each_clock = pytest.mark.parametrize("now", CLOCKS.values(), ids=CLOCKS)
# Columns of times in UTC, without a zone.
TIMES = {"hour_utc", "since_utc", "last_error", "last_seen", "last_line"}
with_times = pytest.mark.parametrize(
    "query", [query for query in QUERIES if TIMES & set(query.columns)], ids=lambda query: query.name
)


def window(query: SavedQuery) -> timedelta:
    """How far back a query looks, as its header says."""
    return WINDOWS[query.window]
