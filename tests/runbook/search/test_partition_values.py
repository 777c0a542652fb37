"""A value that no partition has gets a word, and nothing else does."""

import pytest

from contract.saved_queries import SavedQuery, saved_queries
from runbook.search import partition_values

APPS = ("raxx-api-prod", "raxx-console-prod")


def noted(where: str) -> list[str]:
    """The comparisons that get a note."""
    return [
        note.partition(":")[0].removeprefix("no partition has ")
        for note in partition_values.notes(f"SELECT 1 FROM syslog WHERE {where}", APPS)
    ]


@pytest.mark.parametrize(
    ("where", "found"),
    [
        # Athena user guide, "Supported types for partition projection": digits.
        ("year = '2026' AND month='8' and day='5'", ["month = '8'", "day = '5'"]),
        ("year = '26'", ["year = '26'"]),
        ("year = '2025'", ["year = '2025'"]),
        ("month = '13'", ["month = '13'"]),
        ("day = '00'", ["day = '00'"]),
        ("day = ' 05'", ["day = ' 05'"]),
        ("day = ''", ["day = ''"]),
        ("app = 'raxx-api'", ["app = 'raxx-api'"]),
        ("app = 'it''s'", ["app = 'it's'"]),
        ("day IN ('05', '6','07')", ["day = '6'"]),
        ("day BETWEEN '1' AND '09'", ["day = '1'"]),
        ("day >= '5' AND day < '9'", ["day = '5'", "day = '9'"]),
        ("'5' = day", ["day = '5'"]),
        ("('5' = s.day)", ["day = '5'"]),
        ("(s.day = '5')", ["day = '5'"]),
        ("\"day\" = '5'", ["day = '5'"]),
        ('"raxx_heroku_logs"."syslog"."DAY" = \'5\'', ["day = '5'"]),
        ("DAY = '5'", ["day = '5'"]),
        ("day /* x */ = -- y\n '5'", ["day = '5'"]),
        ("day = '5' OR day = '5'", ["day = '5'"]),
    ],
)
def test_a_value_that_no_partition_has_is_noted(where: str, found: list[str]) -> None:
    assert noted(where) == found


@pytest.mark.parametrize(
    "where",
    [
        "year = '2026' AND month = '08' AND day = '05' AND app = 'raxx-api-prod'",
        "day BETWEEN '01' AND '31' AND month >= '00' AND year > '2025'",
        "message = 'day = ''5''' -- day = '5'\n /* day = '5' */",
        "message LIKE '%day=5%' AND app LIKE 'raxx-%'",
        "day <> '5' AND day != '5' AND day NOT IN ('5') AND month NOT BETWEEN '1' AND '2'",
        "day(from_iso8601_timestamp(log_ts)) = 5",
        "CAST(day AS integer) = 5 AND lpad('5', 2, '0') = day",
        "year || '-' || month = '2026-8'",
        "day = '0' || '5'",
        "'0' || '5' = day",
        "'5' = day(log_ts)",
        "log_ts > '2026' AND status = '5'",
        "now() - interval '5' day = x",
        "app_day = '5' AND x.day_of = '5'",
        "concat(year, month, day) = '20260805'",
        "day = '0",
        "day IN (",
        "day IN ('05'",
        "day",
        "day =",
        "day BETWEEN '01'",
    ],
)
def test_what_is_right_or_cannot_be_told_is_not_noted(where: str) -> None:
    assert noted(where) == []


def test_a_column_of_the_querys_own_is_not_the_partition_key() -> None:
    sql = "SELECT * FROM (SELECT substr(log_ts, 1, 10) AS day FROM syslog) WHERE day = '2026-11-24'"
    assert partition_values.notes(sql, APPS) == ()


@pytest.mark.parametrize(
    ("where", "note"),
    [
        ("day = '5'", "no partition has day = '5': write '05', with 2 digits"),
        ("month = '13'", "no partition has month = '13': the values are '01' to '12'"),
        ("app = 'x'", "no partition has app = 'x': the apps of the table are raxx-api-prod, raxx-console-prod"),
    ],
)
def test_a_note_says_which_values_there_are(where: str, note: str) -> None:
    assert partition_values.notes(f"SELECT 1 FROM syslog WHERE {where}", APPS) == (note,)


@pytest.mark.parametrize("query", saved_queries(), ids=lambda query: query.name)
def test_a_saved_query_gets_no_note(query: SavedQuery) -> None:
    assert partition_values.notes(query.sql, APPS) == ()
