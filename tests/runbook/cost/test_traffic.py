"""Traffic: what CloudWatch measured is taken as it is, and the rest is estimated from what is known."""

from datetime import UTC, date, datetime

import pytest

from runbook.cost import traffic
from runbook.cost.usage import Day

NOW = datetime(2026, 11, 24, 6, 0, tzinfo=UTC)
TODAY = NOW.date()
YESTERDAY = date(2026, 11, 23)
# 235,721 bytes of bodies make an object of 45,020 bytes (runbook/cost/sizes.py): 1,003 lines.
STORED = Day(objects=10, bytes=450_200, app_slots=10)


def yesterday(found: traffic.Found) -> Day:
    return traffic.completed({YESTERDAY: STORED}, found, NOW, 3, 5)[YESTERDAY]


def test_what_is_measured_is_not_estimated() -> None:
    values = {name: 100.0 + number for number, name in enumerate(traffic.MEASURED)}
    day = yesterday({YESTERDAY: values})
    assert {name: getattr(day, name) for name in traffic.MEASURED} == values
    assert (day.objects, day.bytes) == (10, 450_200)


def test_without_any_metric_lines_are_guessed_from_the_objects() -> None:
    day = yesterday({})
    assert day.lines == pytest.approx(10 * 235_721 / 235)
    assert day.batches == pytest.approx(day.lines / 5)
    assert day.posts == day.batches + day.canaries
    assert day.receiver_ms == pytest.approx(day.posts * 15)
    assert day.write_units > day.batches
    assert traffic.known({}) == frozenset()


def test_a_day_without_a_value_of_a_known_metric_has_none_of_it() -> None:
    """AWS publishes no zeros."""
    assert yesterday({TODAY: {"posts": 7.0}}).posts == 0


def test_lines_without_posts_came_to_a_receiver_outside_lambda() -> None:
    """They cost no request to the API and no time of a function."""
    day = yesterday({YESTERDAY: {"lines": 200.0}})
    assert (day.posts, day.receiver_ms, day.batches, day.body_bytes) == (0, 0, 40, 47_000)
    assert {"posts", "receiver_ms"} <= traffic.known({YESTERDAY: {"lines": 200.0}})


def test_of_the_posts_288_are_canaries_and_the_others_the_apps_batches() -> None:
    """Of three apps, every 15 minutes."""
    day = yesterday({YESTERDAY: {"posts": 338.0}})
    assert (day.canaries, day.batches) == (288, 50)
    assert yesterday({YESTERDAY: {"posts": 3.0}}).batches == 0, "a day on which the stack began"


def test_only_the_two_months_of_the_bill_are_completed() -> None:
    old = date(2026, 9, 30)
    days = traffic.completed({old: STORED}, {}, NOW, 3, 5)
    assert days[old] == STORED
    assert min(day for day in days if day != old) == date(2026, 10, 1)
    assert max(days) == TODAY


def test_the_flusher_also_runs_on_days_without_an_object_and_a_quarter_of_today() -> None:
    days = traffic.completed({date(2026, 11, 22): STORED}, {}, NOW, 3, 5)
    assert days[YESTERDAY].flusher_ms == 1440 * 300
    assert days[TODAY].flusher_ms == 360 * 300
    noted = 3 * 72
    assert days[TODAY].canaries == 72
    # An item each, when it was seen, and its id, 16 bytes, twice in a record.
    assert days[TODAY].write_units == pytest.approx(noted + 72 * (1 + 1 + 2 * 16 / 1024), rel=0.01)
    assert days[TODAY].read_units == pytest.approx(360 * 5 + noted + 72 * (1 + 3 * 345 / 4096), rel=0.01)
