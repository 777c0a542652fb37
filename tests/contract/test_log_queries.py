"""Log queries name only what the functions and the endpoint write, in the syntax that CloudWatch documents."""

import itertools
import json
import re
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest

from contract import access_log, buffer_table
from contract.log_queries import FAULTS_BY_REASON, QUERIES, Log, LogQuery, lag_of_apps
from contract.logplex.batch import Batch
from contract.slots import Slot
from contract.stored_line import Reason
from receiver import metrics, spill
from receiver.aws import Unavailable
from receiver.canary.handler import Canary, CanaryFailed
from receiver.canary.post import NotAccepted
from receiver.deadline import Deadline
from receiver.flusher.handler import FlusherFailed, Service
from receiver.handler import Receiver
from receiver.intake import Intake
from receiver.tally import Tally
from tests.support.fakes import APP, FakeBuffer, FakeLogBucket, FakeQueue, accepted_tokens, drain_event
from tests.support.logplex_frames import NOON_MS, body, message

ALL = [*QUERIES, FAULTS_BY_REASON, lag_of_apps(["raxx-api-prod", "raxx-console-prod"])]
STORED = Tally(
    APP, batches=4, canaries=1, lines=9, bytes=900, quarantined=Counter(Reason), lost=1, lost_elsewhere=1, mismatches=1
)
DOWN = Unavailable("dynamodb-ThrottlingException", "refused")

# "CloudWatch Logs Insights query syntax": commands, keywords, and the functions that are used here.
COMMANDS = {"fields", "filter", "stats", "sort", "limit", "parse", "SOURCE"}
KEYWORDS = {"by", "as", "or", "and", "asc", "desc"}
FUNCTIONS = {"count", "sum", "max", "pct", "latest", "bin", "ispresent", "strcontains", "concat"}
SYSTEM_FIELDS = {"@timestamp", "@message", "@log"}
# "AWS Lambda function errors in Python", and the report of an event in "Lambda Telemetry API Event schema reference".
OF_LAMBDA = {"errorType", "errorMessage", "type", "record.status", "record.metrics.durationMs"}
TOKEN = re.compile(r"/\^.*\$/|'[^']*'|\"[^\"]*\"|`[^`]+`|@?[A-Za-z_][\w.]*|\d+[smh]?|\S")

by_name = pytest.mark.parametrize("query", ALL, ids=lambda query: query.name)


def flattened(value: Any, path: str = "") -> set[str]:
    """The fields of a JSON event, as Insights names them."""
    if not isinstance(value, dict):
        return {path}
    return {name for key, each in value.items() for name in flattened(each, f"{path}.{key}" if path else key)}


@pytest.fixture
def logged(capsys: pytest.CaptureFixture[str]) -> dict[Log, list[dict[str, Any]]]:
    """What each function writes, with every field: the code itself writes it."""

    def written(deed: Callable[[], object]) -> list[dict[str, Any]]:
        deed()
        return [json.loads(line) for line in capsys.readouterr().out.splitlines()]

    stored = written(lambda: metrics.printer("a-namespace")(metrics.of_stored(STORED, 100, Slot.of(NOON_MS, 5))))
    return {
        Log.RECEIVER: [*stored, *written(_receive)],
        Log.FLUSHER: [*stored, *written(_flush)],
        Log.CANARY: written(_send),
    }


def _receive() -> None:
    """The buffer is down, and the batch is spilled."""
    intake = Intake(FakeBuffer(DOWN), FakeLogBucket(), 5)
    Receiver(accepted_tokens(), intake, FakeQueue()).receive(drain_event(body(message())))


def _flush() -> None:
    """A spilled batch is drained, and an app's markers cannot be read."""

    class Buffer(FakeBuffer):
        def markers(self, app: str) -> list[Any]:
            raise DOWN

    buffer, queue = Buffer(), FakeQueue()
    buffer.items[buffer_table.until_key(APP, 5)] = buffer_table.until_item(APP, Slot.of(NOON_MS, 5))
    queue.send(spill.encode(Batch(APP, "f", NOON_MS, body(message()))), Deadline(1))
    intake = Intake(buffer, FakeLogBucket(), 5, clock=lambda: NOON_MS)
    service = Service(
        frozenset({APP}), 5, buffer, FakeLogBucket(), queue, intake, metrics.printer("a-namespace"), lambda: NOON_MS
    )
    with pytest.raises(FlusherFailed):
        service.run(120.0)


