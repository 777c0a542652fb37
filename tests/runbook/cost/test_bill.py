"""The bill: months, storage, moves and rates in cases worked out by hand, and what it assumes of the stack."""

import math
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contract import access_log
from contract.alarms import Watched
from contract.metrics import Metric
from contract.slots import Slot
from infra import canary, digester
from infra.settings import Settings
from receiver.metrics import Entry, Point, lines, of_stored
from receiver.tally import Tally
from runbook import prices
from runbook.cost import bill, small_objects, usage
from runbook.cost.bill import ITEMS, Basis, Bill, Driver
from runbook.cost.usage import NO_WATCH, Day, Retention, Usage, Watch
from tests.support.recording_monitor import run

NOW = datetime(2026, 11, 24, 6, 0, tzinfo=UTC)
KEPT = Retention(archive_days=90, expire_days=365, results_days=30)
APPS = ("raxx-api-prod", "raxx-console-prod", "raxx-velvet-prod")
WATCH = Watch(apps=3, alarms=20, dashboards=1)
MB = 10**6
GB = 2**30  # as AWS counts them
# A busy day of three apps: 864 objects of 100 MB, 400,000 POSTs of five lines, 5 GB scanned a month.
BUSY = Day(
    objects=864, bytes=100 * MB, app_slots=864,
    queries=1, scanned_bytes=5e9 / 30, charged_bytes=5e9 / 30,
    posts=400_288, batches=400_000, canaries=288, lines=2_000_000, body_bytes=470_400_000,
    receiver_ms=6_000_000, flusher_ms=500_000, write_units=420_000, read_units=230_000,
)  # fmt: skip
# As it was without a buffer: an object for each POST.
MANY = Day(objects=10_000, bytes=500 * MB)


def every_day(per_day: Day, first: date, last: date) -> dict[date, Day]:
    return {first + timedelta(number): per_day for number in range((last - first).days + 1)}


def used(days: usage.Days, now: datetime = NOW, kept: Retention = KEPT) -> Bill:
    return bill.of(days, kept, now, WATCH)


def amounts(use: Usage) -> dict[str, float]:
    return {item.name: item.usd(use) for item in ITEMS}


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


# ---------------------------------------------------------------- a busy month


def test_each_item_of_a_busy_month_by_hand() -> None:
    """A month of 30 days with a full archive."""
    assert amounts(usage.steady(BUSY, KEPT, WATCH)) == pytest.approx(
        {
            "key": 1.00,
            "api": 12.00864,  # 12 million and 8,640 canaries x $1 a million
            "invocations": 2.401728,  # the same x $0.20 a million
            "compute": 0.600003,  # 180,000 s x 0.25 GB x $0.0000133334
            "writes": 7.875,  # 12.6 million x $0.625 a million
            "reads": 0.8625,  # 6.9 million x $0.125 a million
            "buffer": 14 * 400_000 * (774 + 100) / GB * 0.25,  # 14 days of items of five lines, 100 bytes more each
            "schedule": 0.0432 + 0.00288 + 0.00072,  # 43,200, 2,880 and 720 x $1 a million
            "flusher-invocations": 0.00864,  # 43,200 x $0.20 a million
            "flusher-compute": 15_000 * 0.0000133334,  # 15,000 s x 1 GB
            "polls": 0.01728 + 0.001152,  # the same x $0.40 a million
            "logs": (12_008_640 * 81 + 25_920 * 351 + 43_200 * (118 + 3 * 244)) / GB * 0.50,
            "metrics": 2.10,  # two of each of three apps and one more: 7 x $0.30
            "alarms": 2.00,  # 20 x $0.10
            "dashboard": 3.00,
            "canary-invocations": 0.000576,  # 2,880 x $0.20 a million
            "canary-compute": 0.0144,  # 2,880 x 3 s x 0.125 GB x $0.0000133334
            "canary-urls": 0.02592,  # 8,640 x $0.03 for ten thousand
            "digester-invocations": 0.000144,  # 720 x $0.20 a million
            "digester-compute": 0.024,  # 720 x 5 s x 0.5 GB x $0.0000133334
            "digest-lists": 30 * (24 * 3 + 3 * (23 * 5 + 37)) * 0.005 / 1000,
            "digest-checksums": 0.010368,  # 25,920 x $0.0004 a thousand
            "puts": 0.1296,  # 25,920 x $0.005 a thousand
            "transitions": 0.7776,  # 25,920 x $0.03 a thousand
            "standard": 90.5 * 100 * MB / GB * 0.023,  # half of the day it comes on and 90 more
            "glacier": 275 * 100 * MB / GB * 0.0036,  # the other days
            "glacier-overhead": 864 * 275 * 32_768 / GB * 0.0036,
            "standard-overhead": 864 * 275 * 8_192 / GB * 0.023,
            "gets": 5e9 / (100 * MB / 864) * 0.0004 / 1000,
            "scans": 5e9 / (1024 * GB) * 5,  # 5 GB of a TB for $5
        },
        rel=1e-3,
    )


