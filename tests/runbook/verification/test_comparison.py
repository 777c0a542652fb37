"""Which differences between the archive and its digests are somebody's deed."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from contract.digests import Entry, text_of
from runbook.verification.chain import Records
from runbook.verification.comparison import Counts, Kind, Rules, compare

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)
LISTED = NOON + timedelta(hours=1)
RULES = Rules(LISTED + timedelta(minutes=5), 365, LISTED)
ENTRY = Entry("logs/a/2026/11/24/1.gz", "e1", 10, text_of(NOON), "s1", 7)


def there(entry: Entry) -> Entry:
    """As a list shows it."""
    return entry._replace(sha256=None, lines=None)


def result(
    recorded: list[Entry], found: list[Entry], rules: Rules = RULES, *, listed: datetime | None = LISTED
) -> Counts:
    records = Records(date(2026, 11, 24), {entry.key: entry for entry in recorded}, listed)
    kept = {entry.key: entry for entry in found}
    return compare(records, map(there, found), rules, kept.get)


def test_an_object_that_was_not_written_since_is_as_recorded() -> None:
    def ask(_: str) -> Entry:
        raise AssertionError("a list is enough")

    records = Records(date(2026, 11, 24), {ENTRY.key: ENTRY}, LISTED)
    assert compare(records, [there(ENTRY)], RULES, ask) == Counts(same=1)


def test_a_missing_object_is_named_with_its_lines() -> None:
    found = result([ENTRY], [])
    assert found.first[Kind.MISSING] == (Kind.MISSING, ENTRY.key, "written at 2026-11-24T12:00:00Z, 10 bytes, 7 lines")
    assert found.differences == 1


def test_an_object_that_expired_is_not_missing() -> None:
    late = replace(RULES, now=NOON + timedelta(days=366))
    assert result([ENTRY], [], late) == Counts(expired=1)
    too_soon = replace(RULES, now=NOON + timedelta(days=364))
    assert result([ENTRY], [], too_soon).different[Kind.MISSING] == 1


@pytest.mark.parametrize("has_sha256", [True, False])
def test_a_changed_object_is_named(has_sha256: bool) -> None:
    recorded = ENTRY if has_sha256 else ENTRY._replace(sha256=None)
    changed = ENTRY._replace(etag="e2", modified=text_of(LISTED), sha256="s2" if has_sha256 else None)
    found = result([recorded], [changed])
    assert found.different[Kind.CHANGED] == 1
    assert "it was written again at 2026-11-24T13:00:00Z" in found.first[Kind.CHANGED].detail


@pytest.mark.parametrize("has_sha256", [True, False])
def test_an_object_that_was_written_again_with_its_content_is_not_changed(has_sha256: bool) -> None:
    recorded = ENTRY if has_sha256 else ENTRY._replace(sha256=None)
    assert result([recorded], [recorded._replace(modified=text_of(LISTED))]) == Counts(copied=1)


def test_the_sha256_decides_where_the_md5_is_the_same() -> None:
    """Somebody can make two objects with one MD5."""
    other = ENTRY._replace(sha256="s2", modified=text_of(LISTED))
    assert result([ENTRY], [other]).different[Kind.CHANGED] == 1


def test_with_checksums_every_object_is_asked_for() -> None:
    checked = replace(RULES, checksums=True)
    assert result([ENTRY], [ENTRY], checked) == Counts(same=1)
    assert result([ENTRY], [ENTRY._replace(sha256="s2")], checked).different[Kind.CHANGED] == 1


def test_an_object_that_goes_meanwhile_is_missing() -> None:
    records = Records(date(2026, 11, 24), {ENTRY.key: ENTRY}, LISTED)
    found = compare(records, [there(ENTRY._replace(modified=text_of(LISTED)))], RULES, lambda _: None)
    assert found.different[Kind.MISSING] == 1


def test_an_object_that_no_digest_can_have_yet_is_pending() -> None:
    new = ENTRY._replace(modified=text_of(LISTED - timedelta(minutes=30)))
    assert result([], [new]) == Counts(pending=1)


def test_an_object_that_a_digest_would_have_is_added() -> None:
    old = ENTRY._replace(modified=text_of(LISTED - timedelta(minutes=31)))
    assert result([], [old]).different[Kind.ADDED] == 1


def test_the_list_of_its_day_decides_what_a_digest_would_have() -> None:
    """Old days are listed once a day."""
    new = ENTRY._replace(modified=text_of(NOON))
    assert result([], [new], listed=NOON - timedelta(hours=20)) == Counts(pending=1)
    assert result([], [new], listed=None).different[Kind.ADDED] == 1


def test_the_first_of_each_kind_is_the_first_by_key() -> None:
    later = ENTRY._replace(key="logs/a/2026/11/24/2.gz")
    found = result([later, ENTRY], [])
    assert found.different[Kind.MISSING] == 2
    assert found.first[Kind.MISSING].key == ENTRY.key
    total = Counts()
    total.add(found)
    total.add(result([ENTRY._replace(key="logs/a/2026/11/25/0.gz")], []))
    assert total.different[Kind.MISSING] == 3
    assert total.first[Kind.MISSING].key == ENTRY.key
