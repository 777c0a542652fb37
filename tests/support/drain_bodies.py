"""Drain bodies to attack a reader with: bodies from the field, mutated, and frames put together from fragments."""

import re
from datetime import datetime
from random import Random
from typing import NamedTuple

from local.logplex.field_bodies import field_bodies
from tests.support.logplex_frames import NOON_MS, body, frames

# The reader's own keywords and formats, whole and in halves, so that they touch, repeat and overlap.
FRAGMENTS = [
    # Loss reports.
    *[b"Error L10 (output buffer overflow): ", b"Error L1", b"Error L12: ", b"Error L13: ", b"(", b"): "],
    *[b"7 messages dropped since ", b" messages lost since ", b"drain 'd.00000000' dropped "],
    # Headers.
    *[b"<172>1 ", b"<158>1 ", b"<0>1 ", b"<191>1 ", b"<192>1 ", b"<01>1 ", b"<43>1 ", b"<", b">1 ", b"-"],
    *[b"2026-11-24T12:00:00+00:00", b"2026-11-24T12:00:00.5Z", b"2026-11-24T11:59:59.999999-05:30"],
    *[b"0001-01-01T00:00:00Z", b"9999-12-31T23:59:59+14:00", b"2026-11-24T12:00:00+14:01"],
    *[b"2026-11-24T12:00:60Z", b"2026-02-30T12:00:00Z"],
    *[b" host heroku logplex - ", b" heroku token log-shuttle - - ", b" host heroku router - ", b" host app web.1 - "],
    # Messages.
    *[b" host logdrain quarantine bad-count - ", b'at=info method=GET path="/" status=200 ', b"code=H12 "],
    *[b"- ", b" - ", b" ", b"  ", b"\n", b"\r\n", b"\r", b"\x00", b"\x1b[31m", b"\t", b"\x7f"],
    *[b"\xff", b"\xe2\x82", b"\xac", "🚀".encode(), b"a" * 300],
    # Octet counts.
    *[b"0 ", b"1 ", b"9 ", b"007 ", b"120 ", b"99999 ", b"999999999 ", b"1234567890 ", b"5"],
]  # fmt: skip
_HEADERS = [
    b"<190>1 2026-11-24T12:00:00.000000+00:00 host app web.1 -",
    b"<158>1 2026-11-24T11:59:58.123456+00:00 host heroku router -",
    b"<172>1 2026-11-24T12:00:01+00:00 host heroku logplex -",
    b"<172>1 2026-11-24T12:00:02.000000+00:00 heroku token log-shuttle - -",
    b"<190>1 2026-11-23T23:59:59.999999+00:00 host app web.2 -",
    b"<190>1 2026-11-24T13:30:00+05:30 host app worker.1 -",
]
_TIME = re.compile(rb"20[12]\d-(?:0[1-9]|1[0-2])-(?:0[1-9]|1\d)T[01]\d:[0-5]\d:[0-5]\d(?!:)")
_HOUR_MS = 3_600_000
# After a time of the body: around the limits from which times are valid, and around midnight.
_ARRIVALS = [hours * _HOUR_MS for hours in (-2, -1, 0, 0, 0, 12, 24, 48, 49)]


class Post(NamedTuple):
    """A body with what else its reading depends on."""

    frame_id: str | None
    arrival_ms: int
    body: bytes


class Mutator:
    """An endless source of posts, the same for the same seed. What it gives is at most `LIMIT` bytes long."""

    LIMIT = 6_000

    def __init__(self, seed: int) -> None:
        self._random = Random(seed)
        self._bodies = [post.body[: self.LIMIT] for post in field_bodies()]

    def post(self) -> Post:
        random = self._random
        make = random.choice([self._mutated, self._reframed, self._assembled, self._noise])
        data = make()[: self.LIMIT]
        time_ms = NOON_MS
        if times := _TIME.findall(data):
            time_ms = int(datetime.fromisoformat(random.choice(times).decode() + "+00:00").timestamp() * 1000)
        arrival_ms = time_ms + random.choice(_ARRIVALS) + random.choice([-1, 0, 1, 59_999, 299_999, 300_000])
        return Post(random.choice([None, "a" * 32]), arrival_ms, data)

    def _mutated(self) -> bytes:
        """A body from the field, with a few of its bytes changed, removed, doubled or replaced by a fragment."""
        data = bytearray(self._random.choice(self._bodies))
        for _ in range(self._random.randrange(4)):
            begin = self._random.randrange(len(data) + 1)
            end = min(len(data), begin + self._random.choice([0, 1, 1, 3, 40]))
            data[begin:end] = self._random.choice([b"", bytes(data[begin:end]) * 2, self._fragment()])
        return bytes(data)

    def _reframed(self) -> bytes:
        """Messages of a body from the field, each perhaps changed, under counts that are right."""
        messages = [frame for frame in frames(self._random.choice(self._bodies)) if isinstance(frame, bytes)][:40]
        self._random.shuffle(messages)
        return self._separated([self._touched(message) for message in messages])

    def _assembled(self) -> bytes:
        """Frames of usual headers and fragments, loss reports among them and in front."""
        return self._separated(
            [
                self._touched(self._random.choice(_HEADERS) + b" " + b"".join(self._some_fragments()))
                for _ in range(self._random.randrange(12))
            ]
        )

    def _noise(self) -> bytes:
        return b"".join(self._some_fragments(20))

    def _separated(self, messages: list[bytes]) -> bytes:
        return b"".join(body(each) + self._random.choice([b"", b"", b"", b"\n", b"\r\n", b"\n\n"]) for each in messages)

    def _touched(self, message: bytes) -> bytes:
        """A message as it is, or with a fragment at its end, at its beginning, or in place of something in it."""
        at = self._random.choice([None, None, None, len(message), 0, self._random.randrange(len(message) + 1)])
        if at is None:
            return message + self._random.choice([b"", b"\n", b"\r\n"])
        return message[:at] + self._fragment() + message[at + self._random.choice([0, 0, 1, 5]) :]

    def _some_fragments(self, most: int = 8) -> list[bytes]:
        return self._random.choices(FRAGMENTS, k=self._random.randrange(1, most))

    def _fragment(self) -> bytes:
        return self._random.choice(FRAGMENTS)