def test_what_grows_is_each_item_once() -> None:
    use = usage.steady(BUSY, KEPT, WATCH)
    by_driver = bill.by_driver(use)
    assert sum(by_driver.values()) == pytest.approx(bill.total(use))
    assert by_driver[Driver.POSTS] == pytest.approx(
        sum(amounts(use)[name] for name in ("api", "invocations", "compute", "writes", "logs"))
    )


def test_twice_the_posts_cost_twice_what_grows_with_posts_and_no_object_more() -> None:
    twice = Day(objects=864, posts=800_000, batches=800_000, receiver_ms=12_000_000, write_units=840_000)
    once = Day(objects=864, posts=400_000, batches=400_000, receiver_ms=6_000_000, write_units=420_000)
    more, less = (usage.steady(day, KEPT, WATCH) for day in (twice, once))
    for name in ("api", "invocations", "compute", "writes"):
        assert amounts(more)[name] == pytest.approx(2 * amounts(less)[name])
    assert bill.by_driver(more)[Driver.OBJECTS] == bill.by_driver(less)[Driver.OBJECTS]


def test_free_tiers_are_shared_by_all_items_of_a_price() -> None:
    """A million invocations are free, of both functions together; and no more than is used."""
    free = bill.free(usage.steady(BUSY, KEPT, WATCH))
    assert free[prices.LAMBDA_REQUEST] == pytest.approx(0.20)
    assert free[prices.LAMBDA_GB_SECOND] == pytest.approx((45_000 + 15_000 + 1_080 + 1_800) * 0.0000133334)
    assert free[prices.CLOUDWATCH_METRIC] == pytest.approx(2.10)
    assert free[prices.CLOUDWATCH_ALARM] == pytest.approx(1.00)
    assert free[prices.CLOUDWATCH_DASHBOARD] == pytest.approx(3.00)
    assert free[prices.SCHEDULER] == pytest.approx(0.0468)
    assert prices.HTTP_API not in free, "it ends after twelve months"


def test_the_watch_counts_the_alarms_that_the_stack_has() -> None:
    declared = [each for each in run().resources.values() if each.type == "aws:cloudwatch/metricAlarm:MetricAlarm"]
    assert len(declared) == WATCH.alarms


def test_what_cloudwatch_does_not_know_is_marked_as_estimated() -> None:
    basis = {item.name: item.basis_with(frozenset({"posts", "write_units"})) for item in ITEMS}
    assert (basis["api"], basis["writes"]) == (Basis.MEASURED, Basis.MEASURED)
    assert basis["reads"] == basis["compute"] == basis["buffer"] == Basis.ESTIMATED
    assert basis["standard"] is Basis.LISTED


def test_an_archive_that_was_always_like_this_costs_in_every_month_what_the_steady_state_says() -> None:
    """June has 30 days, as a month of the steady state."""
    days = every_day(BUSY, date(2025, 1, 1), date(2026, 7, 9))
    in_glacier = replace(BUSY, objects=0, bytes=0, glacier_objects=864, glacier_bytes=100 * MB)
    moved = {day: in_glacier if (date(2026, 7, 10) - day).days > 90 else added for day, added in days.items()}
    found = used(moved, at("2026-07-10"))
    for name in ("standard", "glacier", "transitions", "puts", "metrics", "api", "buffer", "polls"):
        assert amounts(found.last)[name] == pytest.approx(amounts(found.steady)[name])


# ---------------------------------------------------------------- storage, by the day