def _send() -> None:
    class Urls:
        def of(self, app: str) -> str:
            return "https://example.com"

        def newest_ms(self, app: str) -> int | None:
            return NOON_MS

    def refuse(url: str, sent_ms: int) -> None:
        raise NotAccepted("status-401")

    with pytest.raises(CanaryFailed):
        Canary(frozenset({APP}), 5, Urls(), Urls(), lambda: None, refuse, lambda: NOON_MS).run()


def tokens(query: LogQuery) -> list[str]:
    return TOKEN.findall(query.text)


def named_fields(query: LogQuery) -> set[str]:
    """The fields that a query reads: words that are none of the language's, and not an alias of the query itself."""
    words = tokens(query)
    aliases = {after for word, after in itertools.pairwise(words) if word == "as"}
    return {
        word.strip("`")
        for word in words
        if re.match(r"[@A-Za-z`]", word) and word not in COMMANDS | KEYWORDS | FUNCTIONS | aliases
    }


@by_name
def test_every_field_is_written_by_the_code(query: LogQuery, logged: dict[Log, list[dict[str, Any]]]) -> None:
    known = SYSTEM_FIELDS | OF_LAMBDA
    for log in query.logs:
        known |= (
            {*access_log.FIELDS} if log is Log.ACCESS else {name for each in logged[log] for name in flattened(each)}
        )
    assert named_fields(query) <= known


@by_name
def test_every_reason_is_written_by_the_code(query: LogQuery, logged: dict[Log, list[dict[str, Any]]]) -> None:
    reasons = {each.get("reason") for log in query.logs if log is not Log.ACCESS for each in logged[log]}
    assert {*re.findall(r'reason = "([^"]+)"', query.text)} <= reasons


@by_name
def test_a_log_that_is_read_has_something_to_find(query: LogQuery, logged: dict[Log, list[dict[str, Any]]]) -> None:
    """A query of a log that has none of its fields would find nothing, and look like good news."""
    if query.name == "function-errors":
        return
    for log in query.logs:
        names = (
            {*access_log.FIELDS} if log is Log.ACCESS else {name for each in logged[log] for name in flattened(each)}
        )
        assert named_fields(query) & names - {"app"}, log


@by_name
def test_the_syntax_is_that_of_insights(query: LogQuery) -> None:
    for command in query.text.split("\n| "):
        assert command.split()[0] in COMMANDS
    assert set(re.findall(r"(\w+)\(", re.sub(r"/\^.*\$/", "", query.text))) <= FUNCTIONS
    assert query.text.count("(") == query.text.count(")")


@by_name
def test_a_name_of_another_alphabet_is_in_backticks(query: LogQuery) -> None:
    """ "Fields that contain special characters"."""
    bare = re.sub(r"/\^.*\$/|'[^']*'|\"[^\"]*\"|`[^`]+`", "", query.text)
    assert not re.search(r"\w-\w", bare)


def test_names_are_unique() -> None:
    assert len({query.name for query in ALL}) == len(ALL)
    assert all(re.fullmatch(r"[a-z]+(-[a-z]+)*", query.name) for query in ALL)


def test_the_pattern_reads_the_access_log() -> None:
    pattern = next(re.findall(r"parse @message /(.*)/", query.text)[0] for query in QUERIES if "parse" in query.text)
    line = '500 - - 203.0.113.9 abc= "Internal Server Error" "Invalid permissions on "Lambda" function"'
    found = re.fullmatch(pattern.replace("(?<", "(?P<"), line)
    assert found
    assert found.groupdict() == {
        "status": "500",
        "functionStatus": "-",
        "lambdaStatus": "-",
        "ip": "203.0.113.9",
        "requestId": "abc=",
        "error": "Internal Server Error",
        "integrationError": 'Invalid permissions on "Lambda" function',
    }


def test_apps_whose_names_contain_another_do_not_mix() -> None:
    """strcontains finds a part of a text, so that names are compared with their ends."""
    text = lag_of_apps(["shop", "shop-api"]).text
    assert "'/shop/')) as shop" in text
    assert "'/shop-api/')) as `shop-api`" in text


def test_a_widget_names_each_log_group_first() -> None:
    with_sources = FAULTS_BY_REASON.with_sources("raxx-log")
    assert with_sources.startswith(
        "SOURCE '/aws/lambda/raxx-log-receiver' | SOURCE '/aws/lambda/raxx-log-flusher' | "
        "SOURCE '/aws/lambda/raxx-log-canary' | filter "
    )
    assert QUERIES[-1].groups("raxx-log") == ["/aws/apigateway/raxx-log-drain"]
