"""Where a list ends: no row is lost or counted in silence, and the way to more is named."""

import shlex
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from contract.saved_queries import MOST_ROWS, SavedQuery, saved_queries
from runbook.clients.athena import Column, Stream
from runbook.clients.athena_rows import Rows
from runbook.search import query_limit
from runbook.search.query_options import QueryOptions
from runbook.search.result_output import Format
from runbook.session import Session

MOMENT = datetime(2026, 11, 24, 5, tzinfo=UTC)
QUERIES = {query.name: query for query in saved_queries()}
AROUND, DEPLOYS, SUMMARY, SLOW = (QUERIES[name] for name in ("around", "recent-deploys", "summary", "latency-outliers"))


def stream(column: str, values: Sequence[str]) -> Stream:
    return Stream("id", (Column(column, "varchar"),), 0, 0, "", Rows((value,) for value in values))


def values(found: Stream) -> list[object]:
    return [value for [value] in found.rows]


def around(*seconds: float) -> tuple[tuple[float, ...], bool]:
    """Cut lines at these seconds from the moment, for a limit of 2; give those that stay, and whether all do."""
    times = [(MOMENT + timedelta(seconds=each)).isoformat() for each in seconds]
    cut = query_limit.cut(replace(AROUND, limit=2), stream("log_ts", times), MOMENT)
    kept = [datetime.fromisoformat(str(time)) - MOMENT for time in values(cut)]
    return tuple(each.total_seconds() for each in kept), cut.complete


@pytest.mark.parametrize(
    ("seconds", "kept"),
    [
        pytest.param((-9, -1, 2), (-1, 2), id="the first is the farthest"),
        pytest.param((-1, 2, 9), (-1, 2), id="the last is the farthest"),
        pytest.param((-9, -8, -7), (-8, -7), id="all before"),
        pytest.param((7, 8, 9), (7, 8), id="all after"),
    ],
)
def test_of_the_lines_around_a_moment_the_farthest_is_the_one_too_many(
    seconds: tuple[float, ...], kept: tuple[float, ...]
) -> None:
    assert around(*seconds) == (kept, False)


def test_as_many_lines_as_the_limit_are_whole() -> None:
    assert around(-9, 9) == ((-9, 9), True)
    assert around() == ((), True)


def test_a_list_ends_at_its_limit_and_says_so() -> None:
    saved = replace(SLOW, limit=2)
    whole, cut = (query_limit.cut(saved, stream("request_id", ids), MOMENT) for ids in ("ab", "abc"))
    assert (values(whole), whole.complete) == (["a", "b"], True)
    assert (values(cut), cut.complete) == (["a", "b"], False)


def test_a_query_without_a_limit_is_never_cut() -> None:
    found = query_limit.cut(SUMMARY, stream("app", ["an-app"] * 300), MOMENT)
    assert (len(values(found)), found.complete) == (300, True)
    assert query_limit.note(Session(), SUMMARY, QueryOptions(), Format()) == ""


def test_only_restarts_count_for_the_limit_of_recent_deploys() -> None:
    saved = replace(DEPLOYS, limit=1)
    deploys = query_limit.cut(saved, stream("proc_id", ["api", "api", "api", "web"]), MOMENT)
    assert (values(deploys), deploys.complete) == (["api", "api", "api", "web"], True)
    restarts = query_limit.cut(saved, stream("proc_id", ["api", "api", "web", "worker"]), MOMENT)
    assert (values(restarts), restarts.complete) == (["api", "api", "web"], False)


@pytest.mark.parametrize("saved", [SLOW, AROUND, DEPLOYS], ids=lambda saved: saved.name)
def test_the_note_says_how_many_rows_there_are_and_the_command_for_more(saved: SavedQuery) -> None:
    options = QueryOptions(apps=("an-app",), last="2h")
    note = query_limit.note(Session(prefix="/other"), saved, options, Format(as_csv=True))
    assert f"{saved.limit:,}" in note
    command = note.split("`")[1]
    assert shlex.split(command) == [
        "hla", "--prefix", "/other", "query", saved.name, "--app", "an-app", "--last", "2h",
        "--limit", str(10 * (saved.limit or 0)),
    ]  # fmt: skip


def test_the_command_for_more_asks_for_no_more_than_is_allowed() -> None:
    note = query_limit.note(Session(), replace(SLOW, limit=MOST_ROWS // 2), QueryOptions(), Format(as_csv=True))
    assert note.endswith(f"--limit {MOST_ROWS}`")
    note = query_limit.note(Session(), replace(SLOW, limit=MOST_ROWS), QueryOptions(), Format())
    assert "choose a shorter window" in note
    assert "`" not in note


def test_an_option_in_the_note_cannot_control_the_terminal() -> None:
    note = query_limit.note(Session(profile="\x1b[31m; reboot"), SLOW, QueryOptions(), Format())
    assert note.isprintable()
