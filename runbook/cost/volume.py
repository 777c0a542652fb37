"""A volume of logs, from which everything that a month costs follows. Pure.

Lines per second and lines per POST are given; POSTs, objects and bytes are computed. Numbers that cannot go together,
such as few objects for many POSTs before there was a buffer, cannot be given.
"""

import math
from dataclasses import dataclass
from typing import Self

from contract.alarms import Watched
from contract.slots import DEFAULT_MINUTES
from runbook import prices
from runbook.cost import sizes, traffic, usage
from runbook.cost.usage import NO_WATCH, Day, Retention, Usage, Watch

_DAY_S = 24 * 3600
_LONGEST_PACED = 20


@dataclass(frozen=True)
class Volume:
    """What all apps log. ValueError for a POST of less than a line, or of more than Logplex puts into one.

    `line_bytes` is the size of a line as Logplex sends it. Each day has so many queries, of so many days of logs.
    `flush_minutes` and `answer_after_ms` are the settings. What is not `watched` has no canaries, metrics and alarms.
    """

    lines_per_second: float
    lines_per_post: float
    line_bytes: float = sizes.LINE_BYTES
    apps: int = 3
    flush_minutes: int = DEFAULT_MINUTES
    queries: float = 1
    query_days: float = 7
    answer_after_ms: int = 0
    watched: bool = True

    def __post_init__(self) -> None:
        most = max(1.0, sizes.BODY_BYTES / self.line_bytes + 1)
        if not 1 <= self.lines_per_post <= most:
            raise ValueError(f"lines_per_post is {self.lines_per_post:g}: Logplex puts 1 to {most:,.0f} into a POST")
        if self.lines_per_second <= 0:
            raise ValueError(f"lines_per_second is {self.lines_per_second:g}: give more than 0")

    @classmethod
    def of_bytes(cls, bytes_per_day: float, lines_per_post: float) -> Self:
        """Give the volume of so many bytes per day, as Logplex sends them."""
        return cls(bytes_per_day / sizes.LINE_BYTES / _DAY_S, lines_per_post)

    @classmethod
    def of_posts(cls, posts_per_day: float, lines_per_post: float) -> Self:
        """Give the volume of so many POSTs per day."""
        return cls(posts_per_day * lines_per_post / _DAY_S, lines_per_post)

    @property
    def lines(self) -> float:
        """Lines per day."""
        return self.lines_per_second * _DAY_S

    @property
    def posts(self) -> float:
        """POSTs per day, without canaries."""
        return self.lines / self.lines_per_post

    @property
    def body_bytes(self) -> float:
        """Bytes per day, as Logplex sends them."""
        return self.lines * self.line_bytes

    @property
    def objects(self) -> float:
        """Objects per day: one for each slot of an app in which it, or a canary, sends a POST."""
        return self._own_slots + self._canary_slots

    @property
    def _slots(self) -> float:
        """All slots of a day, summed over the apps."""
        return self.apps * traffic.MINUTES_PER_DAY / self.flush_minutes

    @property
    def _own_slots(self) -> float:
        """Those in which an app sends a POST: they come at random."""
        return -self._slots * math.expm1(-self.posts / self._slots)

    @property
    def _canary_slots(self) -> float:
        """Those in which there is a canary and nothing else."""
        return min(self._canaries, self._slots) * math.exp(-self.posts / self._slots)

    @property
    def _canaries(self) -> int:
        return self.apps * traffic.CANARY_RUNS_PER_DAY if self.watched else 0

    def day(self) -> Day:
        """What a day adds."""
        # A batch of more lines is answered at once (receiver/pace.py).
        pause_ms = self.answer_after_ms if self.lines_per_post <= _LONGEST_PACED else 0
        stored_bytes = self._own_slots * sizes.stored_bytes(self.body_bytes / self._own_slots)
        stored_bytes += self._canary_slots * sizes.stored_bytes(sizes.CANARY_BYTES)
        scanned_bytes = self.query_days * stored_bytes
        return traffic.worked(
            Day(
                objects=self.objects,
                bytes=stored_bytes,
                app_slots=self.objects,
                queries=self.queries,
                scanned_bytes=self.queries * scanned_bytes,
                charged_bytes=self.queries * max(scanned_bytes, prices.ATHENA_LEAST_BYTES),
                posts=self.posts + self._canaries,
                batches=self.posts,
                canaries=self._canaries,
                lines=self.lines,
                body_bytes=self.body_bytes,
            ),
            self.apps,
            self.flush_minutes,
            answer_after_ms=pause_ms,
        )

    def month(self, retention: Retention) -> Usage:
        """What a month uses with a full archive."""
        # An alarm of an app does not depend on its hours.
        watched = Watched("", "", {str(number): 1 for number in range(self.apps)}, self.flush_minutes)
        return usage.steady(self.day(), retention, Watch.of(watched) if self.watched else NO_WATCH)


# What the apps log before anybody uses them, and what they may log later.
PRE_LAUNCH = Volume.of_posts(10_000, 3)
REFERENCE = Volume.of_bytes(500e6, 5)
