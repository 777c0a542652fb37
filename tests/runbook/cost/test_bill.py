"""The bill: months, storage, moves and rates in cases worked out by hand, and what it assumes of the receiver."""

import json
import math
from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contract.metrics import RESPONSE_STATUSES
from infra.endpoint import ACCESS_LOG
from infra.settings import Settings
from receiver.accepted_keys import AcceptedKeys
from receiver.aws import Unavailable
from receiver.handler import Receiver
from receiver.metrics import Point, lines
from runbook.cost import bill, small_objects, usage
from runbook.cost.bill import ITEMS, Bill
from runbook.cost.usage import Day, Retention, Usage
from tests.support.fakes import APP, KEY, FakeLogBucket, FakeParameter, FakeQueue, drain_event, gateway_context
from tests.support.logplex_frames import NOON_MS, body, message
from tests.support.recording_monitor import run

NOW = datetime(2026, 11, 24, 6, 0, tzinfo=UTC)
KEPT = Retention(archive_days=90, expire_days=365, results_days=30)
MB = 10**6
GB = 2**30  # as AWS counts them
# The scenario of the runbook's cost table: 10,000 objects and 500 MB a day of three apps, 5 GB scanned a month.
SEED = Day(
    objects=10_000, bytes=500 * MB, hours=24, app_hours=72, queries=1, scanned_bytes=5e9 / 30, charged_bytes=5e9 / 30
)


def every_day(per_day: Day, first: date, last: date) -> dict[date, Day]:
    return {first + timedelta(number): per_day for number in range((last - first).days + 1)}


def used(days: usage.Days, now: datetime = NOW, kept: Retention = KEPT) -> Bill:
    return bill.of(days, kept, now)


def amounts(use: Usage) -> dict[str, float]:
    return {item.name: item.usd(use) for item in ITEMS}


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


# ---------------------------------------------------------------- the scenario of the runbook's table


def test_ten_thousand_objects_a_day_cost_nine_dollars_a_month_in_moves_alone() -> None:
    """Each line worked out by hand, for a month of 30 days with a full archive."""
    assert amounts(usage.steady(SEED, KEPT)) == pytest.approx(
        {
            "standard": 90.5 * 500 * MB / GB * 0.023,  # half of the day it comes on and 90 more
            "glacier": 275 * 500 * MB / GB * 0.0036,  # the other days
            "glacier-overhead": 83.923 * 0.0036,  # 2,750,000 objects x 32,768 bytes = 83.923 GB
            "standard-overhead": 20.981 * 0.023,  # 2,750,000 objects x 8,192 bytes = 20.981 GB
            "transitions": 9.00,  # 300,000 x $0.03 a thousand
            "puts": 1.50,  # 300,000 x $0.005 a thousand
            "gets": 0.04,  # 5 GB are 100,000 objects of 50 KB x $0.0004 a thousand
            "scans": 5e9 / (1024 * GB) * 5,  # 5 GB of a TB for $5
            "api": 0.30,  # 300,000 x $1 a million
            "invocations": 0.06,  # 300,000 x $0.20 a million
            "compute": 0.1000005,  # 300,000 x 0.05 s x 0.5 GB x $0.0000133334
            "logs": 0.391155 * 0.50,  # 300,000 x 1,400 bytes
            "metrics": 5.10,  # five of each of three apps and two more: 17 x $0.30
            "polls": 0.2592,  # five every 20 s, for 30 days: 648,000 x $0.40 a million
        },
        rel=1e-5,
    )


def test_the_same_bytes_in_a_tenth_of_the_objects() -> None:
    """What is charged by the object is a tenth, what is charged by the byte the same."""
    fewer = Day(objects=1_000, bytes=500 * MB, hours=24, app_hours=72)
    many, few = amounts(usage.steady(SEED, KEPT)), amounts(usage.steady(fewer, KEPT))
    for name in ("transitions", "puts", "api", "invocations", "compute", "logs", "glacier-overhead"):
        assert few[name] == pytest.approx(many[name] / 10)
    for name in ("standard", "glacier", "metrics", "polls"):
        assert few[name] == pytest.approx(many[name])


def test_an_archive_that_was_always_like_this_costs_in_every_month_what_the_steady_state_says() -> None:
    """June has 30 days, as a month of the steady state."""
    days = every_day(SEED, date(2025, 1, 1), date(2026, 7, 9))
    in_glacier = Day(glacier_objects=SEED.objects, glacier_bytes=SEED.bytes, hours=24, app_hours=72)
    moved = {day: in_glacier if (date(2026, 7, 10) - day).days > 90 else added for day, added in days.items()}
    found = used(moved, at("2026-07-10"))
    for name in ("standard", "glacier", "transitions", "puts", "metrics"):
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
    never = usage.steady(SEED, Retention(365, 365, 30))
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
    assert used(days, at("2028-03-05T12:00")).last.added.batches == 29


