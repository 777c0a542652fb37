"""A chain of digests that was cut, changed or rewritten shows it."""

from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta

import pytest

from contract.digests import Digest
from runbook.verification.chain import Chain, Records, has_expired, keys_to_read
from tests.support.digest_store import Digester, FakeStore

BEGIN = datetime(2026, 11, 1, 0, 3, tzinfo=UTC)
DAY = date(2026, 11, 2)
HOURS = 24 * 50
EXPIRE_DAYS = 395


@pytest.fixture(scope="module")
def written() -> dict[str, bytes]:
    """A chain of 50 days, with an object per hour, by keys."""
    store = FakeStore()
    digester = Digester(store, BEGIN)
    for _ in range(HOURS):
        store.put(f"logs/raxx-api-prod/{digester.now:%Y/%m/%d}/{digester.now:%H}.gz", digester.now)
        digester.run_after(hours=1)
    return {key: each.data for key, each in store.stored.items() if key.startswith("digests/")}


def walk(digests: Iterable[tuple[str, bytes]], first: date = DAY, last: date = DAY) -> tuple[Chain, list[Records]]:
    chain = Chain(first, last)
    found: list[Records] = []
    for key, data in digests:
        found += chain.add(key, data)
    return chain, found + chain.rest()


def end(digests: dict[str, bytes]) -> datetime:
    return Digest.decode(digests[max(digests)]).made


def test_a_chain_that_nobody_touched_is_fine(written: dict[str, bytes]) -> None:
    chain, [records] = walk(sorted(written.items()))
    chain.check_ends(EXPIRE_DAYS, end(written), has_all=True)
    assert chain.problems == []
    assert chain.digests == HOURS
    assert len(records.entries) == 24


def test_a_day_is_given_as_soon_as_no_digest_can_add_to_it(written: dict[str, bytes]) -> None:
    """So that a year needs the memory of some weeks."""
    chain, given = Chain(DAY, DAY), None
    for key, data in sorted(written.items()):
        for _ in chain.add(key, data):
            given = Digest.decode(data).made
    assert given
    assert timedelta(days=35) <= given - datetime(2026, 11, 2, tzinfo=UTC) <= timedelta(days=38)


def test_missing_digests_are_named(written: dict[str, bytes]) -> None:
    keys = sorted(written)
    one, _ = walk((key, written[key]) for key in keys if key != keys[7])
    assert one.problems == ["the digest 7 is missing, of 2026-11-01T07:03:00Z to 2026-11-01T09:03:00Z"]
    some, _ = walk((key, written[key]) for key in keys if key not in keys[7:9])
    assert some.problems == ["the digests 7 to 8 are missing, of 2026-11-01T07:03:00Z to 2026-11-01T10:03:00Z"]


def test_a_changed_digest_is_named(written: dict[str, bytes]) -> None:
    keys = sorted(written)
    changed = Digest.decode(written[keys[7]])
    data = Digest(
        changed.number, changed.made, changed.previous, changed.listed, changed.days, changed.entries[:-1]
    ).encode()
    chain, _ = walk((key, data if key == keys[7] else written[key]) for key in keys)
    [problem] = chain.problems
    assert problem.startswith(f"{keys[7]} was changed after {keys[8]} was made; it had the SHA-256 ")


def test_what_is_no_digest_is_named(written: dict[str, bytes]) -> None:
    keys = sorted(written)
    chain, _ = walk((key, b"garbage" if key == keys[7] else written[key]) for key in keys)
    assert chain.problems[0].startswith(f"{keys[7]} is not a digest")
    chain, _ = walk((key, written[keys[3]] if key == keys[7] else written[key]) for key in keys)
    assert chain.problems[0] == f"{keys[7]} has the content of {keys[3]}"


def test_a_chain_without_its_end_is_not_fine(written: dict[str, bytes]) -> None:
    keys = sorted(written)
    chain, _ = walk((key, written[key]) for key in keys[:-4])
    chain.check_ends(EXPIRE_DAYS, end(written), has_all=True)
    assert "the newest digest is of 2026-12-20T20:03:00Z" in chain.problems[0]
    chain, _ = walk((key, written[key]) for key in keys[:-3])
    chain.check_ends(EXPIRE_DAYS, end(written), has_all=True)
    assert chain.problems == []


def test_a_chain_without_its_begin_is_not_fine_until_it_may_have_expired(written: dict[str, bytes]) -> None:
    keys = sorted(written)
    digests = [(key, written[key]) for key in keys[100:]]
    chain, _ = walk(digests)
    chain.check_ends(EXPIRE_DAYS, end(written), has_all=True)
    assert chain.problems == [f"all digests before {keys[100]} are missing, up to 2026-11-05T04:03:00Z"]
    chain, _ = walk(digests)
    chain.check_ends(30, end(written), has_all=True)
    assert chain.problems == []
    chain, _ = walk(digests)
    chain.check_ends(EXPIRE_DAYS, end(written), has_all=False)
    assert chain.problems == []


def test_no_digest_is_a_problem() -> None:
    chain, _ = walk([])
    chain.check_ends(EXPIRE_DAYS, BEGIN, has_all=True)
    assert chain.problems == ["there is no digest: the digester has not run, or all were deleted"]


def test_a_rewritten_chain_lacks_the_old_head(written: dict[str, bytes]) -> None:
    """It is consistent in itself: only a noted SHA-256, or the digester's log, shows it."""
    old, _ = walk(sorted(written.items()))
    store = FakeStore()
    digester = Digester(store, BEGIN)
    for _ in range(HOURS):
        digester.run_after(hours=1)
    new, _ = walk(sorted((key, each.data) for key, each in store.stored.items()))
    assert new.problems == []
    assert old.head
    assert old.head.sha256 in old.sha256s
    assert old.head.sha256 not in new.sha256s


def test_all_digests_that_can_record_a_day_are_read(written: dict[str, bytes]) -> None:
    keys = sorted(written)
    for day in (date(2026, 11, 1), date(2026, 11, 20), date(2026, 12, 20)):
        wanted = keys_to_read(keys, day)
        assert wanted == keys[-len(wanted) :]
        recording = [
            key for key in keys if any(f"/{day:%Y/%m/%d}/" in each.key for each in Digest.decode(written[key]).entries)
        ]
        assert recording[0] in wanted
    assert keys_to_read(keys, date(2026, 11, 20))[0] < "digests/2026/11/18/"
    assert keys_to_read([], DAY) == []


@pytest.mark.parametrize(
    ("now", "expired"),
    [
        (datetime(2026, 11, 11, 23, 59, tzinfo=UTC), False),
        (datetime(2026, 11, 12, tzinfo=UTC), True),
    ],
)
def test_s3_rounds_expiry_up_to_midnight(now: datetime, expired: bool) -> None:
    assert has_expired(datetime(2026, 11, 1, 12, tzinfo=UTC), 10, now) is expired
