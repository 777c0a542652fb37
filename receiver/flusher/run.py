"""One run of the flusher over all apps: the oldest slot first, until nothing is due or the time is up."""

from collections.abc import Callable, Collection, Container, Mapping
from dataclasses import dataclass, field
from functools import partial

from contract import buffer_table
from contract.slots import Slot
from receiver.flusher.flush import Flusher, Report, Store, Table


@dataclass
class Outcome:
    """What a run did: the slots that it flushed, and why apps failed.

    `behind_ms` is how long the oldest slot that is left has been due, in milliseconds; 0 if none is due. `silence_ms`
    is how long each app has sent no line of its own, as far as its slots are flushed.
    """

    slots: int = 0
    behind_ms: int = 0
    silence_ms: dict[str, int] = field(default_factory=dict)
    failures: dict[str, Exception] = field(default_factory=dict)


def run(
    apps: Collection[str],
    minutes: int,
    table: Table,
    store: Store,
    report: Report,
    clock: Callable[[], int],
    time_left: Callable[[], bool],
) -> Outcome:
    """Flush what is due, where receivers use slots of so many minutes; `clock` gives milliseconds since 1970.

    Apps that were ever flushed are flushed for ever: what an app sent last may come after it left the settings. An app
    that fails is left to the next run, and the others go on.
    """
    outcome, now_ms = Outcome(), clock()
    untils, seen = table.untils(), table.seen()
    flushers = {app: Flusher(app, table, store, report) for app in sorted({*apps, *untils})}
    for app, flusher in flushers.items():
        _try(app, outcome, partial(flusher.look, untils.get(app, []), seen, minutes, now_ms))
    while time_left() and (due := _due(flushers, without=outcome.failures)):
        slot, app = min(due)
        outcome.slots += _try(app, outcome, partial(flushers[app].flush, slot))
    outcome.behind_ms = max((clock() - buffer_table.due_ms(slot) for slot, _ in _due(flushers)), default=0)
    silence_ms = {app: flushers[app].silence_ms for app in apps}
    outcome.silence_ms = {app: length for app, length in silence_ms.items() if length is not None}
    return outcome


def _due(flushers: Mapping[str, Flusher], without: Container[str] = ()) -> list[tuple[Slot, str]]:
    """Give the oldest due slot of each app that has one."""
    return [(slot, app) for app, each in flushers.items() if app not in without and (slot := each.next())]


def _try(app: str, outcome: Outcome, step: Callable[[], None]) -> bool:
    try:
        step()
    except Exception as failure:  # noqa: BLE001  whatever is wrong with one app's batches, the others go on
        outcome.failures[app] = failure
        return False
    return True