def test_an_object_is_charged_from_noon_of_its_day() -> None:
    """100 MB that came on 16 October: 15.5 of October's 31 days. This month until now: 23.25 of 30, then all of it."""
    found = used({date(2026, 10, 16): Day(objects=100, bytes=100 * MB)})
    assert found.last.standard_bytes == pytest.approx(50 * MB)
    assert found.so_far.standard_bytes == pytest.approx(100 * MB * 23.25 / 30)
    assert found.projected.standard_bytes == pytest.approx(100 * MB)


@pytest.mark.parametrize(
    ("came", "last", "so_far", "projected"),
    [
        pytest.param("2026-07-01", 0, 0, 0, id="due-on-30-september"),
        pytest.param("2026-07-02", 1, 0, 0, id="due-on-1-october"),
        pytest.param("2026-08-01", 1, 0, 0, id="due-on-31-october"),
        pytest.param("2026-08-02", 0, 1, 1, id="due-on-1-november"),
        pytest.param("2026-08-25", 0, 1, 1, id="due-today"),
        pytest.param("2026-08-26", 0, 0, 1, id="due-tomorrow"),
        pytest.param("2026-08-31", 0, 0, 1, id="due-on-30-november"),
        pytest.param("2026-09-01", 0, 0, 0, id="due-on-1-december"),
    ],
)
def test_a_move_is_charged_in_the_month_of_the_midnight_after_its_days(
    came: str, last: int, so_far: int, projected: int
) -> None:
    """AWS's example: what comes on 15 January at 10:30 and moves after 3 days moves on 19 January at 0:00."""
    day = date.fromisoformat(came)
    due = (day + timedelta(91)) <= NOW.date()
    found = used({day: Day(glacier_objects=1, glacier_bytes=MB) if due else Day(objects=1, bytes=MB)})
    assert (found.last.transitions, found.so_far.transitions, found.projected.transitions) == (last, so_far, projected)


def test_a_move_changes_the_rate_on_its_day() -> None:
    """Due on 11 November: ten of this month's days in Standard, 20 in Glacier, with its overhead."""
    projected = used({date(2026, 8, 12): Day(glacier_objects=300, glacier_bytes=30 * MB)}).projected
    assert projected.standard_bytes == pytest.approx(10 * MB)
    assert projected.glacier_bytes == pytest.approx(20 * MB)
    assert projected.glacier_objects == pytest.approx(200)


def test_what_the_lifecycle_is_about_to_move_counts_as_moved() -> None:
    """S3 charges from the day on which it is due, and is a day late at times."""
    found = used({date(2026, 8, 24): Day(objects=10, bytes=MB)})
    assert found.so_far.transitions == 10


def test_what_the_lifecycle_leaves_alone_stays_in_standard() -> None:
    found = used({date(2026, 3, 1): Day(objects=10, bytes=MB)})
    assert found.projected.standard_bytes == pytest.approx(MB)
    assert (found.projected.glacier_objects, found.projected.transitions) == (0, 0)


def test_what_was_moved_by_another_setting_is_in_glacier_and_is_not_moved_again() -> None:
    """archiveAfterDays was raised from 10 to 90: no date is known, and nothing is charged for it now."""
    found = used({date(2026, 10, 1): Day(glacier_objects=10, glacier_bytes=MB)})
    assert found.projected.glacier_objects == pytest.approx(10)
    assert found.projected.transitions == 0


def test_what_is_deleted_is_no_longer_charged() -> None:
    """After 365 days, at midnight: what came on 9 November 2025 goes on 10 November 2026; results after 30."""
    found = used({date(2025, 11, 9): Day(glacier_objects=1, glacier_bytes=30 * MB)})
    assert found.projected.glacier_bytes == pytest.approx(9 * MB)
    results = used({date(2026, 10, 11): Day(results=2, result_bytes=30 * MB)})
    assert results.projected.standard_bytes == pytest.approx(10 * MB)


def test_what_is_deleted_before_it_is_due_is_not_moved() -> None:
    """The whole life in Standard: half a day and 365 of 0.5 GB."""
    never = usage.steady(MANY, Retention(365, 365, 30), WATCH)
    assert (never.transitions, never.glacier_objects) == (0, 0)
    assert amounts(never)["standard"] == pytest.approx(365.5 * 500 * MB / GB * 0.023)


