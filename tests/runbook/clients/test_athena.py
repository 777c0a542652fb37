"""A query's life in Athena: started once, watched, read, and stopped whenever it is given up."""

import weakref
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError

from runbook.clients import athena, athena_failures, athena_values, aws
from runbook.clients.athena import Athena, Column, Progress, QueryFailed
from runbook.errors import Denied, RunbookError

ID = "68847828-372f-4253-a9cc-b99334981a05"
CALLS = ("start_query_execution", "get_query_execution", "get_query_results")


class FakeAthena:
    """The calls of one query, whose state is the next of `states` at each look; `interrupt` fails a call once."""

    def __init__(self, states: tuple[str, ...] = ("SUCCEEDED",), *, pages: list[dict[str, Any]] | None = None) -> None:
        self.states = list(states)
        self.pages = pages or [page(["n"], [["1"]])]
        self.calls: list[tuple[str, dict[str, Any]]] = []
        self.interrupt: dict[str, BaseException] = {}
        self.statement = "DML"
        self.status: dict[str, Any] = {"StateChangeReason": "SYNTAX_ERROR:\n line 1"}
        self.executions: dict[str, str] = {}

    def _called(self, name: str, **arguments: Any) -> None:
        self.calls.append((name, arguments))
        if name in self.interrupt:
            raise self.interrupt.pop(name)

    def start_query_execution(self, **arguments: Any) -> dict[str, Any]:
        # The request reaches Athena even where its answer does not reach us.
        id_ = self.executions.setdefault(arguments["ClientRequestToken"], ID)
        self._called("start_query_execution", **arguments)
        return {"QueryExecutionId": id_}

    def get_query_execution(self, **arguments: Any) -> dict[str, Any]:
        self._called("get_query_execution", **arguments)
        state = self.states.pop(0)
        return {
            "QueryExecution": {
                "QueryExecutionId": ID,
                "StatementType": self.statement,
                "Status": {
                    "State": state,
                    **(self.status if state == "FAILED" else {}),
                },
                "Statistics": {"DataScannedInBytes": 20_000_000, "TotalExecutionTimeInMillis": 1500},
                "ResultConfiguration": {"OutputLocation": f"s3://b/athena-results/{ID}.csv"},
            }
        }

    def stop_query_execution(self, **arguments: Any) -> dict[str, Any]:
        self._called("stop_query_execution", **arguments)
        return {}

    def get_paginator(self, _: str) -> "FakeAthena":
        return self

    def paginate(self, **arguments: Any) -> Iterator[dict[str, Any]]:
        for each in self.pages:
            self._called("get_query_results", **arguments)
            yield each

    @property
    def names(self) -> list[str]:
        return [name for name, _ in self.calls]

    def run(
        self, sql: str = "SELECT 1", *, pause: Callable[[float], object] = lambda _: None, **options: Any
    ) -> athena.Result:
        return self._athena(pause).run(sql, **options)

    def stream(self) -> athena.Stream:
        return self._athena(lambda _: None).stream("SELECT 1")

    def _athena(self, pause: Callable[[float], object]) -> Athena:
        return Athena(self, "raxx-log-queries", "raxx_heroku_logs", pause=pause)  # type: ignore[arg-type]


def page(
    columns: list[str], rows: list[list[str | None]], *, header: bool = True, types: tuple[str, ...] = ()
) -> dict[str, Any]:
    listed: list[list[str | None]] = [[*columns], *rows] if header else rows
    return {
        "ResultSet": {
            "Rows": [{"Data": [{} if v is None else {"VarCharValue": v} for v in row]} for row in listed],
            "ResultSetMetadata": {
                "ColumnInfo": [
                    {"Name": name, "Type": type_}
                    for name, type_ in zip(columns, types or ("varchar",) * len(columns), strict=True)
                ]
            },
        }
    }


def test_a_query_runs_in_the_stacks_workgroup_and_database_and_gives_typed_rows() -> None:
    fake = FakeAthena(
        ("QUEUED", "RUNNING", "SUCCEEDED"),
        pages=[page(["a", "n"], [["x", "1"], [None, None]], types=("varchar", "bigint"))],
    )
    seen: list[Progress] = []
    result = fake.run("SELECT a, n", watch=seen.append)
    assert fake.calls[0][1]["WorkGroup"] == "raxx-log-queries"
    assert fake.calls[0][1]["QueryExecutionContext"] == {"Database": "raxx_heroku_logs"}
    assert result.columns == (Column("a", "varchar"), Column("n", "bigint"))
    assert result.rows == (("x", 1), (None, None))
    assert (result.scanned_bytes, result.milliseconds) == (20_000_000, 1500)
    assert result.usd == pytest.approx(20 * 10**6 / 2**40 * 5)
    assert [each.state for each in seen] == ["QUEUED", "RUNNING"]
    assert "stop_query_execution" not in fake.names


