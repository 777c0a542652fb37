"""Every object is in a digest of one chain, whenever digesters run, end, overlap or stay away."""

import gzip
import hashlib
import random
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import TYPE_CHECKING

import pytest

from contract.digests import InvalidDigest, sha256_of
from tests.support.digest_store import Crash, Digester, FakeStore

if TYPE_CHECKING:
    from receiver.digests.digest import Made

NOON = datetime(2026, 11, 24, 12, 3, tzinfo=UTC)
APP = "raxx-api-prod"


def log_key(day: datetime, name: object, app: str = APP) -> str:
    return f"logs/{app}/{day:%Y/%m/%d}/{name}.gz"


@pytest.fixture
def store() -> FakeStore:
    store = FakeStore()
    store.put(log_key(NOON, "first"), NOON - timedelta(hours=1))
    return store


@pytest.fixture
def digester(store: FakeStore) -> Digester:
    return Digester(store, NOON)


def recorded(store: FakeStore) -> list[str]:
    return [entry.key for digest in store.chain() for entry in digest.entries]


def assert_is_chain(store: FakeStore) -> None:
    chain = store.chain()
    assert [digest.number for digest in chain] == list(range(len(chain)))
    assert chain[0].previous is None
    for before, digest in pairwise(chain):
        assert digest.previous
        assert (digest.previous.key, digest.previous.made) == (before.key, before.made)
        assert digest.previous.sha256 == sha256_of(store.stored[before.key].data)


# ---------------------------------------------------------------- what a digest says


def test_a_digest_records_what_s3_keeps(store: FakeStore, digester: Digester) -> None:
    store.put(log_key(NOON, "second"), NOON, b"bytes", lines=7)
    store.put(log_key(NOON, "old", "raxx-console-prod"), NOON, b"old", lines=None, has_sha256=False)
    made = digester.run()
    [digest] = store.chain()
    first, second, old = digest.entries
    assert [first.key, second.key] == [log_key(NOON, "first"), log_key(NOON, "second")]
    assert second[1:] == (
        hashlib.md5(b"bytes", usedforsecurity=False).hexdigest(),
        5,
        "2026-11-24T12:03:00Z",
        hashlib.sha256(b"bytes").hexdigest(),
        7,
    )
    assert (old.sha256, old.lines) == (None, None)
    assert b'"lines":{"raxx-api-prod":8,"raxx-console-prod":0}' in gzip.decompress(store.stored[digest.key].data)
    assert made.key == digest.key == "digests/1970/01/01/00000000.json.gz"
    assert (made.number, made.objects, made.lines, made.previous_sha256) == (0, 3, 8, "")


def test_a_digest_has_the_sha256_of_the_one_before(store: FakeStore, digester: Digester) -> None:
    first, second = digester.run(), digester.run_after(hours=1)
    assert second.key == "digests/2026/11/24/00000001.json.gz"
    assert second.previous_sha256 == first.sha256 == sha256_of(store.stored[first.key].data)
    assert_is_chain(store)


def test_an_hour_without_objects_has_a_digest(store: FakeStore, digester: Digester) -> None:
    """Otherwise nobody could tell it from a digest that was deleted."""
    digester.run()
    assert digester.run_after(hours=1).objects == 0
    assert_is_chain(store)


def test_the_log_has_the_digest(store: FakeStore, digester: Digester) -> None:
    made = digester.run()
    assert f'"sha256": "{made.sha256}"' in made.text()
    assert '"level": "INFO"' in made.text()


def test_an_object_that_goes_while_it_is_recorded_is_recorded(store: FakeStore, digester: Digester) -> None:
    def delete(call: str) -> None:
        if call == "objects":
            del store.stored[log_key(NOON, "first")]

    store.after = delete
    digester.run()
    [entry] = store.chain()[0].entries
    assert (entry.key, entry.sha256) == (log_key(NOON, "first"), None)


def test_an_object_that_is_overwritten_while_it_is_recorded_has_no_other_sha256(
    store: FakeStore, digester: Digester
) -> None:
    store.after = lambda call: store.put(log_key(NOON, "first"), NOON, b"other") if call == "objects" else None
    digester.run()
    assert store.chain()[0].entries[0].sha256 is None
    store.after = lambda _: None
    digester.run_after(hours=1)
    assert store.chain()[1].entries[0].sha256 == hashlib.sha256(b"other").hexdigest()


# ---------------------------------------------------------------- nothing is left out


def test_each_object_is_recorded_once_where_nothing_happens(store: FakeStore, digester: Digester) -> None:
    digester.run()
    for hour in range(60):
        store.put(log_key(digester.now, hour), digester.now + timedelta(minutes=59))
        digester.run_after(hours=1)
    assert sorted(recorded(store)) == sorted(key for key in store.stored if key.startswith("logs/"))


def test_an_object_that_a_list_did_not_show_yet_is_in_the_next(store: FakeStore, digester: Digester) -> None:
    """S3 dates an object before it shows it, and by another clock than the digester's."""
    digester.run()
    store.put(log_key(NOON, "slow"), NOON - timedelta(minutes=29))
    digester.run_after(hours=1)
    assert recorded(store).count(log_key(NOON, "slow")) == 1


def test_what_is_written_for_an_old_day_is_recorded_within_a_day(store: FakeStore, digester: Digester) -> None:
    """A batch can wait for 14 days in the spill queue and for 14 more in the buffer."""
    digester.run()
    late = log_key(NOON - timedelta(days=30), "late")
    store.put(late, NOON + timedelta(minutes=30))
    for _ in range(24):
        digester.run_after(hours=1)
    assert late in recorded(store)