# ---------------------------------------------------------------- months


@pytest.mark.parametrize(
    ("now", "begin", "month_days"),
    [
        pytest.param("2028-03-01", "2028-02-01", 29, id="a-leap-february"),
        pytest.param("2027-03-31T23:59", "2027-02-01", 28, id="february"),
        pytest.param("2027-01-15", "2026-12-01", 31, id="over-new-year"),
        pytest.param("2026-12-31", "2026-11-01", 30, id="31-december"),
    ],
)
def test_last_month_is_a_whole_month(now: str, begin: str, month_days: int) -> None:
    period = usage.month_before(at(now))
    assert (date.fromordinal(int(period.begin)), period.month_days) == (date.fromisoformat(begin), month_days)
    assert period.end == usage.month_of(at(now)).begin == period.begin + month_days


def test_every_object_of_a_leap_february_is_in_it_and_none_beside() -> None:
    days = every_day(Day(objects=1, bytes=MB), date(2028, 1, 25), date(2028, 3, 4))
    assert used(days, at("2028-03-05T12:00")).last.added.all_objects == 29


def test_the_first_moment_of_a_month_has_used_nothing_and_projects_all_of_it() -> None:
    days = every_day(
        Day(
            objects=10,
            bytes=MB,
        ),
        date(2026, 11, 1),
        date(2026, 11, 30),
    )
    found = used(days, at("2026-12-01"))
    assert bill.total(found.so_far) == 0
    assert found.projected.added.all_objects == pytest.approx(310)
    assert found.last.added.all_objects == 300


def test_objects_of_another_year_are_on_the_bill() -> None:
    found = used({date(2025, 12, 20): Day(objects=5, bytes=MB)}, at("2026-01-10"))
    assert found.last.added.all_objects == 5


def test_the_rest_of_a_month_goes_on_at_todays_rate() -> None:
    """23 days of 100, a quarter of a day of 25 so far; three quarters of a day and 6 more days to come."""
    days = every_day(Day(objects=100, bytes=MB), date(2026, 11, 1), date(2026, 11, 23)) | {NOW.date(): Day(objects=25)}
    found = used(days)
    assert found.so_far.added.all_objects == 2_325
    assert found.projected.added.all_objects == pytest.approx(2_325 + 675)


# ---------------------------------------------------------------- rates


@pytest.mark.parametrize(
    ("days", "per_day"),
    [
        pytest.param({}, 0, id="nothing-ever"),
        pytest.param(every_day(Day(objects=70), date(2026, 11, 1), date(2026, 11, 23)), 70, id="always"),
        pytest.param({date(2026, 11, 17): Day(objects=70)}, 10, id="once-in-seven-days"),
        pytest.param({date(2026, 11, 16): Day(objects=70)}, 0, id="not-for-seven-days"),
        pytest.param({date(2026, 11, 22): Day(objects=70)}, 35, id="two-days-old"),
        pytest.param({date(2026, 11, 23): Day(objects=70), NOW.date(): Day(objects=9)}, 70, id="since-yesterday"),
        pytest.param({NOW.date(): Day(objects=60)}, 240, id="six-hours-old"),
    ],
)
def test_a_rate_is_of_seven_full_days_or_of_those_there_are(days: usage.Days, per_day: float) -> None:
    assert usage.rate(days, NOW).all_objects == pytest.approx(per_day)


def test_a_rate_does_not_care_in_which_class_its_objects_are() -> None:
    """With archiveAfterDays: 1 most of the last seven days' are in Glacier; tomorrow's will not be, at first."""
    days = every_day(Day(glacier_objects=10, glacier_bytes=MB), date(2026, 11, 1), date(2026, 11, 22))
    per_day = usage.rate(days | {date(2026, 11, 23): Day(objects=10, bytes=MB)}, NOW)
    assert (per_day.objects, per_day.bytes, per_day.glacier_objects) == pytest.approx((10, MB, 0))


def test_a_month_in_which_the_stack_began_has_a_part_of_what_stands_there() -> None:
    """27 of 31 days since 5 October: of seven metrics, 20 alarms, a dashboard, and 96 runs of the canary per day."""
    found = amounts(used({date(2026, 10, 5): Day(objects=1)}).last)
    assert found["metrics"] == pytest.approx(27 / 31 * 7 * 0.30)
    assert found["alarms"] == pytest.approx(27 / 31 * 20 * 0.10)
    assert found["dashboard"] == pytest.approx(27 / 31 * 3.00)
    assert found["canary-invocations"] == pytest.approx(27 * 96 * 0.20 / 1e6)


