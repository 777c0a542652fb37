"""`cost`: what it finds in bucket and workgroup, what it says of that, and that the reader role suffices for it."""

import gzip
import io
import json
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from contract.object_keys import ObjectKey, batch_id
from contract.outputs import Outputs
from local.stack import LocalStack, Options
from runbook.clients import aws
from runbook.clients.athena import Athena
from runbook.cost import cloudwatch, inventory
from runbook.cost.usage import Day
from runbook.terminal import printing
from tests.support.policy_evaluation import Ask, allows
from tests.support.runbook_cli import Run, check_transcript, runner

NOW = datetime(2026, 11, 24, 6, 0, tzinfo=UTC)
API, CONSOLE, GONE = "raxx-api-prod", "raxx-console-prod", "raxx-gone-prod"
MB = 10**6
TODAY = NOW.date()


# ---------------------------------------------------------------- the command


def came_by_key(parsed: dict[str, Any], **_: Any) -> None:
    """Let objects have come at the time of their keys, not now, and be of 50 KB."""
    for stored in parsed.get("Contents", []):
        stored["Size"] = 50_000
        if stored["Key"].startswith("logs/"):
            stored["LastModified"] = ObjectKey.parse(stored["Key"]).time
        else:
            stored["LastModified"] = NOW


@pytest.fixture(scope="module")
def stack() -> Iterator[LocalStack]:
    """A stack with an object of one app every six hours since 20 August, the oldest in Glacier; and one query."""
    with LocalStack(Options(clock=NOW)) as running:
        s3, bucket = running.client("s3"), running.outputs["bucket"]
        # Not compressed, so that Athena scans as many bytes everywhere.
        body = gzip.compress(b"<190>1 2026-11-24T05:00:00+00:00 host app web.1 - - hi\n", 0, mtime=0)
        for number in range(1, 97 * 4):
            came = NOW - timedelta(hours=6 * number)
            key = ObjectKey(API, int(came.timestamp() * 1000), batch_id(API, str(number)))
            kind = "GLACIER" if (TODAY - came.date()).days > 90 else "STANDARD"
            s3.put_object(Bucket=bucket, Key=str(key), Body=body, StorageClass=kind)
        athena = Athena(running.client("athena"), running.outputs["workgroup"], running.outputs["database"])
        athena.run("SELECT count(*) FROM syslog WHERE year = '2026' AND month = '11' AND day = '23'")
        yield running


