"""Slots: spans of a few minutes, by whose beginning batches are kept in the buffer and flushed together."""

from datetime import UTC, datetime
from typing import NamedTuple, Self

DEFAULT_MINUTES = 5
# A divisor of 60, so that the slots of an hour begin at its first minute.
LENGTHS = tuple(minutes for minutes in range(1, 61) if 60 % minutes == 0)
_MINUTE_MS = 60_000
_FORMAT = "%Y-%m-%dT%H:%MZ"


class Slot(NamedTuple):
    """A span of so many minutes; `begin_ms` is its beginning, in milliseconds since 1970."""

    begin_ms: int
    minutes: int

    @classmethod
    def of(cls, epoch_ms: int, minutes: int) -> Self:
        """Give the slot of a time: the time rounded down to the length, UTC."""
        length_ms = minutes * _MINUTE_MS
        return cls(epoch_ms // length_ms * length_ms, minutes)

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read a slot back; ValueError for text that `str` did not give."""
        begin, _, minutes = text.partition("/")
        time = datetime.strptime(begin, _FORMAT).replace(tzinfo=UTC)
        return cls(int(time.timestamp()) * 1000, int(minutes))

    def __str__(self) -> str:
        """Its beginning and its length: slots of another length, from before `flushMinutes` changed, stay apart."""
        begin = datetime.fromtimestamp(self.begin_ms // 1000, UTC)
        return f"{begin:{_FORMAT}}/{self.minutes:02}"

    @property
    def end_ms(self) -> int:
        """The first millisecond after it."""
        return self.begin_ms + self.minutes * _MINUTE_MS

    @property
    def before(self) -> Self:
        """The slot before it."""
        return self._replace(begin_ms=self.begin_ms - self.minutes * _MINUTE_MS)

    @property
    def after(self) -> Self:
        """The slot after it."""
        return self._replace(begin_ms=self.end_ms)
