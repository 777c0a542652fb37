"""An object key says whose lines it holds and of which day, and the table's projection finds it by that alone."""

from datetime import UTC, date, datetime, timedelta
from itertools import product
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contract.object_keys import (
    PARTITION_KEYS,
    PROJECTED_YEARS,
    ObjectKey,
    batch_id,
    partition,
    partition_prefix,
    projection,
    slot_object_id,
    storage_template,
)
from contract.slots import Slot

APPS = ("raxx-api-prod", "raxx-console-prod")
NAME = UUID("01234567-89ab-5def-8123-456789abcdef")
END_OF_TIME_MS = 253_402_300_799_999  # the last millisecond of the year 9999

app_names = st.from_regex(r"[a-z][a-z0-9-]{1,28}[a-z0-9]", fullmatch=True)


# ---------------------------------------------------------------- keys


def test_a_key_has_the_documented_layout() -> None:
    assert str(ObjectKey("raxx-api-prod", 1_795_521_600_123, NAME)) == (
        "logs/raxx-api-prod/2026/11/24/1795521600123-01234567-89ab-5def-8123-456789abcdef.gz"
    )


@given(app_names, st.integers(0, END_OF_TIME_MS), st.uuids())
def test_any_key_reads_back_as_what_it_was_made_of(app: str, epoch_ms: int, name: UUID) -> None:
    key = ObjectKey(app, epoch_ms, name)
    assert ObjectKey.parse(str(key)) == key


@given(app_names, st.integers(0, END_OF_TIME_MS), st.uuids())
def test_any_key_lies_in_the_partition_of_its_utc_day(app: str, epoch_ms: int, name: UUID) -> None:
    key = ObjectKey(app, epoch_ms, name)
    day = (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=epoch_ms)).date()
    assert key.day == day
    assert str(key).startswith(partition_prefix(app, day))


@pytest.mark.parametrize(
    ("epoch_ms", "folder"),
    [
        pytest.param(1_798_761_599_999, "2026/12/31", id="last-millisecond-of-the-year"),
        pytest.param(1_798_761_600_000, "2027/01/01", id="first-of-the-next"),
        pytest.param(1_835_395_200_000, "2028/02/29", id="leap-day"),
    ],
)
def test_days_change_at_midnight_utc(epoch_ms: int, folder: str) -> None:
    assert f"/{folder}/" in str(ObjectKey("raxx-api-prod", epoch_ms, NAME))


GOOD = f"logs/raxx-api-prod/2026/11/24/1795521600123-{NAME}.gz"
LAYOUT = "expected logs/<app>/<YYYY>/<MM>/<DD>/<epoch_ms>-<uuid>.gz"
NOT_ITS_DAY = "its epoch_ms is not on its day"


# What the receiver cannot have written is refused, with the key and what is wrong with it.
@pytest.mark.parametrize(
    ("key", "complaint"),
    [
        pytest.param("", LAYOUT, id="empty"),
        pytest.param("athena-results/x.csv", LAYOUT, id="athena-result"),
        pytest.param("/" + GOOD, LAYOUT, id="leading-slash"),
        pytest.param(GOOD + "\n", LAYOUT, id="trailing-newline"),
        pytest.param(GOOD.removesuffix(".gz"), LAYOUT, id="no-suffix"),
        pytest.param(GOOD.replace("raxx-api-prod", "Raxx"), LAYOUT, id="no-app-name"),
        pytest.param(GOOD.replace("raxx-api-prod", "a/b"), LAYOUT, id="a-folder-too-many"),
        pytest.param(GOOD.replace("/11/", "/Nov/"), LAYOUT, id="month-in-words"),
        pytest.param(GOOD.replace("/24/", "/٢٤/"), LAYOUT, id="digits-of-another-script"),
        pytest.param(GOOD.replace("/1795", "/01795"), LAYOUT, id="leading-zero"),
        pytest.param(GOOD.replace("/1795", "/-1795"), LAYOUT, id="before-1970"),
        pytest.param(GOOD.replace("/1795521600123", "/" + "9" * 5000), LAYOUT, id="5000-digits"),
        pytest.param(GOOD.replace("abcdef", "ABCDEF"), LAYOUT, id="uuid-in-capitals"),
        pytest.param(GOOD.replace("-01234567-", "-"), LAYOUT, id="short-uuid"),
        pytest.param(GOOD.replace("/24/", "/25/"), NOT_ITS_DAY, id="another-day"),
        pytest.param(GOOD.replace("/11/24/", "/02/30/"), NOT_ITS_DAY, id="no-day-of-any-year"),
        pytest.param(GOOD.replace("/1795521600123", "/999999999999999"), NOT_ITS_DAY, id="beyond-the-year-9999"),
    ],
)
def test_a_foreign_key_is_refused(key: str, complaint: str) -> None:
    with pytest.raises(ValueError, match=r"is not an object key") as refusal:
        ObjectKey.parse(key)
    assert str(refusal.value) == f"{key!r} is not an object key: {complaint}"


# ---------------------------------------------------------------- names


def test_a_batch_is_named_by_its_app_and_frame_id() -> None:
    """The namespace is fixed: another one would store a retried batch twice across a deployment."""
    assert batch_id("raxx-api-prod", "DA37") == UUID("60cbdc44-6489-5d94-8a91-ca1f576f4188")


def test_batches_of_two_apps_or_two_frames_never_share_a_name() -> None:
    names = {batch_id(app, frame) for app, frame in product(["abc", "abcd"], ["d1", "1", "é", "\udce9"])}
    assert len(names) == 8


