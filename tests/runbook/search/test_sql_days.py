"""The days that a query reads, by its literals."""

from datetime import date

import pytest

from runbook.search import sql_days

TODAY = date(2026, 11, 24)


@pytest.mark.parametrize(
    ("where", "first", "last", "count"),
    [
        ("year = '2026' AND month = '03' AND day = '05'", 5, 5, 1),
        ("year = '2026' AND month = '03' AND day IN ('05', '07')", 5, 7, 2),
        ("year IN ('2026') AND '03' = month", 1, 31, 31),
        ("year = '2026' AND month = '03' AND (day = '30' OR day = '31') AND app = 'x'", 30, 31, 2),
    ],
)
def test_days_are_told_by_literals(where: str, first: int, last: int, count: int) -> None:
    days = sql_days.days(f"SELECT 1 FROM syslog WHERE {where}", TODAY)
    assert (days[0], days[-1], len(days)) == (date(2026, 3, first), date(2026, 3, last), count)


def test_days_that_do_not_exist_or_are_not_yet_are_left_out() -> None:
    sql = "SELECT 1 FROM syslog WHERE year = '2026' AND month IN ('02', '11', '12') AND day IN ('01', '30')"
    assert sql_days.days(sql, TODAY) == (date(2026, 2, 1), date(2026, 11, 1))


@pytest.mark.parametrize(
    "where",
    [
        "1 = 1",
        "year = '2026'",
        "month = '03' AND day = '05'",
        "year = '2026' AND month = '03' AND day > '04'",
        "year = '2026' AND month IN ('03', '04')",
        "year = '2026' AND month = date_format(now(), '%m')",
    ],
)
def test_days_that_literals_do_not_tell_are_not_guessed(where: str) -> None:
    assert sql_days.days(f"SELECT 1 FROM syslog WHERE {where}", TODAY) == ()


def test_consecutive_days_are_one_window() -> None:
    windows = sql_days.windows([date(2026, 2, 28), date(2026, 3, 1), date(2026, 3, 5)])
    assert [[str(day) for day in window.days] for window in windows] == [["2026-02-28", "2026-03-01"], ["2026-03-05"]]
