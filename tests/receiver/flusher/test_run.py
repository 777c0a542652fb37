"""A run flushes all apps, the oldest slot first, does what it can, and says how far it is behind."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import count

import pytest

from contract.buffer_table import (
    Key,
    Seen,
    batch_item,
    batch_key,
    due_ms,
    marker_item,
    marker_key,
    until_item,
    until_key,
)
from contract.logplex.batch import Batch, identity, survey
from contract.slots import Slot
from receiver.aws import Unavailable
from receiver.deadline import Deadline
from receiver.flusher.run import Outcome, run
from receiver.stored_object import StoredObject
from tests.support.fakes import FakeBuffer, FakeLogBucket
from tests.support.logplex_frames import NOON_MS, body, message

API, CONSOLE, RETIRED = "raxx-api-prod", "raxx-console-prod", "raxx-old-prod"
SLOT = Slot.of(NOON_MS, 5)
DUE_MS = due_ms(SLOT) + 1
DOWN = Unavailable("dynamodb-ThrottlingException", "please")


class Buffer(FakeBuffer):
    """A table whose markers of some apps cannot be read."""

    def __init__(self, *apps: str) -> None:
        super().__init__()
        self.unreadable: set[str] = set()
        for app in apps:
            self.items[until_key(app, 5)] = until_item(app, SLOT)

    def markers(self, app: str) -> list[Key]:
        if app in self.unreadable:
            raise DOWN
        return super().markers(app)

    def put(self, app: str, slot: Slot, *, late: bool = False) -> None:
        batch = Batch(app, str(slot), NOON_MS, body(message()))
        item = batch_item(slot, identity(batch), batch, survey(batch), NOON_MS)
        self.items[batch_key(app, slot, identity(batch))] = item
        if late:
            self.items[marker_key(app, slot, identity(batch))] = marker_item(app, slot, identity(batch), NOON_MS)

    def flushed(self) -> list[str]:
        """The slots that were noted as flushed, in order."""
        return [call.removeprefix("advance ") for call in self.calls if call.startswith("advance")]


class Bucket(FakeLogBucket):
    """An archive that refuses objects of some apps; `apps` are those of the others, in the order of the puts."""

    def __init__(self, *refused: str) -> None:
        super().__init__()
        self.refused, self.apps = refused, list[str]()

    def put(self, objects: Sequence[StoredObject], deadline: Deadline | None = None) -> None:
        if any(stored.key.app in self.refused for stored in objects):
            raise Unavailable("s3-SlowDown", "please")
        self.apps += [stored.key.app for stored in objects]
        super().put(objects, deadline)


def go(
    buffer: FakeBuffer,
    bucket: FakeLogBucket,
    apps: Sequence[str] = (API, CONSOLE),
    now_ms: int = DUE_MS,
    time_left: Callable[[], bool] = lambda: True,
) -> Outcome:
    outcome = run(apps, 5, buffer, bucket, lambda *_: None, lambda: now_ms, time_left)
    return replace(outcome, silence_ms={})


def test_all_apps_are_flushed() -> None:
    buffer, bucket = Buffer(API, CONSOLE), Bucket()
    for app in (API, CONSOLE):
        buffer.put(app, SLOT)
    assert go(buffer, bucket) == Outcome(slots=2)
    assert sorted(bucket.apps) == [API, CONSOLE]


def test_the_oldest_slot_of_all_apps_is_first() -> None:
    """After an outage no app waits for all of another's."""
    buffer, bucket = Buffer(API, CONSOLE), Bucket()
    for slot in (SLOT, SLOT.after):
        buffer.put(API, slot)
        buffer.put(CONSOLE, slot)
    buffer.put(CONSOLE, SLOT.before, late=True)
    go(buffer, bucket, now_ms=due_ms(SLOT.after) + 1)
    assert bucket.apps == [CONSOLE, API, CONSOLE, API, CONSOLE]


def test_an_app_that_has_left_the_settings_is_flushed_to_its_end() -> None:
    """What it sent last may come when it is no longer among them."""
    buffer, bucket = Buffer(API, RETIRED), Bucket()
    buffer.put(RETIRED, SLOT)
    assert go(buffer, bucket, apps=[API]) == Outcome(slots=2)
    assert bucket.apps == [RETIRED]


