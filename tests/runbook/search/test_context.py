"""Lines around a hit are those that grep would show, in S3 or not."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from runbook.search import context
from runbook.search.context import Candidate
from runbook.search.cut import Cut
from runbook.search.line_rows import Row

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)


def row(second: int, app: str = "a") -> Row:
    return Row((NOON + timedelta(seconds=second)).isoformat(), app, "app", "web.1", str(second), "")


def read(lines: list[bool], before: int, after: int) -> list[Candidate]:
    """What the SQL of lines with context gives of an app, oldest first: True is a hit."""
    hits = [at for at, hit in enumerate(lines) if hit]
    return [
        Candidate(row(at), hit, len(lines) - at)
        for at, hit in enumerate(lines)
        if any(-before <= at - other <= after for other in hits) or at >= len(lines) - max(before, 1)
    ]


def shown(blocks: list[context.Block]) -> list[list[int]]:
    return [[int(line.row.message) for line in block.lines] for block in blocks]


def grep(lines: list[bool], before: int, after: int) -> list[list[int]]:
    blocks: list[list[int]] = []
    for at in range(len(lines)):
        if any(lines[max(0, at - after) : at + before + 1]):
            if blocks and blocks[-1][-1] == at - 1:
                blocks[-1].append(at)
            else:
                blocks.append([at])
    return blocks


@given(st.lists(st.booleans(), max_size=20), st.integers(0, 3), st.integers(0, 3))
def test_it_is_what_grep_shows(lines: list[bool], before: int, after: int) -> None:
    assert shown(context.blocks(read(lines, before, after), Cut(100), before, after)) == grep(lines, before, after)


@given(st.lists(st.booleans(), max_size=15), st.lists(st.booleans(), max_size=5), st.integers(0, 3), st.integers(0, 3))
def test_it_is_so_where_the_newest_are_in_the_buffer(
    stored: list[bool], waiting: list[bool], before: int, after: int
) -> None:
    buffered = [Candidate(row(len(stored) + at), hit, None) for at, hit in enumerate(waiting)]
    found = context.blocks([*read(stored, before, after), *buffered], Cut(100), before, after)
    assert shown(found) == grep([*stored, *waiting], before, after)
    assert not context.reaches_behind([*read(stored, before, after), *buffered])


def test_a_hit_behind_what_is_stored_may_lack_lines() -> None:
    late = Candidate(row(1), hit=True, number=None)
    assert context.reaches_behind([Candidate(row(2), hit=False, number=1), late])
    assert not context.reaches_behind([Candidate(row(2, "b"), hit=False, number=1), late])


def test_lines_of_other_apps_are_not_between() -> None:
    lines = [Candidate(row(at, app), at == 2, 9 - at) for at in range(1, 4) for app in ("a", "b")]
    found = context.blocks([line for line in lines if line.row.app == "a" or line.row.message == "2"], Cut(9), 1, 1)
    assert [(block.lines[0].row.app, len(block.lines)) for block in found] == [("a", 3), ("b", 1)]


def test_a_cut_counts_hits() -> None:
    assert shown(context.blocks(read([True] * 5, 1, 0), Cut(1), 1, 0)) == [[3, 4]]
    assert shown(context.blocks(read([True] * 5, 0, 1), Cut(1, oldest=True), 0, 1)) == [[0, 1]]
    nearest = Cut(1, moment=NOON + timedelta(seconds=2))
    assert shown(context.blocks(read([True] * 5, 0, 0), nearest, 0, 0)) == [[2]]
