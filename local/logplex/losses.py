"""What Logplex dropped and tells the drain of: the L10 line that leads a later batch."""

import threading
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import Self
from uuid import NAMESPACE_DNS, uuid5

from local.traffic.facts import LossReport
from local.traffic.lines import Line

_L10_PRI = 172


class Wording(Enum):
    """The two wordings of an L10 line that are seen."""

    OLD = "without the drain's name, and since a whole second"
    NEW = "with the drain's name"


@dataclass(frozen=True, slots=True)
class Loss:
    """`lines` lines dropped, the first of them at `since`, aware UTC."""

    lines: int
    since: datetime

    def __add__(self, other: Self) -> Self:
        return type(self)(self.lines + other.lines, min(self.since, other.since))


class LossAccount:
    """What one drain has lost and was not told yet. Safe to use from several threads; it tells each loss once."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._untold: Loss | None = None

    @property
    def untold_lines(self) -> int:
        """The number of lost lines that no batch carries word of."""
        return self._untold.lines if self._untold else 0

    def add(self, loss: Loss | None) -> None:
        """Enter a loss, or take back one that a batch failed to tell."""
        if loss:
            with self._lock:
                self._untold = self._untold + loss if self._untold else loss

    def take(self) -> Loss | None:
        """Hand all that is untold to the batch that is to tell it."""
        with self._lock:
            taken, self._untold = self._untold, None
            return taken


def drain_token(app: str) -> str:
    """Give the drain's name in Logplex, `d.<uuid>`; no secret, and here always the same for an app."""
    return f"d.{uuid5(NAMESPACE_DNS, app)}"


def l10_line(app: str, loss: Loss, now: datetime, wording: Wording) -> Line:
    """Render the line that tells a loss: without a newline at its end, and timed to the second at `now`."""
    report = (
        LossReport("L10", loss.lines, loss.since.replace(microsecond=0))
        if wording is Wording.OLD
        else LossReport("L10", loss.lines, loss.since, drain_token(app))
    )
    return Line(app, now.replace(microsecond=0), _L10_PRI, "heroku", "logplex", str(report).encode(), report)
