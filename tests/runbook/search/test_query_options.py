"""The options of `query`: which go together, what they ask for, and that a command with them asks for the same."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from contract.saved_queries import saved_queries
from contract.window import Window, timestamp_literal
from runbook.errors import RunbookError
from runbook.search.query_options import QueryOptions

NOW = datetime(2026, 11, 24, 5, tzinfo=UTC)
QUERIES = {query.name: query for query in saved_queries()}
HOSTILE = "x' OR 1=1 --"


def test_without_options_a_query_is_as_it_stands() -> None:
    options = QueryOptions()
    assert options.window(NOW) is None
    assert options.moment(NOW) == NOW
    assert options.words() == options.kept(("window", "trusted_hops", "long_lived"), NOW) == []
    assert options.fill_in(QUERIES["summary"], NOW) == QUERIES["summary"]


def test_around_is_a_window_with_its_moment_in_the_middle() -> None:
    options = QueryOptions(around="2026-11-24T03:00", minutes=10)
    middle = datetime(2026, 11, 24, 3, tzinfo=UTC)
    ten = timedelta(minutes=10)
    assert options.window(NOW) == Window(middle - ten, middle + ten)
    assert options.moment(NOW) == middle
    assert f"SELECT {timestamp_literal(middle)} AS moment" in options.fill_in(QUERIES["around"], NOW).sql


def test_the_moment_of_another_window_is_its_end() -> None:
    assert QueryOptions(last="2h").moment(NOW) == NOW
    until = datetime(2026, 11, 20, tzinfo=UTC)
    assert QueryOptions(since="2026-11-19", until="2026-11-20").moment(NOW) == until


@pytest.mark.parametrize(
    ("query", "options", "message"),
    [
        ("around", {"minutes": 5}, "--minutes needs --around"),
        ("around", {"around": "2026-11-24", "last": "1h"}, "remove --last"),
        ("around", {"around": "2026-11-24", "until": "2026-11-25"}, "remove --last, --from and --to"),
        ("around", {"around": "noon"}, "invalid time 'noon'"),
        ("request", {}, "request needs --request-id"),
        ("request", {"request_id": HOSTILE}, "invalid request id"),
        ("summary", {"apps": (HOSTILE,)}, "invalid app"),
        ("summary", {"limit": 5}, "summary has no parameter limit"),
        ("deploys", {"limit": 0}, "invalid limit 0"),
        ("errors-by-surface", {"every": HOSTILE}, "write 1m, 5m, 1h"),
        ("security-by-ip", {"trusted_hops": 10}, "write a number from 0 to 9"),
    ],
)
def test_options_that_are_wrong_are_one_line_that_says_what_to_do(
    query: str, options: Mapping[str, Any], message: str
) -> None:
    with pytest.raises(RunbookError) as failed:
        QueryOptions(**options).fill_in(QUERIES[query], NOW)
    assert message in str(failed.value)
    assert len(str(failed.value).splitlines()) == 1


ALL = QueryOptions(
    apps=("one-app", "two-app"),
    since="2026-11-24T01:00",
    until="2026-11-24T02:00",
    request_id="0f3d5bd2-5d0f-4a7e-9e4c-3a3c4b1f6a77",
    trusted_hops=0,
    long_lived=True,
    every="5m",
    limit=7,
)


def test_every_option_that_was_given_is_written_once() -> None:
    """Also the 0, which is not the same as none."""
    assert ALL.words() == [
        "--app", "one-app", "--app", "two-app", "--from", "2026-11-24T01:00", "--to", "2026-11-24T02:00",
        "--request-id", "0f3d5bd2-5d0f-4a7e-9e4c-3a3c4b1f6a77", "--trusted-hops", "0", "--long-lived",
        "--every", "5m", "--limit", "7",
    ]  # fmt: skip
    assert QueryOptions(around="2026-11-24", minutes=3).words() == ["--around", "2026-11-24", "--minutes", "3"]


def test_another_limit_changes_nothing_else() -> None:
    assert ALL.with_limit(70).words() == [*ALL.words()[:-1], "70"]


def test_another_query_keeps_apps_window_and_the_filters_that_it_has() -> None:
    scope = ["--app", "one-app", "--app", "two-app", "--from", "2026-11-24T01:00", "--to", "2026-11-24T02:00"]
    assert ALL.kept((), NOW) == scope
    assert ALL.kept(("trusted_hops",), NOW) == [*scope, "--trusted-hops", "0"]
    assert ALL.kept(("long_lived",), NOW) == [*scope, "--long-lived"]


def test_a_window_around_a_time_is_kept_in_absolute_times() -> None:
    """Not every query has --around."""
    kept = QueryOptions(around="2026-11-24T03:00", minutes=10).kept((), NOW)
    assert kept == ["--from", "2026-11-24T02:50:00Z", "--to", "2026-11-24T03:10:00Z"]
