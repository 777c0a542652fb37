"""An export has each line once and in order, whatever the flusher did while it was read."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from runbook.search.exported_lines import merged
from runbook.search.line_rows import Row
from runbook.search.unflushed import Waiting

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)
OBJECTS = [UUID(int=number) for number in range(3)]


def row(second: int, text: str, number: int = 1) -> Row:
    return Row((NOON + timedelta(seconds=second)).isoformat(), "a", "app", "web.1", text, str(number))


@given(
    st.lists(st.tuples(st.integers(0, 5), st.sampled_from([None, *OBJECTS])), max_size=12),
    st.lists(st.sampled_from(OBJECTS), unique=True),
    st.lists(st.integers(0, 5), max_size=6),
)
def test_each_line_is_given_once_and_in_order(
    waiting: list[tuple[int, UUID | None]], read: list[UUID], stored: list[int]
) -> None:
    """Of some objects Athena read the lines, perhaps with other numbers; of those the buffer's are left out."""
    buffered = [Waiting(row(second, f"buffer {at}"), name) for at, (second, name) in enumerate(waiting)]
    in_s3: list[tuple[Row, UUID | None]] = [(row(second, f"old {at}"), None) for at, second in enumerate(stored)]
    in_s3 += [(each.row._replace(seq="7"), each.object) for each in buffered if each.object in read]
    in_s3.sort(key=lambda each: each[0].position)
    found = list(merged(iter(in_s3), buffered))
    assert sorted(each.message for each, _ in found) == sorted(
        [each.message for each, _ in in_s3] + [each.row.message for each in buffered if each.object not in read]
    )
    assert [each.log_ts for each, _ in found] == sorted(each.log_ts for each, _ in found)
    assert sum(is_stored for _, is_stored in found) == len(in_s3)


def test_rows_are_read_when_they_are_needed() -> None:
    """A million lines are never in memory."""
    read = []

    def endless() -> Iterator[tuple[Row, UUID | None]]:
        for second in range(10_000):
            read.append(second)
            yield row(second, "x"), None

    lines = merged(endless(), [])
    next(lines)
    assert len(read) < 5