def test_looks_at_a_query_become_rarer_up_to_a_second() -> None:
    pauses: list[float] = []
    FakeAthena(("RUNNING",) * 12 + ("SUCCEEDED",)).run(pause=pauses.append)
    assert pauses[0] <= 0.1
    assert pauses == sorted(pauses)
    assert pauses[-1] == 1.0


def test_rows_of_all_pages_are_read_and_the_header_is_none_of_them() -> None:
    fake = FakeAthena(pages=[page(["n"], [["1"]]), page(["n"], [["2"], ["3"]], header=False)])
    assert fake.run().rows == (("1",), ("2",), ("3",))


def test_what_is_no_select_has_no_header() -> None:
    """SHOW and DESCRIBE answer with rows from the first on."""
    fake = FakeAthena(pages=[page(["partition"], [["year=2026"]], header=False)])
    fake.statement = "UTILITY"
    assert fake.run().rows == (("year=2026",),)


def test_no_more_rows_are_read_than_asked_for_and_that_is_said() -> None:
    pages = [page(["n"], [["1"], ["2"]]), page(["n"], [["3"]], header=False), page(["n"], [["4"]], header=False)]
    result = FakeAthena(pages=pages).run(most_rows=2)
    assert (result.rows, result.complete) == ((("1",), ("2",)), False)
    assert result.output.startswith("s3://b/athena-results/")
    result = FakeAthena(pages=pages).run(most_rows=4)
    assert (len(result.rows), result.complete) == (4, True)


class Page(dict[str, Any]):
    """A page that tells when it is forgotten: a plain dict cannot be referred to weakly."""


def test_rows_are_read_page_by_page_and_forgotten() -> None:
    """A result of any size takes the memory of two pages: the one being read, and the next."""
    seen: list[weakref.ref[Page]] = []
    most = 0

    def pages() -> Iterator[dict[str, Any]]:
        nonlocal most
        for number in range(20):
            each = Page(page(["n"], [[str(number)]] * 3, header=number == 0)["ResultSet"])
            seen.append(weakref.ref(each))
            most = max(most, sum(reference() is not None for reference in seen))
            yield {"ResultSet": each}

    fake = FakeAthena()
    fake.paginate = lambda **_: pages()  # type: ignore[method-assign]
    assert sum(1 for _ in fake.stream().rows) == 60
    assert most <= 2


def test_a_page_is_read_when_its_rows_are_needed() -> None:
    fake = FakeAthena(pages=[page(["n"], [["1"]]), page(["n"], [["2"]], header=False)])
    stream = fake.stream()
    assert next(stream.rows) == ("1",)
    assert fake.names.count("get_query_results") == 1
    assert next(stream.rows) == ("2",)
    assert (stream.count, stream.complete, stream.scanned_bytes) == (2, True, 20_000_000)


def test_ctrl_c_while_later_pages_are_read_stops_the_query_too() -> None:
    fake = FakeAthena(pages=[page(["n"], [["1"]]), page(["n"], [["2"]], header=False)])
    stream = fake.stream()
    fake.interrupt = {"get_query_results": KeyboardInterrupt()}
    with pytest.raises(KeyboardInterrupt):
        list(stream.rows)
    assert fake.names.count("stop_query_execution") == 1


def test_rows_that_are_not_wanted_any_more_stop_nothing() -> None:
    fake = FakeAthena(pages=[page(["n"], [["1"]]), page(["n"], [["2"]], header=False)])
    stream = fake.stream()
    next(stream.rows)
    del stream
    assert "stop_query_execution" not in fake.names


@pytest.mark.parametrize("state", ["FAILED", "CANCELLED"])
def test_a_query_that_fails_gives_athenas_reason_in_one_line(state: str) -> None:
    with pytest.raises(RunbookError, match=rf"the query {state.lower()}: .*query execution {ID}") as raised:
        FakeAthena(("RUNNING", state)).run()
    assert "\n" not in str(raised.value)


# ---------------------------------------------------------------- repeated

SLOW_DOWN = {
    "StateChangeReason": "HIVE_CANNOT_OPEN_SPLIT: Error opening Hive split s3://b/logs/x.gz (offset=0, length=1): "
    "Please reduce your request rate. (Service: Amazon S3; Status Code: 503; Error Code: SlowDown)"
}
EXHAUSTED = {"StateChangeReason": "Query exhausted resources at this scale factor"}


def failing(*states: str, status: dict[str, Any]) -> FakeAthena:
    fake = FakeAthena(states)
    fake.status = status
    return fake


def starts(fake: FakeAthena) -> list[str]:
    return [arguments["ClientRequestToken"] for name, arguments in fake.calls if name == "start_query_execution"]