def test_the_first_moment_of_a_month_has_used_nothing_and_projects_all_of_it() -> None:
    days = every_day(Day(objects=10, bytes=MB, hours=24, app_hours=24), date(2026, 11, 1), date(2026, 11, 30))
    found = used(days, at("2026-12-01"))
    assert bill.total(found.so_far) == 0
    assert found.projected.added.batches == pytest.approx(310)
    assert found.last.added.batches == 300


def test_objects_of_another_year_are_on_the_bill() -> None:
    found = used({date(2025, 12, 20): Day(objects=5, bytes=MB)}, at("2026-01-10"))
    assert found.last.added.batches == 5


def test_the_rest_of_a_month_goes_on_at_todays_rate() -> None:
    """23 days of 100, a quarter of a day of 25 so far; three quarters of a day and 6 more days to come."""
    days = every_day(Day(objects=100, bytes=MB), date(2026, 11, 1), date(2026, 11, 23)) | {NOW.date(): Day(objects=25)}
    found = used(days)
    assert found.so_far.added.batches == 2_325
    assert found.projected.added.batches == pytest.approx(2_325 + 675)


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
        pytest.param({NOW.date(): Day(objects=60, hours=6)}, 240, id="six-hours-old"),
    ],
)
def test_a_rate_is_of_seven_full_days_or_of_those_there_are(days: usage.Days, per_day: float) -> None:
    assert usage.rate(days, NOW).batches == pytest.approx(per_day)


def test_a_rate_does_not_care_in_which_class_its_objects_are() -> None:
    """With archiveAfterDays: 1 most of the last seven days' are in Glacier; tomorrow's will not be, at first."""
    days = every_day(Day(glacier_objects=10, glacier_bytes=MB), date(2026, 11, 1), date(2026, 11, 22))
    per_day = usage.rate(days | {date(2026, 11, 23): Day(objects=10, bytes=MB)}, NOW)
    assert (per_day.objects, per_day.bytes, per_day.glacier_objects) == pytest.approx((10, MB, 0))


def test_a_silent_app_costs_no_metrics() -> None:
    """Charged by the hour with a value: two apps all day and one for 6 hours have 5 x 54 series-hours, and 2 x 24."""
    days = {date(2026, 10, 5): Day(objects=1, hours=24, app_hours=54)}
    assert amounts(used(days).last)["metrics"] == pytest.approx((5 * 54 + 2 * 24) / (31 * 24) * 0.30)


def test_an_empty_archive_costs_what_stands_there() -> None:
    """The queue is looked into, whether there is anything or not; before today nobody knows of a stack."""
    found = used({})
    assert bill.total(found.last) == 0
    assert {name for name, usd in amounts(found.steady).items() if usd} == {"polls"}


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
        hours=st.integers(0, 24),
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
    """Of the scenario, which moves its first objects in June: until then there is less to pay."""
    days = every_day(SEED, date(2026, 11, 1), date(2026, 11, 23))
    found = used(days)
    assert bill.total(found.last) < bill.total(found.projected) < bill.total(found.steady) < 20
    assert over(days, 20) == []
    assert over(days, bill.total(found.steady)) == [], "what is just the limit is not over it"
    assert over(days, 15) == ["a month with a full archive, at today's rate,"]
    assert over(days, 1) == ["this month, at today's rate,", "a month with a full archive, at today's rate,"]