def test_an_app_that_was_never_flushed_is() -> None:
    buffer, bucket = Buffer(), Bucket()
    buffer.put(API, SLOT)
    go(buffer, bucket, apps=[API])
    assert bucket.apps == [API]


def test_an_app_that_fails_is_left_and_the_others_go_on() -> None:
    buffer, bucket = Buffer(API, CONSOLE), Bucket(API)
    for slot in (SLOT, SLOT.after):
        buffer.put(API, slot)
        buffer.put(CONSOLE, slot)
    outcome = go(buffer, bucket, now_ms=due_ms(SLOT.after) + 1)
    assert bucket.apps == [CONSOLE, CONSOLE]
    assert outcome.slots == 2
    assert [str(failure) for failure in outcome.failures.values()] == ["s3-SlowDown: please"]
    assert buffer.flushed() == [str(SLOT.after), str(SLOT.after.after)]  # CONSOLE's
    bucket.refused = ()
    assert go(buffer, bucket, now_ms=due_ms(SLOT.after) + 1) == Outcome(slots=2)


def test_an_app_whose_markers_cannot_be_read_is_left_and_the_others_go_on() -> None:
    """Without its markers it must not be flushed: those that come next would be unknown."""
    buffer, bucket = Buffer(API, CONSOLE), Bucket()
    buffer.unreadable = {API}
    for app in (API, CONSOLE):
        buffer.put(app, SLOT)
    outcome = go(buffer, bucket)
    assert bucket.apps == [CONSOLE]
    assert outcome == Outcome(slots=1, behind_ms=1, failures={API: DOWN})


def test_nothing_new_is_begun_when_the_time_is_up() -> None:
    """The next run goes on where this one ended."""
    buffer, bucket = Buffer(API, CONSOLE), Bucket()
    asked = count()
    now_ms = DUE_MS + 30 * 60_000
    outcome = go(buffer, bucket, now_ms=now_ms, time_left=lambda: next(asked) < 3)
    assert outcome.slots == 3
    assert outcome.behind_ms == now_ms - due_ms(SLOT.after)
    assert outcome.failures == {}
    assert go(buffer, bucket, now_ms=now_ms).slots == 14 - 3


def test_a_run_without_time_does_nothing() -> None:
    buffer, bucket = Buffer(API), Bucket()
    buffer.put(API, SLOT)
    outcome = go(buffer, bucket, apps=[API], time_left=lambda: False)
    assert (outcome, bucket.apps) == (Outcome(behind_ms=1), [])


@pytest.mark.parametrize(("refused", "behind_ms"), [([], 0), ([API], 600_000)])
def test_it_says_how_long_the_oldest_slot_has_been_due(refused: list[str], behind_ms: int) -> None:
    """A failing app's too: that is what the alarm is about."""
    buffer = Buffer(API, CONSOLE)
    buffer.put(API, SLOT)
    outcome = go(buffer, Bucket(*refused), now_ms=due_ms(SLOT) + 600_000)
    assert outcome.behind_ms == behind_ms


def test_it_says_how_long_each_app_was_silent_and_nothing_of_apps_that_left() -> None:
    buffer = Buffer(API, CONSOLE, RETIRED)
    buffer.note_seen(Seen(API), SLOT.end_ms - 1000)
    outcome = run([API, CONSOLE], 5, buffer, Bucket(), lambda *_: None, lambda: DUE_MS, lambda: True)
    assert outcome.silence_ms == {API: 1000, CONSOLE: 0}


def test_an_app_of_which_nothing_is_known_has_no_silence(monkeypatch: pytest.MonkeyPatch) -> None:
    """A gauge without a value leaves its alarm as it is."""
    buffer = Buffer()

    def fail() -> int:
        raise DOWN

    monkeypatch.setattr(buffer, "born_ms", fail)
    outcome = run([API], 5, buffer, Bucket(), lambda *_: None, lambda: DUE_MS, lambda: True)
    assert (outcome.silence_ms, list(outcome.failures)) == ({}, [API])