def test_a_failure_that_may_pass_is_repeated_after_a_pause() -> None:
    fake, pauses = failing("FAILED", "RUNNING", "SUCCEEDED", status=SLOW_DOWN), list[float]()
    assert fake.run(pause=pauses.append).rows == (("1",),)
    assert len(set(starts(fake))) == 2, "the same token would give the query that failed"
    assert pauses[0] >= 1


def test_it_is_repeated_once_and_then_told() -> None:
    fake = failing("FAILED", "FAILED", "SUCCEEDED", status=SLOW_DOWN)
    with pytest.raises(QueryFailed, match=r"also when it was repeated: .*reduce your request rate.*shorter window"):
        fake.run()
    assert len(starts(fake)) == 2


@pytest.mark.parametrize(
    "status",
    [
        pytest.param({"StateChangeReason": "new words", "AthenaError": {"Retryable": True}}, id="retryable"),
        pytest.param({"StateChangeReason": "new words", "AthenaError": {"ErrorType": 1403}}, id="S3-throttling"),
        pytest.param({"StateChangeReason": "... Status Code: 404; Error Code: NoSuchKey"}, id="vanished"),
        pytest.param({"StateChangeReason": "HIVE_CURSOR_ERROR: Failed to read file at s3://b/logs/x.gz"}, id="unsaid"),
    ],
)
def test_what_else_may_pass_is_repeated(status: dict[str, Any]) -> None:
    """GetQueryExecution's AthenaError; trinodb/trino #19225."""
    assert failing("FAILED", "SUCCEEDED", status=status).run().rows == (("1",),)


@pytest.mark.parametrize(
    ("status", "remedy"),
    [
        pytest.param(EXHAUSTED, "shorter window", id="exhausted"),
        pytest.param({"StateChangeReason": "VIEW_IS_STALE: View 'v' is stale"}, "pulumi up --refresh", id="stale"),
        pytest.param({"StateChangeReason": "Table storage descriptor is missing SerDe info"}, "pulumi up", id="serde"),
        pytest.param({"StateChangeReason": "Insufficient Lake Formation permission(s) on x"}, "grants", id="lake"),
        pytest.param({"StateChangeReason": "... InvalidObjectState"}, "hla restore", id="archived"),
        pytest.param({"StateChangeReason": "Access Denied (Status Code: 403)"}, "administrator", id="denied"),
    ],
)
def test_what_would_fail_again_is_not_repeated_and_has_its_remedy(status: dict[str, Any], remedy: str) -> None:
    fake = failing("FAILED", "SUCCEEDED", status=status)
    with pytest.raises(QueryFailed, match=remedy) as raised:
        fake.run()
    assert "repeated" not in str(raised.value)
    assert len(starts(fake)) == 1


@pytest.mark.parametrize(
    ("sql", "tries"),
    [
        ("SELECT 1", 2),
        ("\n-- INSERT\n /* x */ (select 1)", 2),
        ("WITH a AS (SELECT 1) SELECT * FROM a", 2),
        ("INSERT INTO a SELECT 1", 1),
        ("CREATE TABLE a AS SELECT 1", 1),
        ("-- SELECT\nDELETE FROM a", 1),
    ],
)
def test_only_what_reads_is_repeated(sql: str, tries: int) -> None:
    """An INSERT may have written a part before it failed."""
    fake = failing("FAILED", "FAILED", status=SLOW_DOWN)
    with pytest.raises(QueryFailed):
        fake.run(sql)
    assert len(starts(fake)) == tries


def test_a_query_over_the_workgroups_limit_has_a_remedy_too() -> None:
    """Athena cancels it (Athena user guide, "Configure data usage controls")."""
    cause = athena_failures.cause_of("Bytes scanned limit was exceeded")
    assert "filter by app" in str(QueryFailed("CANCELLED", "Bytes scanned limit was exceeded", ID, cause))


# ---------------------------------------------------------------- interrupted


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize(
    "error", [KeyboardInterrupt(), EndpointConnectionError(endpoint_url="x")], ids=["Ctrl-C", "network"]
)
def test_whatever_ends_it_early_stops_the_query(call: str, error: BaseException) -> None:
    """At the start too, where Athena may have the query already although its id never came back."""
    fake = FakeAthena(("RUNNING", "SUCCEEDED"))
    fake.interrupt = {call: error}
    with pytest.raises(type(error)):
        fake.run()
    assert fake.calls[-1] == ("stop_query_execution", {"QueryExecutionId": ID})
    tokens = {arguments["ClientRequestToken"] for name, arguments in fake.calls if name == "start_query_execution"}
    assert len(tokens) == 1, "a second start would be a second query"


def test_ctrl_c_while_waiting_stops_the_query() -> None:
    def interrupted(_: float) -> None:
        raise KeyboardInterrupt

    fake = FakeAthena(("RUNNING",))
    with pytest.raises(KeyboardInterrupt):
        fake.run(pause=interrupted)
    assert fake.names[-1] == "stop_query_execution"