def test_without_a_watch_there_is_nothing_of_it() -> None:
    """Logs are those of POSTs; schedule and polls are the flusher's."""
    watched, bare = (amounts(usage.steady(BUSY, KEPT, watch)) for watch in (WATCH, NO_WATCH))
    assert {name for name, usd in watched.items() if usd and not bare[name]} == {
        *("metrics", "alarms", "dashboard", "canary-invocations", "canary-compute", "canary-urls"),
        *("digester-invocations", "digester-compute", "digest-lists", "digest-checksums"),
    }
    assert bare["logs"] == pytest.approx(12_008_640 * 81 / GB * 0.50)
    assert bare["schedule"] == pytest.approx(0.0432)


def test_an_alarm_of_an_app_is_charged_unless_the_app_may_be_silent() -> None:
    def watch(*hours: int) -> Watch:
        return Watch.of(Watched("raxx-log", "/raxx/", dict(zip(APPS, hours, strict=True))))

    assert watch(2, 2, 2) == WATCH
    assert watch(2, 0, 2) == WATCH._replace(alarms=19)


def test_an_empty_archive_costs_what_stands_there() -> None:
    """The flusher runs, whether there is anything or not; before today nobody knows of a stack."""
    found = used({})
    assert bill.total(found.last) == 0
    assert {name for name, usd in amounts(found.steady).items() if usd} == {
        *("schedule", "flusher-invocations", "polls", "logs", "metrics"),
        *("alarms", "dashboard", "canary-invocations", "canary-compute", "canary-urls", "key"),
        *("digester-invocations", "digester-compute", "digest-lists"),
    }


def test_a_batch_is_charged_for_two_weeks_in_the_buffer() -> None:
    """At 874 bytes each: 100,000 batches of 25 October are there for 6.5 days of October and 7.5 of November."""
    found = used({date(2026, 10, 25): Day(batches=100_000, body_bytes=117_600_000)})
    assert found.last.buffer_bytes == pytest.approx(87_400_000 * 6.5 / 31)
    assert found.so_far.buffer_bytes == pytest.approx(87_400_000 * 7.5 / 30)
    canaries = used({date(2026, 10, 25): Day(canaries=100)})
    assert 20_000 * 6.5 / 31 < canaries.last.buffer_bytes < 60_000 * 6.5 / 31, "which are items too"


def test_queries_without_objects_read_nothing() -> None:
    found = used({date(2026, 10, 5): Day(queries=1, scanned_bytes=100, charged_bytes=GB)})
    assert found.last.objects_read == 0
    assert amounts(found.last)["scans"] == pytest.approx(5 / 1024)


days_of_an_archive = st.dictionaries(
    st.dates(date(2025, 9, 1), date(2026, 11, 24)),
    st.builds(
        Day,
        objects=st.integers(0, 10**5),
        bytes=st.integers(0, 10**10),
        glacier_objects=st.integers(0, 10**5),
        glacier_bytes=st.integers(0, 10**10),
        result_bytes=st.integers(0, 10**9),
        charged_bytes=st.integers(0, 10**12),
    ),
    max_size=30,
)


@given(days_of_an_archive)
@settings(max_examples=50, deadline=None)
def test_a_month_costs_no_less_than_it_has_so_far(days: usage.Days) -> None:
    found = used(days)
    for name, usd in amounts(found.so_far).items():
        assert amounts(found.projected)[name] >= usd - 1e-9


@given(days_of_an_archive)
@settings(max_examples=50, deadline=None)
def test_every_byte_is_in_one_class_at_a_time(days: usage.Days) -> None:
    """In October: Standard and Glacier together are what was there, whatever moved when."""
    last = used(days).last
    there = sum(
        (added.bytes + added.glacier_bytes)
        * usage.month_before(NOW).months(day.toordinal() + 0.5, day.toordinal() + 366)
        + added.result_bytes * usage.month_before(NOW).months(day.toordinal() + 0.5, day.toordinal() + 31)
        for day, added in days.items()
    )
    assert math.isclose(last.standard_bytes + last.glacier_bytes, there, rel_tol=1e-9, abs_tol=1)