def test_what_is_written_for_the_days_of_valid_times_is_recorded_within_the_hour(
    store: FakeStore, digester: Digester
) -> None:
    digester.run()
    late = log_key(NOON - timedelta(days=3), "late")
    store.put(late, NOON + timedelta(minutes=30))
    digester.run_after(hours=1)
    assert late in recorded(store)


def test_lines_may_be_ahead_of_their_day(store: FakeStore, digester: Digester) -> None:
    digester.now = datetime(2026, 11, 24, 23, 50, tzinfo=UTC)
    digester.run()
    tomorrow = log_key(NOON + timedelta(days=1), "ahead")
    store.put(tomorrow, digester.now + timedelta(minutes=1))
    digester.run_after(minutes=5)
    assert tomorrow in recorded(store)


@pytest.mark.parametrize("days", [1, 3, 10, 100])
def test_what_was_written_while_no_digester_ran_is_recorded(store: FakeStore, digester: Digester, days: int) -> None:
    digester.run()
    written = [
        (log_key(NOON + timedelta(hours=hour - back), f"{hour}-{back}"), NOON + timedelta(hours=hour))
        for hour in range(1, days * 24)
        for back in (0, 48, 30 * 24)
    ]
    for key, modified in written:
        store.put(key, modified)
    digester.run_after(days=days)
    assert {key for key, _ in written} <= set(recorded(store))
    assert_is_chain(store)


def test_the_first_digest_records_the_whole_archive(store: FakeStore, digester: Digester) -> None:
    old = log_key(datetime(2026, 1, 1, tzinfo=UTC), "old")
    store.put(old, datetime(2026, 1, 1, tzinfo=UTC))
    digester.run()
    assert old in recorded(store)


@pytest.mark.parametrize("seed", range(40))
def test_every_object_is_recorded_whatever_happens(seed: int) -> None:
    """Objects of all ages, runs that crash at any step, outages, and two digesters that overlap."""
    chance = random.Random(seed)
    store = FakeStore()
    digester = Digester(store, NOON + timedelta(minutes=chance.randrange(1440)))

    def crash(_: str) -> None:
        if chance.random() < 0.05:
            raise Crash

    store.before = store.after = crash
    for number in range(150):
        begin = digester.now
        digester.now += timedelta(minutes=chance.choice([1, 30, 60, 60, 60, 60, 1440, 4000]))
        for name in range(chance.randrange(4)):
            modified = begin + (digester.now - begin) * chance.random()
            day = modified - timedelta(days=chance.choice([-1 / 24, 0, 0, 1, 2, 14, 31]))
            store.put(log_key(day, f"{number}-{name}"), modified.replace(microsecond=0))
        for _ in range(chance.choice([1, 1, 2])):
            try:
                digester.run()
            except Crash:
                continue
    store.before = store.after = lambda _: None
    digester.run_after(hours=25)
    assert_is_chain(store)
    assert {key for key in store.stored if key.startswith("logs/")} <= set(recorded(store))


# ---------------------------------------------------------------- crashes, and others at the same time


@pytest.mark.parametrize("step", ["keys_after", "read", "folders", "objects", "heads", "create"])
def test_a_run_that_ends_at_any_step_leaves_its_work_to_the_next(
    store: FakeStore, digester: Digester, step: str
) -> None:
    digester.run()
    store.put(log_key(NOON, "second"), NOON + timedelta(minutes=20))

    def crash(call: str) -> None:
        if call == step:
            raise Crash

    store.before = crash
    with pytest.raises(Crash):
        digester.run_after(hours=1)
    store.before = lambda _: None
    digester.run_after(hours=1)
    assert recorded(store) == [log_key(NOON, "first"), log_key(NOON, "second")]
    assert_is_chain(store)


def test_a_run_that_ends_after_its_digest_was_created_is_not_repeated(store: FakeStore, digester: Digester) -> None:
    def crash(call: str) -> None:
        if call == "create":
            raise Crash

    store.after = crash
    with pytest.raises(Crash):
        digester.run()
    store.after = lambda _: None
    digester.run_after(hours=1)
    assert recorded(store) == [log_key(NOON, "first")]
    assert_is_chain(store)


@pytest.mark.parametrize("minutes", [0, 1, 12 * 60, 30 * 60])
def test_of_two_digesters_at_once_one_makes_the_digest(store: FakeStore, digester: Digester, minutes: int) -> None:
    """At an hour's or a day's edge, too: the key says nothing of the time at which it is made."""
    digester.run()
    other = Digester(store, NOON)
    others: list[Made | None] = []

    def overtake(call: str) -> None:
        if call == "create" and not others:
            others.append(None)
            others[:] = [other.run_after(minutes=minutes + 61)]

    store.before = overtake
    made = digester.run_after(minutes=minutes + 60)
    assert [made] == others
    assert len(store.chain()) == 2
    assert_is_chain(store)


def test_a_clock_that_is_behind_breaks_no_order(store: FakeStore, digester: Digester) -> None:
    digester.run()
    digester.run_after(minutes=10)
    digester.run_after(minutes=-5)
    assert_is_chain(store)
    made = [digest.made for digest in store.chain()]
    assert made == sorted(made)


def test_a_digest_that_is_not_one_ends_the_run(store: FakeStore, digester: Digester) -> None:
    """The chain would hide it; Lambda counts an error, which has an alarm."""
    made = digester.run()
    store.put(made.key, NOON, b"not a digest")
    with pytest.raises(InvalidDigest, match="not a digest"):
        digester.run_after(hours=1)


def test_a_digest_under_another_key_ends_the_run(store: FakeStore, digester: Digester) -> None:
    made = digester.run()
    store.put("digests/2026/11/24/00000007.json.gz", NOON, store.stored[made.key].data)
    with pytest.raises(InvalidDigest, match="00000007"):
        digester.run_after(hours=1)
