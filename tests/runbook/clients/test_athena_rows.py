"""Rows end at a limit, and say whether that left any out."""

import pytest

from runbook.clients.athena_rows import Row, Rows

LETTERS: list[Row] = [("a",), ("b",), ("c",)]


@pytest.mark.parametrize(
    ("most", "count", "complete"), [(None, 3, True), (4, 3, True), (3, 3, True), (2, 2, False), (0, 0, False)]
)
def test_a_limit_that_is_just_reached_leaves_nothing_out(most: int | None, count: int, complete: bool) -> None:
    rows = Rows(LETTERS, most)
    assert list(rows) == LETTERS[:count]
    assert (rows.count, rows.complete) == (count, complete)
    assert list(rows) == []


def test_only_rows_that_count_reach_the_limit() -> None:
    rows = Rows(LETTERS, 1, counts=lambda row: row != ("a",))
    assert list(rows) == LETTERS[:2]
    assert not rows.complete


def test_the_first_row_can_be_looked_at_before_it_is_read() -> None:
    rows = Rows(LETTERS)
    assert (rows.first, rows.first, rows.count) == (("a",), ("a",), 0)
    assert list(rows) == LETTERS
    assert rows.first is None


def test_rows_of_which_some_are_gone_are_not_complete() -> None:
    rows = Rows(LETTERS, complete=False)
    assert (len(list(rows)), rows.complete) == (3, False)
