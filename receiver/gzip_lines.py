"""Writes lines into the gzip bytes of an object."""

import zlib
from datetime import timedelta

from contract.stored_line import Record, escape_lines, one_line, slices, structured_data

# docs/performance.md has the times, the sizes and the costs of the levels.
LEVEL = 6
_GZIP_MEMBER = 16 + zlib.MAX_WBITS
_BLOCK_BYTES = 1 << 16


class GzipLines:
    """One gzip member, of lines that are ended by LF; lines with equal times are numbered (`structured_data`).

    `numbers` has how many lines of each time were written before. Several objects can count on with the same one.
    """

    def __init__(self, numbers: dict[timedelta, int]) -> None:
        self.newest, self.count = timedelta(0), 0
        self._numbers = numbers
        # No time in the header: equal lines give equal objects.
        self._compressor = zlib.compressobj(LEVEL, zlib.DEFLATED, _GZIP_MEMBER)
        self._data: list[bytes] = []
        self._block = bytearray()

    def add(self, record: Record, time: timedelta) -> None:
        """Write a line that lies under a time."""
        self.count += 1
        if time > self.newest:
            self.newest = time
        # Not a Counter, which calls Python code for each new time.
        number = self._numbers[record.time] = self._numbers.get(record.time, 0) + 1
        self._block += record.header + structured_data(number)
        for text in slices(record.message):
            self._block += one_line(text)
            if len(self._block) >= _BLOCK_BYTES:
                self._compress()
        self._block += b"\n"

    def finish(self) -> bytes:
        """Give all bytes of the object."""
        self._compress()
        self._data.append(self._compressor.flush())
        return b"".join(self._data)

    def _compress(self) -> None:
        self._data.append(self._compressor.compress(escape_lines(bytes(self._block))))
        self._block.clear()