# ---------------------------------------------------------------- the verdict


def over(days: usage.Days, limit_usd: float) -> list[str]:
    return [finding.partition(": ")[2].partition(" costs")[0] for finding in used(days).over(limit_usd)]


def test_each_month_that_is_over_the_limit_is_a_finding() -> None:
    """The busy archive moves its first objects in February: until then there is less to pay."""
    days = every_day(BUSY, date(2026, 11, 1), date(2026, 11, 23))
    found = used(days)
    assert bill.total(found.last) < bill.total(found.projected) < bill.total(found.steady) < 36
    assert over(days, 36) == []
    assert over(days, bill.total(found.steady)) == [], "what is just the limit is not over it"
    assert over(days, bill.total(found.projected)) == ["a month with a full archive, at today's rate,"]
    assert over(days, 1) == ["this month, at today's rate,", "a month with a full archive, at today's rate,"]


def test_a_finding_names_the_largest_item() -> None:
    days = every_day(BUSY, date(2026, 11, 1), date(2026, 11, 23))
    *_, finding = used(days).over(15)
    assert finding == (
        "over the limit of $15.00: a month with a full archive, at today's rate, costs $35.19, "
        "of which $12.01 for requests to the HTTP API"
    )


# ---------------------------------------------------------------- small objects


def test_an_object_pays_for_its_move_from_197_kb_on() -> None:
    """275 days are 9.1667 months of 30.

    A move costs $0.00003. Of an object's overhead 8,192 bytes cost $0.023 and 32,768 cost $0.0036 a GB and month,
    $0.000002616 in all; a byte saves ($0.023 - $0.0036) / 2^30 x 9.1667 = $1.6562e-10.
    """
    assert small_objects.break_even(KEPT) == pytest.approx((0.00003 + 0.0000026156) / 1.656202e-10, rel=1e-5)


@given(st.integers(1, 300), st.integers(90, 3000))
def test_at_the_break_even_a_move_saves_its_fee(archive_days: int, days_there: int) -> None:
    kept = Retention(archive_days, archive_days + days_there, 30)
    size = small_objects.break_even(kept)
    assert size
    moved = small_objects.move(size, kept)
    assert moved.saving == pytest.approx(moved.fee)


def test_a_day_in_glacier_never_pays() -> None:
    """Ninety are charged: keeping archiveAfterDays just below expireAfterDays is the dearest of all."""
    kept = Retention(364, 365, 30)
    assert small_objects.break_even(kept) is None
    assert small_objects.move(10**9, kept).saving < 0


@pytest.mark.parametrize(
    ("per_day", "says"),
    [
        (Day(), []),
        (
            MANY,
            [
                "costs $30.00 and saves $5.67; here $9.00 and $1.70 per month; it pays from 197 KB up",
                "another archiveAfterDays",
            ],
        ),
        (Day(objects=1000, bytes=150 * MB), ["here $0.90 and $0.67 per month"]),
        (Day(objects=1000, bytes=500 * MB), ["here $0.90 and $2.41 per month"]),
    ],
)
def test_the_verdict_on_glacier_has_numbers_and_says_what_to_do(per_day: Day, says: list[str]) -> None:
    """What to do helps objects under 128 KB only; below the break-even and above that there is nothing to set."""
    said = list(small_objects.advice(per_day, KEPT))
    assert len(said) == len(says)
    assert all(part in sentence for part, sentence in zip(says, said, strict=True))


# ---------------------------------------------------------------- what is assumed


TALLY = Tally("raxx-console-prod", batches=400, lines=2_000, bytes=470_000, lag_ms=1_400)
STORED = of_stored(TALLY, 90_000, Slot.of(1_790_000_000_000, 5))
RUN = Entry([Point(Metric.BEHIND, 0), *(Point(Metric.SILENCE, 0, app) for app in APPS)])


def test_the_flushers_metrics_are_those_that_are_charged_for() -> None:
    assert {point.metric for entry in (STORED, RUN) for point in entry.points} == {*bill.EVERY_HOUR}