SLOT = Slot(1_795_521_600_000, 5)


def test_an_object_of_a_slot_is_named_by_app_slot_number_and_day() -> None:
    """The namespace is fixed: another one would write an object twice that was stored but not marked."""
    assert slot_object_id("raxx-api-prod", SLOT, 0, date(2026, 11, 24)) == UUID("cc37a72d-833d-5f4d-a1a2-da304dbab1a7")


def test_no_two_objects_of_slots_share_a_name() -> None:
    """Slots of another length, from before a change of flushMinutes, may begin at the same time."""
    names = {
        slot_object_id(*made_of)
        for made_of in product(
            ["abc", "abcd"],
            [SLOT, SLOT.after, Slot(SLOT.begin_ms, 10)],
            [0, 1, 11],
            [date(2026, 11, 24), date(2026, 11, 23)],
        )
    }
    assert len(names) == 36
    assert batch_id("abc", f"{SLOT}\n0\n2026-11-24") not in names


# ---------------------------------------------------------------- partitions


def project(parameters: dict[str, str]) -> dict[str, tuple[str, ...]]:
    """Location -> partition values, as Athena computes them from a table's parameters."""

    def values(key: str) -> list[str]:
        setting = f"projection.{key}."
        if parameters[setting + "type"] == "enum":
            return parameters[setting + "values"].split(",")
        assert parameters[setting + "type"] == "integer"
        first, last = map(int, parameters[setting + "range"].split(","))
        digits = int(parameters[setting + "digits"])
        return [str(number).zfill(digits) for number in range(first, last + 1)]

    def location(partition_values: tuple[str, ...]) -> str:
        template = parameters["storage.location.template"]
        for key, value in zip(PARTITION_KEYS, partition_values, strict=True):
            template = template.replace(f"${{{key}}}", value)
        assert "$" not in template
        return template

    assert parameters["projection.enabled"] == "true"
    return {location(chosen): chosen for chosen in product(*(values(key) for key in PARTITION_KEYS))}


LOCATIONS = project(projection("a-bucket", APPS))


def locations_above(key: ObjectKey) -> list[tuple[str, ...]]:
    address = f"s3://a-bucket/{key}"
    return [values for location, values in LOCATIONS.items() if address.startswith(location)]


def at_noon(app: str, day: date) -> ObjectKey:
    return ObjectKey(app, int(datetime(day.year, day.month, day.day, 12, tzinfo=UTC).timestamp()) * 1000, NAME)


# An object is found under one partition, and its values are the day's.
@pytest.mark.parametrize("app", APPS)
@pytest.mark.parametrize(
    "day",
    [
        pytest.param(date(PROJECTED_YEARS[0], 1, 1), id="first-projected"),
        pytest.param(date(2027, 1, 1), id="new-year"),
        pytest.param(date(2028, 2, 29), id="leap-day"),
        pytest.param(date(2030, 10, 9), id="one-digit-and-two"),
        pytest.param(date(2030, 12, 31), id="end-of-year"),
        pytest.param(date(PROJECTED_YEARS[-1], 12, 31), id="last-projected"),
    ],
)
def test_projection_finds_each_object_once(app: str, day: date) -> None:
    values = (app, f"{day.year}", f"{day.month:02}", f"{day.day:02}")
    assert locations_above(at_noon(app, day)) == [values]
    assert tuple(partition(app, day).values()) == values
    assert tuple(partition(app, day)) == PARTITION_KEYS
    assert LOCATIONS[f"s3://a-bucket/{partition_prefix(app, day)}"] == values


def test_projection_covers_each_day_of_its_years_and_no_other_partition_of_a_real_day() -> None:
    first, last = date(PROJECTED_YEARS[0], 1, 1), date(PROJECTED_YEARS[-1], 12, 31)
    days = [first + timedelta(number) for number in range((last - first).days + 1)]
    real = {f"s3://a-bucket/{partition_prefix(app, day)}" for app in APPS for day in days}
    assert real <= LOCATIONS.keys()
    # What is over are the days that no month has: nothing can be stored there.
    for _, year, month, day in (LOCATIONS[location] for location in LOCATIONS.keys() - real):
        with pytest.raises(ValueError, match="day"):
            date(int(year), int(month), int(day))


@pytest.mark.parametrize(
    "key",
    [
        pytest.param(at_noon("raxx-api-prod", date(PROJECTED_YEARS[0] - 1, 12, 31)), id="the-day-before"),
        pytest.param(at_noon("raxx-api-prod", date(PROJECTED_YEARS[-1] + 1, 1, 1)), id="the-day-after"),
        pytest.param(at_noon("raxx-velvet-prod", date(2026, 11, 24)), id="an-app-that-is-not-listed"),
        pytest.param(at_noon("raxx-api", date(2026, 11, 24)), id="a-name-that-another-begins-with"),
    ],
)
def test_projection_covers_nothing_outside(key: ObjectKey) -> None:
    assert locations_above(key) == []


def test_the_projected_years_are_fixed() -> None:
    assert (PROJECTED_YEARS[0], PROJECTED_YEARS[-1]) == (2026, 2040)


def test_no_white_space_gets_into_the_apps() -> None:
    """White space would count as part of a value (facts.md), and Glue takes it without a word."""
    assert projection("a-bucket", APPS)["projection.app.values"] == "raxx-api-prod,raxx-console-prod"


def test_the_template_uses_athenas_own_placeholders() -> None:
    assert storage_template("a-bucket") == "s3://a-bucket/logs/${app}/${year}/${month}/${day}/"
