"""The rows of a query, one after the other, up to a limit. Pure."""

from collections.abc import Callable, Iterable, Iterator

from runbook.clients.athena_values import Value

Row = tuple[Value, ...]


class Rows(Iterator[Row]):
    """Rows to read once. `count` of them were given so far; after the last one `complete` says whether it was all."""

    def __init__(
        self,
        rows: Iterable[Row],
        most: int | None = None,
        *,
        counts: Callable[[Row], bool] = lambda _: True,
        complete: bool = True,
    ) -> None:
        """End before the row that is beyond `most`, of those that count; None is no limit.

        `complete` is false for rows of which some were left out before.
        """
        self._rows, self._most, self._counts = iter(rows), most, counts
        self._limited = 0
        self._waiting: list[Row] = []
        self.count, self.complete = 0, complete

    def __next__(self) -> Row:
        """Give the next row."""
        row = self._waiting.pop() if self._waiting else self._read()
        self.count += 1
        return row

    @property
    def first(self) -> Row | None:
        """The next row, which stays the next one; None if there is none."""
        if not self._waiting:
            try:
                self._waiting.append(self._read())
            except StopIteration:
                return None
        return self._waiting[0]

    def _read(self) -> Row:
        if not self.complete and self._most is not None:
            raise StopIteration
        row = next(self._rows)
        if self._most is not None:
            self._limited += self._counts(row)
            if self._limited > self._most:
                self.complete = False
                raise StopIteration
        return row