def test_that_the_query_cannot_be_stopped_does_not_hide_the_interrupt() -> None:
    fake = FakeAthena()
    fake.interrupt = {"get_query_execution": KeyboardInterrupt(), "stop_query_execution": RuntimeError("refused")}
    with pytest.raises(KeyboardInterrupt):
        fake.run()


# ---------------------------------------------------------------- values


@pytest.mark.parametrize(
    ("text", "type_", "value"),
    [
        ("42", "bigint", 42),
        ("1.5", "double", 1.5),
        ("1.50", "decimal", Decimal("1.50")),
        ("1.50", "decimal(3,2)", Decimal("1.50")),
        ("true", "boolean", True),
        ("2026-11-24", "date", date(2026, 11, 24)),
        ("2026-11-24 03:00:00.123", "timestamp", datetime.fromisoformat("2026-11-24T03:00:00.123")),
        ("2026-11-24 03:00:00.000", "timestamp(3)", datetime.fromisoformat("2026-11-24T03:00")),
        ("2026-11-24 03:00:00.000 UTC", "timestamp with time zone", datetime(2026, 11, 24, 3, tzinfo=UTC)),
        ("2026-11-24 03:00:00.000 -05:30", "timestamp(3) with time zone", datetime(2026, 11, 24, 8, 30, tzinfo=UTC)),
        ("2026-11-24 03:00:00.000 Europe/Berlin", "timestamp with time zone", datetime(2026, 11, 24, 2, tzinfo=UTC)),
        ("[a, b]", "array", "[a, b]"),
        ("x", "bigint", "x"),
        ("NaN", "double", "NaN"),
        ("-Infinity", "double", "-Infinity"),
        ("maybe", "boolean", "maybe"),
        ("2026-11-24 03:00:00.000 Mars/Olympus", "timestamp with time zone", "2026-11-24 03:00:00.000 Mars/Olympus"),
        ("", "varchar", ""),
    ],
)
def test_a_value_is_what_its_type_says_else_the_text(text: str, type_: str, value: object) -> None:
    read = athena_values.read_value(text, type_)
    assert (read, type(read)) == (value, type(value))


# ---------------------------------------------------------------- errors of AWS


def answer(code: str, message: str = "") -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": message}}, "StartQueryExecution")


WHO = "arn:aws:iam::123456789012:user/ops"


@pytest.mark.parametrize(
    ("action", "who_may"),
    [
        (
            "athena:StartQueryExecution",
            "the reader role is, for this stack's resources (add --assume before the command)",
        ),
        ("s3:GetObject", "the reader role is"),
        ("iam:SimulatePrincipalPolicy", "an administrator is"),
        ("kms:Decrypt", "only a break-glass principal with this permission is"),
        ("sqs:ReceiveMessage", "only a break-glass principal with this permission is"),
        ("sts:AssumeRole", "only a break-glass principal is"),
    ],
)
def test_a_lack_of_rights_is_could_not_tell_and_says_who_could(action: str, who_may: str) -> None:
    message = f"User: {WHO} is not authorized to perform: {action} on resource: arn:x because no policy allows it"
    explained = aws.explain(answer("AccessDeniedException", message))
    assert isinstance(explained, Denied)
    assert str(explained).startswith(f"could not tell: {WHO} is not allowed to call {action} on arn:x; {who_may}")


def test_s3_says_less_of_a_lack_of_rights() -> None:
    explained = aws.explain(answer("AccessDenied", "Access Denied"))
    assert str(explained) == "could not tell: you are not allowed to call StartQueryExecution; an administrator is"


@pytest.mark.parametrize("code", ["ExpiredToken", "UnrecognizedClientException", "InvalidClientTokenId"])
def test_credentials_that_are_not_accepted_are_to_be_had_anew(code: str) -> None:
    assert "log in again" in str(aws.explain(answer(code)))


def test_a_busy_service_is_tried_again_later() -> None:
    """Athena API reference, "StartQueryExecution"."""
    message = "You have exceeded the limit for the number of queries you can run concurrently."
    assert "try again in a few minutes" in str(aws.explain(answer("TooManyRequestsException", message)))


def test_another_error_of_aws_is_its_own_text_in_one_line() -> None:
    explained = aws.explain(answer("InvalidRequestException", "WorkGroup x\nis not found."))
    assert str(explained) == "StartQueryExecution: WorkGroup x is not found. (InvalidRequestException)"


def test_an_error_that_is_not_boto3s_is_a_fault_of_ours() -> None:
    assert aws.explain(ValueError("x")) is None


def test_an_endpoint_that_cannot_be_reached_is_said() -> None:
    assert "cannot reach AWS" in str(aws.explain(EndpointConnectionError(endpoint_url="http://127.0.0.1:1")))