@pytest.fixture
def runbook(stack: LocalStack, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Run:
    """`runbook("cost")` runs the command line against the local stack, at its time; objects came by their keys."""

    def client(session: Any, service: str) -> Any:
        made = aws.make_client(session, service)
        made.meta.events.register("after-call.s3.ListObjectsV2", came_by_key)
        return made

    found = runner(stack, monkeypatch, capfd, NOW)
    found.make_client = client
    return found


SCENARIO = Day(
    objects=864,
    bytes=94 * MB,
    app_slots=864,
    queries=1,
    scanned_bytes=660 * MB,
    charged_bytes=660 * MB,
)
TRAFFIC = {
    "posts": 425_000.0,
    "lines": 2_125_000.0,
    "body_bytes": 500.0 * MB,
    "receiver_ms": 425_000 * 15.0,
    "flusher_ms": 500_000.0,
    "write_units": 459_000.0,
    "read_units": 248_000.0,
}


@pytest.fixture
def scenario(monkeypatch: pytest.MonkeyPatch) -> None:
    """An archive of 500 MB a day in POSTs of five lines, seven months old."""
    days = {TODAY - timedelta(back): SCENARIO for back in range(1, 91)}
    moved = replace(SCENARIO, objects=0, bytes=0, glacier_objects=864, glacier_bytes=94 * MB)
    days |= {TODAY - timedelta(back): moved for back in range(91, 210)}
    days[TODAY] = SCENARIO * 0.25
    found = {TODAY - timedelta(back): TRAFFIC for back in range(1, 55)}
    found[TODAY] = {name: value / 4 for name, value in TRAFFIC.items()}
    monkeypatch.setattr(inventory, "of_bucket", lambda *_: days)
    monkeypatch.setattr(cloudwatch, "of_days", lambda *_: found)


@pytest.fixture
def elsewhere(stack: LocalStack, monkeypatch: pytest.MonkeyPatch) -> None:
    """Outputs on standard input: of a stack in another region, with a lower limit, that deletes early."""
    outputs = {**stack.outputs, "region": "eu-west-1", "budgetUsd": 30, "expireAfterDays": 150}
    monkeypatch.setattr("sys.stdin", io.StringIO(json.dumps(outputs)))


@pytest.fixture
def generous(stack: LocalStack, monkeypatch: pytest.MonkeyPatch) -> None:
    """Outputs on standard input: with a higher limit."""
    monkeypatch.setattr("sys.stdin", io.StringIO(json.dumps({**stack.outputs, "budgetUsd": 40})))


def test_the_transcript_of_an_archive_below_its_limit(runbook: Run, scenario: None, generous: None) -> None:
    arguments = ["--outputs", "-", "cost"]
    answer = runbook(*arguments)
    check_transcript("cost", arguments, answer)
    assert answer.code == 0


def test_the_transcript_of_one_over_its_limit_in_another_region(runbook: Run, scenario: None, elsewhere: None) -> None:
    arguments = ["--outputs", "-", "cost"]
    answer = runbook(*arguments)
    check_transcript("cost-over", arguments, answer)
    assert answer.code == 1


def test_the_transcript_of_what_is_listed(runbook: Run) -> None:
    check_transcript("cost-json", ["cost", "--json"], runbook("cost", "--json"))


def test_the_transcript_of_an_empty_archive(runbook: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inventory, "of_bucket", lambda *_: {})
    monkeypatch.setattr(inventory, "of_workgroup", lambda *_: {})
    check_transcript("cost-empty", ["cost"], runbook("cost"))


def test_json_says_of_each_line_what_its_price_is_and_of_when(runbook: Run, scenario: None) -> None:
    document = json.loads(runbook("cost", "--json").out)
    for line in document["items"]:
        assert line["price"]["as_of"] == document["prices"]["as_of"]
        assert line["usd"]["last_month"] == pytest.approx(
            line["quantity"]["last_month"] / line["price"]["per"] * line["price"]["usd"], abs=1e-6
        )
    for month, usd in document["total_usd"].items():
        assert usd == pytest.approx(sum(line["usd"][month] for line in document["items"]), abs=1e-5)


def test_the_reader_roles_rights_suffice(runbook: Run, asked: list[Ask], reader: dict[str, Any]) -> None:
    assert runbook("cost").code == 0
    assert {ask.action for ask in asked} == {
        *("ssm:GetParameter", "s3:ListBucket", "athena:ListQueryExecutions", "athena:BatchGetQueryExecution"),
        "cloudwatch:GetMetricData",
    }
    refused = [ask for ask in asked if not allows(reader, ask)]
    assert {ask.action for ask in refused} <= {"cloudwatch:GetMetricData"}, "which the command can do without"


def test_without_the_right_to_read_metrics_traffic_is_unknown(runbook: Run) -> None:
    """And estimated, and said so; everything else is as it was."""
    runbook.make_client = refusing("cloudwatch", "GetMetricData", runbook.make_client)
    answer = runbook("cost", "--json")
    document = json.loads(answer.out)
    basis = {item["name"]: item["basis"] for item in document["items"]}
    assert basis["api"] == basis["writes"] == "estimated"
    assert basis["standard"] == "listed"
    assert document["traffic"]["lines_per_post"] is None
    assert document["traffic"]["objects_per_app_and_slot"] == 1
    [note] = [note for note in document["notes"] if note.startswith("POSTs and lines are unknown")]
    assert "you are not allowed to call GetMetricData" in note


def test_metrics_of_the_local_cloudwatch_are_measured(stack: LocalStack) -> None:
    """400 POSTs of 458,250 bytes on the day before, of which the flusher stored 1,950 lines."""
    # Those of another stack and app, as the transcripts are of a stack without metrics.
    api, space, app = "a1b2c3", "other-receiver", "other-api-prod"
    yesterday = NOW - timedelta(days=1)
    metrics = stack.client("cloudwatch")
    for namespace, name, dimension, value, amount in (
        ("AWS/ApiGateway", "Count", "ApiId", api, 400),
        ("AWS/ApiGateway", "DataProcessed", "ApiId", api, 458_250),
        (space, "Lines", "app", app, 1_950),
    ):
        datum = {
            "MetricName": name,
            "Dimensions": [{"Name": dimension, "Value": value}],
            "Timestamp": yesterday,
            "Value": amount,
        }
        metrics.put_metric_data(Namespace=namespace, MetricData=[datum])
    endpoint = f"https://{api}.execute-api.us-east-1.amazonaws.com/prod/drain"
    changed = {"endpoint": endpoint, "namePrefix": "other", "apps": [app]}
    outputs = Outputs.parse(json.dumps({**stack.outputs, **changed}), "the outputs")
    found = cloudwatch.of_days(metrics, outputs, date(2026, 10, 1), NOW)
    assert found == {yesterday.date(): {"posts": 400, "lines": 1_950, "body_bytes": 458_250}}


def refusing(service: str, operation: str, make_client: aws.MakeClient) -> aws.MakeClient:
    """The clients, which may not do one thing."""
    from botocore.exceptions import ClientError

    def refuse(**_: Any) -> None:
        raise ClientError({"Error": {"Code": "AccessDenied", "Message": "no"}}, operation)

    def make(session: Any, name: str) -> Any:
        client = make_client(session, name)
        client.meta.events.register(f"before-call.{service}.{operation}", refuse)
        return client

    return make


def test_lack_of_rights_is_could_not_tell(runbook: Run) -> None:
    runbook.make_client = refusing("s3", "ListObjectsV2", aws.make_client)
    answer = runbook("cost")
    assert (answer.code, answer.out) == (2, "")
    assert answer.err.startswith("error: could not tell")


def test_a_terminal_sees_how_far_it_is(
    runbook: Run, scenario: None, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """A listing of millions takes minutes."""
    from rich.console import Console

    seen = io.StringIO()
    terminal = Console(file=seen, force_terminal=True, width=100)
    monkeypatch.setattr(printing, "console", lambda *, stderr=False: terminal)

    def slow(_: Any, __: str, watch: inventory.Watch, *___: int) -> dict[date, Day]:
        watch(1_234_567)
        return {}

    monkeypatch.setattr(inventory, "of_bucket", slow)
    assert runbook("cost").code in {0, 1}
    assert "listing the archive, 1,234,567 objects" in seen.getvalue()


# ---------------------------------------------------------------- the bucket


class FakeBucket:
    """S3's listing of objects, two a page: key -> (size, class, time)."""

    def __init__(self, objects: dict[str, tuple[int, str, datetime]]) -> None:
        self.objects, self.prefixes = objects, list[str]()

    def get_paginator(self, name: str) -> "FakeBucket":
        assert name == "list_objects_v2"
        return self

    def paginate(self, *, Bucket: str, Prefix: str, Delimiter: str = "") -> Iterator[dict[str, Any]]:  # noqa: N803
        self.prefixes.append(Prefix)
        keys = sorted(key for key in self.objects if key.startswith(Prefix))
        if Delimiter:
            heads = {
                key.removeprefix(Prefix).partition(Delimiter)[0]
                for key in keys
                if Delimiter in key.removeprefix(Prefix)
            }
            entries = [("CommonPrefixes", {"Prefix": f"{Prefix}{head}{Delimiter}"}) for head in sorted(heads)]
        else:
            entries = [("Contents", self._describe(key)) for key in keys]
        for start in range(0, max(1, len(entries)), 2):
            page: dict[str, Any] = {"IsTruncated": start + 2 < len(entries)}
            for kind, entry in entries[start : start + 2]:
                page.setdefault(kind, []).append(entry)
            yield page

    def _describe(self, key: str) -> dict[str, Any]:
        size, kind, came = self.objects[key]
        return {"Key": key, "Size": size, "StorageClass": kind, "LastModified": came}


def listed(objects: dict[str, tuple[int, str, datetime]]) -> dict[date, Day]:
    return inventory.of_bucket(FakeBucket(objects), "b")  # type: ignore[arg-type]


def lines(
    app: str, day: str, name: int, size: int, came: str, kind: str = "STANDARD"
) -> dict[str, tuple[int, str, datetime]]:
    return {f"logs/{app}/{day}/{name}.gz": (size, kind, datetime.fromisoformat(came).replace(tzinfo=UTC))}


def test_objects_are_summed_by_the_day_on_which_they_came() -> None:
    """Not by that of their lines: what was late, and what waited in the spill queue, came later."""
    found = listed(
        {
            **lines(API, "2026/11/22", 1, 10, "2026-11-22T23:59:59"),
            **lines(API, "2026/11/22", 2, 20, "2026-11-23T00:00:00"),
            **lines(API, "2026/11/23", 3, 40, "2026-11-23T00:10:00"),
        }
    )
    assert {day: (added.objects, added.bytes) for day, added in found.items()} == {
        date(2026, 11, 22): (1, 10),
        date(2026, 11, 23): (2, 60),
    }


def test_classes_are_told_apart() -> None:
    found = listed(
        {
            **lines(API, "2026/08/01", 1, 10, "2026-08-01T05:00", "GLACIER"),
            **lines(API, "2026/08/01", 2, 20, "2026-08-01T05:00"),
        }
    )
    assert found == {date(2026, 8, 1): Day(objects=1, bytes=20, glacier_objects=1, glacier_bytes=10)}


def test_slots_are_counted_by_the_times_in_the_keys() -> None:
    """Two objects of one slot, one of the next, and one of the same slot of another app: three slots of apps."""
    noon = int(datetime(2026, 11, 22, 12, tzinfo=UTC).timestamp() * 1000)
    keys = [
        ObjectKey(app, noon + seconds * 1000, batch_id(app, str(seconds)))
        for app, seconds in ((API, 1), (API, 299), (API, 300), (CONSOLE, 2))
    ]
    came = datetime(2026, 11, 22, 12, 10, tzinfo=UTC)
    bucket = FakeBucket({str(key): (10, "STANDARD", came) for key in keys})
    assert inventory.of_bucket(bucket, "b")[came.date()].app_slots == 3  # type: ignore[arg-type]
    assert inventory.of_bucket(bucket, "b", minutes=10)[came.date()].app_slots == 2  # type: ignore[arg-type]


def test_results_are_no_lines() -> None:
    came = datetime(2026, 11, 22, 5, tzinfo=UTC)
    found = listed({f"athena-results/{number}.csv": (100, "STANDARD", came) for number in range(5)})
    assert found == {came.date(): Day(results=5, result_bytes=500)}


def test_apps_that_are_no_longer_the_stacks_and_years_before_the_tables_count() -> None:
    found = listed(lines(GONE, "2025/12/31", 1, 10, "2025-12-31T23:00"))
    assert found[date(2025, 12, 31)].objects == 1


def test_an_empty_bucket_has_no_days() -> None:
    assert listed({}) == {}


def test_only_days_that_there_are_are_listed() -> None:
    bucket = FakeBucket(
        {**lines(API, "2026/01/01", 1, 1, "2026-01-01T05:00"), **lines(API, "2026/11/22", 1, 1, "2026-11-22T05:00")}
    )
    inventory.of_bucket(bucket, "b")  # type: ignore[arg-type]
    assert {prefix for prefix in bucket.prefixes if prefix.count("/") == 5} == {
        f"logs/{API}/2026/01/01/",
        f"logs/{API}/2026/11/22/",
    }


def test_progress_is_told_as_it_goes() -> None:
    seen: list[int] = []
    objects = {
        key: value
        for day in ("20", "21", "22")
        for key, value in lines(API, f"2026/11/{day}", 1, 1, f"2026-11-{day}T05:00").items()
    }
    inventory.of_bucket(FakeBucket(objects), "b", seen.append)  # type: ignore[arg-type]
    assert seen == [1, 2, 3, 3]


# ---------------------------------------------------------------- the workgroup


class FakeAthena:
    """Query executions, 50 a page, as Athena has them; `batches` are the sizes of what was asked at once."""

    def __init__(self, executions: Sequence[dict[str, Any]]) -> None:
        self._executions = {str(number): execution for number, execution in enumerate(executions)}
        self.batches: list[int] = []

    def get_paginator(self, name: str) -> "FakeAthena":
        assert name == "list_query_executions"
        return self

    def paginate(self, *, WorkGroup: str) -> Iterator[dict[str, Any]]:  # noqa: N803
        ids = list(self._executions)
        for start in range(0, max(1, len(ids)), 50):
            yield {"QueryExecutionIds": ids[start : start + 50]}

    def batch_get_query_execution(self, *, QueryExecutionIds: list[str]) -> dict[str, Any]:  # noqa: N803
        assert 1 <= len(QueryExecutionIds) <= 50, "what Athena allows"
        self.batches.append(len(QueryExecutionIds))
        return {"QueryExecutions": [self._executions[each] for each in QueryExecutionIds]}


def execution(scanned: int, day: int = 22, state: str = "SUCCEEDED", statement: str = "DML") -> dict[str, Any]:
    return {
        "StatementType": statement,
        "Status": {"State": state, "SubmissionDateTime": datetime(2026, 11, day, 5, tzinfo=UTC)},
        "Statistics": {"DataScannedInBytes": scanned},
    }


def test_thousands_of_queries_are_read_fifty_at_a_time() -> None:
    athena = FakeAthena([execution(20 * MB, day=1 + number % 20) for number in range(3_120)])
    found = inventory.of_workgroup(athena, "w")  # type: ignore[arg-type]
    assert len(found) == 20
    assert found[date(2026, 11, 1)] == Day(queries=156, scanned_bytes=156 * 20 * MB, charged_bytes=156 * 20 * MB)
    assert athena.batches == [50] * 62 + [20]


def test_a_workgroup_without_queries_has_no_days() -> None:
    athena = FakeAthena([])
    assert inventory.of_workgroup(athena, "w") == {}  # type: ignore[arg-type]
    assert athena.batches == []


def test_a_query_that_has_no_statistics_yet_is_a_query() -> None:
    queued = execution(0, state="QUEUED")
    del queued["Statistics"]
    del queued["StatementType"]
    assert inventory.of_workgroup(FakeAthena([queued]), "w") == {date(2026, 11, 22): Day(queries=1)}  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("statement", "state", "scanned", "charged"),
    [
        pytest.param("DML", "SUCCEEDED", 25 * MB, 25 * MB, id="what-it-scanned"),
        pytest.param("DML", "SUCCEEDED", 1, 10 * 2**20, id="10-MB-at-least"),
        pytest.param("DML", "SUCCEEDED", 0, 10 * 2**20, id="10-MB-of-no-object"),
        pytest.param("DML", "CANCELLED", 25 * MB, 25 * MB, id="cancelled"),
        pytest.param("DML", "CANCELLED", 0, 0, id="cancelled-before-it-ran"),
        pytest.param("DML", "FAILED", 25 * MB, 0, id="failed"),
        pytest.param("DML", "RUNNING", 25 * MB, 0, id="not-over-yet"),
        pytest.param("DDL", "SUCCEEDED", 25 * MB, 0, id="ddl"),
        pytest.param("UTILITY", "SUCCEEDED", 0, 0, id="show-tables"),
        pytest.param("UTILITY", "SUCCEEDED", 25 * MB, 25 * MB, id="explain-analyze"),
    ],
)
def test_a_query_is_charged_by_athenas_rules(statement: str, state: str, scanned: int, charged: int) -> None:
    assert inventory.charged_bytes(statement, state, scanned) == charged
