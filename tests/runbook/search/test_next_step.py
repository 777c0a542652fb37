"""The command that a query names as the next: for a shell, from values that somebody else may have written."""

import shlex
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contract.saved_queries import SavedQuery, saved_queries
from runbook.clients.athena import Column, Stream
from runbook.clients.athena_rows import Rows
from runbook.clients.athena_values import Value
from runbook.search import next_step
from runbook.search.query_options import QueryOptions
from runbook.session import Session
from runbook.terminal import times

NOW = datetime(2026, 11, 24, 5, tzinfo=UTC)
QUERIES = {query.name: query for query in saved_queries()}
BY_IP, SINCE, SUMMARY, SLOW = (
    QUERIES[name] for name in ("security-by-ip", "errors-since", "summary", "latency-outliers")
)
HOSTILE = ("$(reboot)", "`reboot`", "a'; reboot; '", 'a"b', "a b", "a\\", "{fwd_ip}", "*", "~", "!!", "a&b|c>d", "")


def result(*rows: dict[str, Value]) -> Stream:
    columns = tuple(Column(name, "varchar") for name in rows[0]) if rows else ()
    return Stream("id", columns, 0, 0, "", Rows(tuple(row.values()) for row in rows))


def command(
    saved: SavedQuery,
    *rows: dict[str, Value],
    session: Session | None = None,
    options: QueryOptions | None = None,
) -> str | None:
    return next_step.command(session or Session(), saved, result(*rows), options or QueryOptions(), NOW)


@pytest.mark.parametrize("value", HOSTILE)
def test_a_shell_reads_a_value_as_one_word(value: str) -> None:
    written = command(BY_IP, {"fwd_ip": value})
    assert written is not None
    assert shlex.split(written) == ["hla", "lines", "--match", value, "--last", "24h"]


@given(st.text(max_size=30))
def test_a_value_is_one_unchanged_word_or_there_is_no_command(value: str) -> None:
    written = command(BY_IP, {"fwd_ip": value})
    assert written is None or shlex.split(written)[3] == value
    assert written is None or len(written.splitlines()) == 1


@pytest.mark.parametrize("value", ["a\x1b[31mb", "a\nreboot", "a\rb", "a\x00b", "\x9b31m", "a\u2028b", "\u202egpj.exe"])
def test_a_value_that_controls_the_terminal_makes_no_command(value: str) -> None:
    assert command(BY_IP, {"fwd_ip": value}) is None


def test_null_in_the_first_row_makes_no_command() -> None:
    """The row below it is not taken instead: the command would be about another row than the first."""
    assert command(SLOW, {"request_id": None}, {"request_id": "a-request-id-of-the-second-row"}) is None


def test_no_row_and_no_next_query_make_no_command() -> None:
    assert command(SUMMARY) is None
    assert command(replace(SUMMARY, next=None), {"app": "an-app"}) is None


def test_the_first_row_is_meant() -> None:
    assert command(SUMMARY, {"app": "first-app"}, {"app": "second-app"}) == "hla query errors-since --app first-app"


def test_a_time_is_written_as_options_read_it() -> None:
    time = datetime(2026, 11, 24, 4, 55)  # noqa: DTZ001  results have naive times in UTC
    written = command(SINCE, {"app": "an-app", "since_utc": time})
    assert written == "hla query around --app an-app --around 2026-11-24T04:55:00Z"
    assert times.instant(shlex.split(written)[-1]) == time.replace(tzinfo=UTC)


def test_the_command_is_for_the_same_stack_and_identity() -> None:
    session = Session(prefix="/two words", assume=True, profile="ops", region="eu-west-1")
    written = command(SUMMARY, {"app": "an-app"}, session=session)
    assert written
    assert shlex.split(written)[:8] == [
        "hla", "--prefix", "/two words", "--region", "eu-west-1", "--profile", "ops", "--assume"
    ]  # fmt: skip


def test_the_apps_and_the_window_are_kept() -> None:
    row: dict[str, Value] = {"fwd_ip": "192.0.2.1"}
    chosen = QueryOptions(apps=("one-app", "two-app"), since="2026-11-01", until="2026-11-02")
    written = command(BY_IP, row, options=chosen)
    assert written == "hla lines --match 192.0.2.1 --app one-app --app two-app --from 2026-11-01 --to 2026-11-02"


def test_a_window_that_the_command_or_its_row_sets_is_not_given_twice() -> None:
    row: dict[str, Value] = {"app": "an-app", "since_utc": "2026-11-24T04:55Z"}
    written = command(SINCE, row, options=QueryOptions(apps=("other-app",), last="2h"))
    assert written == "hla query around --app an-app --around 2026-11-24T04:55Z"


@pytest.mark.parametrize("saved", QUERIES.values(), ids=QUERIES)
def test_each_query_has_a_window_of_its_own_that_last_takes(saved: SavedQuery) -> None:
    assert times.duration(next_step.own_window(saved))


def test_a_window_from_options_is_not_the_querys_own() -> None:
    with pytest.raises(ValueError, match="errors-since has no window of its own"):
        next_step.own_window(replace(SINCE, window="2026-11-24T04:00:00Z to 2026-11-24T05:00:00Z"))
