"""Lines that Logplex dropped, and the L10 line at the start of a later batch that reports them to the drain."""

import threading
from dataclasses import dataclass
from datetime import datetime
from typing import Self
from uuid import NAMESPACE_URL, uuid5

from local.traffic.facts import LossReport
from local.traffic.lines import Line

_L10_PRI = 172


@dataclass(frozen=True, slots=True)
class Loss:
    """`lines` lines dropped, the first of them at `since`, aware UTC."""

    lines: int
    since: datetime

    def __add__(self, other: Self) -> Self:
        return type(self)(self.lines + other.lines, min(self.since, other.since))


class UnreportedLoss:
    """The loss of one drain that no batch has reported yet. Thread-safe: each loss is reported once."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._loss: Loss | None = None

    @property
    def lines(self) -> int:
        """The number of lines."""
        return self._loss.lines if self._loss else 0

    def add(self, loss: Loss | None) -> None:
        """Add a loss, or one that a batch could not report."""
        if loss:
            with self._lock:
                self._loss = self._loss + loss if self._loss else loss

    def take(self) -> Loss | None:
        """Give the loss to the batch that reports it."""
        with self._lock:
            taken, self._loss = self._loss, None
            return taken


def drain_name(url: str) -> str:
    """Give the name in Logplex of the drain with a URL, `d.<uuid>`: not a secret. Heroku calls it the drain's token.

    Heroku gives every new drain a new one; here it follows from the URL, so that the local Heroku and Logplex agree.
    """
    return f"d.{uuid5(NAMESPACE_URL, url)}"


def l10_line(app: str, drain: str, loss: Loss, now: datetime) -> Line:
    """Render the line that reports a drain's loss: without a newline at its end, and `now` to the second."""
    report = LossReport("L10", loss.lines, loss.since, drain)
    return Line(app, now.replace(microsecond=0), _L10_PRI, "heroku", "logplex", str(report).encode(), report)
