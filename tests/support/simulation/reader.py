"""Reads each object as soon as it is written, as a query could."""

import re
import zlib
from collections import Counter

from contract.object_keys import ObjectKey
from tests.support.simulation.world import Violation, World

_NUMBER = re.compile(rb' \[meta sequenceId="(\d+)"\] ')


class Reader:
    """Knows every line that is stored, by the unique word that ends it. `dated` are those that lie under their time."""

    def __init__(self, world: World) -> None:
        self._world = world
        self.object_of: dict[bytes, str] = {}
        self.dated: set[bytes] = set()

    def read(self, key: str, data: bytes, of_slot: bool) -> None:
        """Read an object; Violation if it should not be as it is."""
        parsed = ObjectKey.parse(key)
        text = zlib.decompress(data, 31)
        if not text.endswith(b"\n"):
            raise Violation("format", f"{key} does not end with LF")
        of_time: Counter[bytes] = Counter()
        latest, day = b"", f"{parsed.day}".encode()
        lines = text[:-1].split(b"\n")
        for line in lines:
            word, time = line.rpartition(b" ")[2], line.split(b" ", 2)[1]
            self._place(word, key)
            # Lines of one time are numbered over all objects of a slot.
            numbered = _NUMBER.search(line)
            number = int(numbered[1]) if numbered else 1
            if number <= of_time[time]:
                raise Violation("number", f"{line!r} comes after number {of_time[time]} of its time in {key}")
            of_time[time] = number
            if word in self.dated:
                if of_slot and time < latest:
                    raise Violation("order", f"{line!r} is behind {latest!r} in {key}")
                if not time.startswith(day):
                    raise Violation("day", f"{line!r} is in {key}")
                latest = time
        self._world.totals["objects"] += 1
        self._world.totals["lines stored"] += len(lines)

    def _place(self, word: bytes, key: str) -> None:
        if word in self.object_of:
            raise Violation("twice", f"{word!r} is in {self.object_of[word]} and in {key}")
        self.object_of[word] = key