def test_three_apps_have_as_many_metrics_as_are_free() -> None:
    """Two of each app and one more, and three when something is amiss."""
    assert bill.steady_series(3) == 7
    assert bill.rare_series(3) == 3
    assert prices.CLOUDWATCH_METRIC.free == 10


def test_logs_take_about_as_much_as_is_charged_for() -> None:
    """The access log's line, the lines of metrics of an object and of a run; and CloudWatch's 26 bytes for each."""
    values = {"ip": "54.204.112.118", "requestId": "aBcDeFgHIAMEJzw=", "error": '"-"', "integrationError": '"-"'}
    accessed = " ".join(values.get(field, "200") for field in access_log.FIELDS)

    def charged(entry: Entry) -> int:
        events = lines(entry, "raxx-log-receiver", 1_790_000_000_000).splitlines()
        return sum(len(event) + 26 for event in events)

    assert len(accessed) + 26 == pytest.approx(bill.POST_LOG_BYTES, rel=0.1)
    assert charged(STORED) == pytest.approx(bill.OBJECT_LOG_BYTES, rel=0.02)
    assert charged(RUN) == pytest.approx(bill.RUN_LOG_BYTES + 3 * bill.APP_RUN_LOG_BYTES, rel=0.02)
    one = Entry(RUN.points[:2])
    assert charged(RUN) - charged(one) == pytest.approx(2 * bill.APP_RUN_LOG_BYTES, rel=0.02)


def test_the_functions_memory_is_the_stacks() -> None:
    assert Settings().receiver_memory_mb == bill.RECEIVER_MB
    assert Settings().flusher_memory_mb == bill.FLUSHER_MB
    assert canary.MEMORY_MB == bill.CANARY_MB
    assert digester.MEMORY_MB == bill.DIGESTER_MB


# Each type of AWS resource that the stack has, and the line of the bill that it is on; None is free.
ON_THE_BILL = {
    "apigatewayv2/api:Api": "api",
    "apigatewayv2/integration:Integration": None,
    "apigatewayv2/route:Route": None,
    "apigatewayv2/stage:Stage": None,
    "athena/namedQuery:NamedQuery": None,
    "athena/workgroup:Workgroup": "scans",
    "budgets/budget:Budget": None,
    "cloudwatch/dashboard:Dashboard": "dashboard",
    "cloudwatch/logGroup:LogGroup": "logs",
    "cloudwatch/metricAlarm:MetricAlarm": "alarms",
    "cloudwatch/queryDefinition:QueryDefinition": None,
    "dynamodb/resourcePolicy:ResourcePolicy": None,
    "dynamodb/table:Table": "writes",
    "glue/catalogDatabase:CatalogDatabase": None,
    "glue/catalogTable:CatalogTable": None,
    "iam/role:Role": None,
    "iam/rolePolicy:RolePolicy": None,
    "iam/user:User": None,
    "iam/userPolicy:UserPolicy": None,
    "kms/key:Key": "key",
    "lambda/function:Function": "compute",
    "lambda/functionEventInvokeConfig:FunctionEventInvokeConfig": None,
    "lambda/permission:Permission": None,
    "s3/bucket:Bucket": "standard",
    "s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration": "transitions",
    "s3/bucketNotification:BucketNotification": None,
    "s3/bucketOwnershipControls:BucketOwnershipControls": None,
    "s3/bucketPolicy:BucketPolicy": None,
    "s3/bucketPublicAccessBlock:BucketPublicAccessBlock": None,
    "s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration": None,
    "s3/bucketVersioning:BucketVersioning": None,
    "scheduler/schedule:Schedule": "schedule",
    "scheduler/scheduleGroup:ScheduleGroup": None,
    "sns/topic:Topic": None,
    "sns/topicPolicy:TopicPolicy": None,
    "sns/topicSubscription:TopicSubscription": None,
    "sqs/queue:Queue": "polls",
    "sqs/queuePolicy:QueuePolicy": None,
    "ssm/parameter:Parameter": None,
}


def test_everything_that_the_stack_has_is_on_the_bill_or_free() -> None:
    """A new type of resource needs a line in runbook/cost/bill.py, or None here."""
    types = {each.type.removeprefix("aws:") for each in run().resources.values() if each.type.startswith("aws:")}
    assert types == set(ON_THE_BILL)
    assert {name for name in ON_THE_BILL.values() if name} <= {item.name for item in ITEMS}
