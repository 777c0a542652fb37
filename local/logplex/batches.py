"""The batches in which Logplex sends the lines of an app."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import exp, log
from random import Random

from local.traffic.lines import Line, frame

# Logplex adds messages until a body has reached this many bytes, so the last one may exceed it.
TARGET_BYTES = 102_400

# Logplex does not wait for a batch to fill: it sends the lines of a quiet app almost one by one. Here they can wait
# this long, so that a week is not thousands of POSTs. The receiver accepts lines of this age.
LONGEST = timedelta(hours=1)

# Sigma of the logarithm of a batch's lines: half of all batches have less than a third of the mean, and one in fifty
# would exceed the target at the default mean.
_SPREAD = 1.5


@dataclass(frozen=True, slots=True)
class Batch:
    """The body of a POST to the drain of `app`, with `lines` as its Logplex-Msg-Count.

    `frame_id` is the Logplex-Frame-Id, 32 upper-case hexadecimal digits; None omits the header, as Private Spaces do.
    `arrival` is the simulated time of arrival, aware UTC; None means when it is sent.
    """

    app: str
    body: bytes
    lines: int
    frame_id: str | None
    arrival: datetime | None = None


def batches(
    lines: Sequence[Line], seed: int = 2026, mean_lines: float = 60, longest: timedelta = LONGEST
) -> list[Batch]:
    """Cut the lines of one app, sorted by time, into batches that arrive some milliseconds after their last line.

    Many batches have few lines and some reach TARGET_BYTES. `mean_lines` is the mean if few batches reach it. No
    line waits longer than `longest` for its batch. Equal arguments make equal batches. ValueError for lines of several
    apps, or a mean below 1.
    """
    apps = {line.app for line in lines}
    if len(apps) > 1:
        raise ValueError(f"these are lines of {', '.join(sorted(apps))}: a drain has one app, so give the lines of one")
    if mean_lines < 1:
        raise ValueError(f"mean_lines is {mean_lines}: a batch has at least one line, so give 1 or more")
    rng = Random(f"{seed} {''.join(apps)}")  # noqa: S311  not used for secrets
    return list(_cut(lines, rng, mean_lines, longest))


def _cut(lines: Sequence[Line], rng: Random, mean_lines: float, longest: timedelta) -> Iterator[Batch]:
    body = bytearray()
    first, size = 0, _size(rng, mean_lines)
    for end, line in enumerate(lines, start=1):
        body += frame(line)
        last = end == len(lines) or lines[end].time - lines[first].time > longest
        if last or end - first >= size or len(body) >= TARGET_BYTES:
            arrival = line.time + timedelta(milliseconds=rng.randint(5, 400))
            yield Batch(line.app, bytes(body), end - first, f"{rng.getrandbits(128):032X}", arrival)
            body.clear()
            first, size = end, _size(rng, mean_lines)


def _size(rng: Random, mean_lines: float) -> int:
    median = exp(log(mean_lines) - _SPREAD**2 / 2)
    return max(1, round(rng.lognormvariate(log(median), _SPREAD)))