def test_a_finding_names_the_largest_item() -> None:
    days = every_day(SEED, date(2026, 11, 1), date(2026, 11, 23))
    [finding] = used(days).over(15)
    assert finding == (
        "over the limit of $15.00: a month with a full archive, at today's rate, costs $18.79, "
        "of which $9.00 for transitions to Glacier"
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
            SEED,
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


def test_a_million_small_objects() -> None:
    """A million of 50 KB are 50,000 of 1 MB: a twentieth of each, as all of it is charged by the object."""
    rows = {what: (small, large) for what, small, large in small_objects.per_million(50_000, KEPT)}
    assert rows["PUT"] == pytest.approx((5.00, 0.25))
    assert rows["transition to Glacier"] == pytest.approx((30.00, 1.50))
    assert rows["Lambda"][0] == pytest.approx(0.20 + 0.333335)
    assert all(large == pytest.approx(small / 20) for small, large in rows.values())


# ---------------------------------------------------------------- what is assumed


def emitted(event: Mapping[str, Any], trouble: Unavailable | None = None) -> list[Point]:
    """What the receiver counts of an event; with a trouble, where neither S3 nor the queue takes anything."""
    points: list[Point] = []
    keys = AcceptedKeys(FakeParameter(json.dumps([KEY])).read)
    Receiver(frozenset({APP}), keys, FakeLogBucket(trouble), FakeQueue(trouble), points.extend).receive(event)
    return points


def post(**changes: Any) -> dict[str, Any]:
    """An ordinary batch; `changes` are of the request's context."""
    return drain_event(body(*[message()] * 100), requestContext=gateway_context(timeEpoch=NOON_MS, **changes))


def test_every_batch_has_the_metrics_that_are_charged_for() -> None:
    assert {point.metric for point in emitted(post())} == {*bill.EVERY_BATCH}


def test_the_receiver_gives_the_answers_whose_series_are_counted() -> None:
    down = Unavailable("s3-SlowDown", "")
    answers = [
        emitted(post()),
        emitted(drain_event(query="")),
        emitted(drain_event(rawPath="/prod/other")),
        emitted(post(http={"method": "GET", "path": "/prod/drain"})),
        emitted(post(), down),
    ]
    assert {points[0].dimension for points in answers} == {str(answer) for answer in RESPONSE_STATUSES}


def test_what_is_amiss_has_series_of_its_own() -> None:
    """Of three apps: four answers, eight reasons, two metrics of each app, three of none."""
    assert bill.rare_series(3) == 4 + 8 + 2 * 3 + 4


def test_a_batch_logs_about_as_much_as_is_charged_for() -> None:
    """The line of metrics; Lambda's START, END and REPORT; the API's line; and CloudWatch's 26 bytes for each."""
    request_id = "0f3d5bd2-5d0f-4a7e-9e4c-3a3c4b1f6a77"
    report = (
        f"REPORT RequestId: {request_id}\tDuration: 48.12 ms\tBilled Duration: 49 ms\tMemory Size: 512 MB\t"
        "Max Memory Used: 92 MB\t\n"
    )
    platform = f"START RequestId: {request_id} Version: $LATEST\n", f"END RequestId: {request_id}\n", report
    api = json.dumps(dict.fromkeys(ACCESS_LOG, "x" * 14))
    written = [lines(emitted(post()), "raxx-log-receiver", NOON_MS), *platform, api]
    assert sum(len(line) + 26 for line in written) == pytest.approx(bill.BATCH_LOG_BYTES, rel=0.1)


def test_the_receivers_memory_is_the_stacks() -> None:
    assert Settings().receiver_memory_mb == bill.RECEIVER_MB


# Each type of AWS resource that the stack has, and the line of the bill that it is on; None is free.
ON_THE_BILL = {
    "apigatewayv2/api:Api": "api",
    "apigatewayv2/integration:Integration": None,
    "apigatewayv2/route:Route": None,
    "apigatewayv2/stage:Stage": None,
    "athena/namedQuery:NamedQuery": None,
    "athena/workgroup:Workgroup": "scans",
    "cloudwatch/logGroup:LogGroup": "logs",
    "glue/catalogDatabase:CatalogDatabase": None,
    "glue/catalogTable:CatalogTable": None,
    "iam/role:Role": None,
    "iam/rolePolicy:RolePolicy": None,
    "iam/user:User": None,
    "iam/userPolicy:UserPolicy": None,
    "lambda/eventSourceMapping:EventSourceMapping": "polls",
    "lambda/function:Function": "compute",
    "lambda/permission:Permission": None,
    "s3/bucket:Bucket": "standard",
    "s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration": "transitions",
    "s3/bucketOwnershipControls:BucketOwnershipControls": None,
    "s3/bucketPolicy:BucketPolicy": None,
    "s3/bucketPublicAccessBlock:BucketPublicAccessBlock": None,
    "s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration": None,
    "s3/bucketVersioning:BucketVersioning": None,
    "sqs/queue:Queue": "polls",
    "ssm/parameter:Parameter": None,
}


def test_everything_that_the_stack_has_is_on_the_bill_or_free() -> None:
    """A new type, such as an alarm or a dashboard, needs a line in runbook/cost/bill.py, or None here."""
    types = {each.type.removeprefix("aws:") for each in run().resources.values() if each.type.startswith("aws:")}
    assert types == set(ON_THE_BILL)
    assert {name for name in ON_THE_BILL.values() if name} <= {item.name for item in ITEMS}
