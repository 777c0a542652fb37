"""The command line as people have it: transcripts on the local stack, rights, exit codes, hostile values."""

import errno
import gzip
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contract.object_keys import ObjectKey, batch_id
from contract.saved_queries import saved_queries
from contract.window import Window
from local.logplex.nodes import post
from local.stack import LocalStack, Options
from runbook import cli
from runbook.clients import aws
from runbook.clients.athena import Athena
from runbook.errors import RunbookError
from runbook.search import athena_command, estimate, next_step, sql_literals
from runbook.search.estimate import Estimate
from runbook.terminal import confirm, times
from tests.support.policy_evaluation import Ask, allows
from tests.support.runbook_cli import Answer, Run, check_transcript, runner
from tests.support.terminal import Terminal, terminal

NOW = datetime(2026, 11, 24, 5, 0, tzinfo=UTC)
API, CONSOLE = "raxx-api-prod", "raxx-console-prod"
REQUEST = "0f3d5bd2-5d0f-4a7e-9e4c-3a3c4b1f6a77"


def router(minutes_ago: int, **changes: object) -> str:
    fields: dict[str, object] = {
        "at": "info",
        "method": "GET",
        "path": '"/v1/orders"',
        "host": "api.raxx.app",
        "request_id": REQUEST,
        "fwd": '"203.0.113.7"',
        "dyno": "web.1",
        "connect": "1ms",
        "service": "30ms",
        "status": 200,
        "bytes": 512,
        "protocol": "https",
    } | changes
    return line(minutes_ago, "heroku", "router", " ".join(f"{name}={value}" for name, value in fields.items()), pri=158)


def line(minutes_ago: int, source: str, proc_id: str, message: str, *, pri: int = 190) -> str:
    time = (NOW - timedelta(minutes=minutes_ago)).isoformat(timespec="microseconds")
    return f"<{pri}>1 {time} host {source} {proc_id} - - {message}"


STORED = {
    API: [
        line(29, "app", "web.1", "it's a line with a quote"),
        line(20, "app", "web.1", "Timeout of the upstream"),
        line(20, "app", "web.2", "timeout of the upstream"),
        router(19, at="error", code="H12", desc='"Request timeout"', service="30000ms", status=503),
        line(10, "app", "worker.1", "a colour #033[31m and C1 \x9b31m"),
        line(200, "app", "api", "Deploy 1a2b3c4d by user ops@raxx.app"),
        *[router(60 * hour + 5, status=500) for hour in range(4)],
    ],
    CONSOLE: [line(15, "app", "web.1", "hello from the console"), router(90, status=502)],
}


def store(stack: LocalStack, app: str, lines: list[str]) -> None:
    """Put lines where the receiver would, by the clock of this stack."""
    newest = max(datetime.fromisoformat(each.split(" ")[1]) for each in lines)
    key = ObjectKey(app, int(newest.timestamp() * 1000), batch_id(app, lines[0]))
    body = gzip.compress("".join(f"{each}\n" for each in lines).encode(), mtime=0)
    stack.client("s3").put_object(Bucket=stack.outputs["bucket"], Key=str(key), Body=body)


@pytest.fixture(scope="module")
def stack() -> Iterator[LocalStack]:
    """A stack at a fixed time, with a few lines."""
    with LocalStack(Options(clock=NOW)) as running:
        for app, lines in STORED.items():
            for day in sorted({each.split(" ")[1][:10] for each in lines}):
                store(running, app, [each for each in lines if each.split(" ")[1].startswith(day)])
        yield running


@pytest.fixture
def runbook(stack: LocalStack, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Run:
    """`runbook("query", "list")` runs the command line against the local stack, at its time."""
    return runner(stack, monkeypatch, capfd, NOW)


# ---------------------------------------------------------------- transcripts

TRANSCRIPTS = {
    "help": ["--help"],
    **{f"help-{name}": [name, "--help"] for name in cli.COMMANDS},
    "query-list": ["query", "list"],
    "query-list-json": ["query", "list", "--json"],
    "query": ["query", "errors-by-surface"],
    "query-json": ["query", "errors-by-surface", "--app", CONSOLE, "--json"],
    "query-csv": ["query", "errors-by-surface", "--last", "2h", "--csv"],
    "query-summary": ["query", "summary"],
    "query-errors-since": ["query", "errors-since", "--last", "12h"],
    "query-errors-by-endpoint": ["query", "errors-by-endpoint"],
    "query-every": ["query", "errors-by-surface", "--last", "2h", "--every", "5m"],
    "query-deploys": ["query", "deploys", "--app", API],
    "query-limited": ["query", "around", "--around", "2026-11-24T04:40:30", "--limit", "2"],
    "query-limited-csv": ["query", "around", "--around", "2026-11-24T04:40:30", "--limit", "1", "--csv"],
    "query-print-sql": ["query", "around", "--around", "2026-11-24T04:40:30", "--app", API, "--print-sql"],
    "query-chart": ["query", "errors-by-surface", "--app", API, "--chart"],
    "query-request": ["query", "request", "--request-id", REQUEST, "--app", CONSOLE],
    "query-around": ["query", "around", "--around", "2026-11-24T04:40", "--minutes", "2"],
    "query-unknown": ["query", "error-by-surface"],
    "sql": ["sql", "SELECT status, count(*) AS requests FROM router_requests GROUP BY 1 ORDER BY 1"],
    "sql-json": ["--json", "sql", "SELECT count(*) AS n FROM syslog WHERE app = 'raxx-api-prod'"],
    "sql-jsonl": ["sql", "SELECT app, status, time FROM router_requests ORDER BY time, app", "--limit", "2", "--jsonl"],
    "sql-pasted": ["sql", "-- all lines; of all apps\nSELECT count(*) AS n FROM raxx_heroku_logs.syslog -- here;\n;\n"],
    "sql-several": ["sql", "SELECT 1; SELECT 2"],
    "schema": ["schema"],
    "schema-json": ["schema", "--json"],
    "sql-failed": ["sql", "SELECT nothing FROM syslog"],
    "lines": ["lines"],
    "lines-matched": ["lines", "--app", API, "--match", "timeout", "-i", "--last", "1h"],
    "lines-limited": ["lines", "--app", API, "--limit", "2"],
    "lines-context": ["lines", "-m", "imeout", "-v", "desc", "-C", "1", "--tz", "Europe/Berlin"],
    "lines-around": ["lines", "--around", "04:42", "--minutes", "10", "--limit", "2"],
    "lines-jsonl": ["lines", "--source", "app", "--jsonl"],
    "lines-csv": ["lines", "--first", "2", "--csv"],
    "lines-regexp-refused": ["lines", "-E", "-m", r"\bTimeout"],
    "lines-json": ["lines", "--app", API, "--dyno", "web.2", "--json"],
    "drain-url": ["drain-url", API],
}


# What people look at on a terminal.
SCREENS = {
    **{name: TRANSCRIPTS[name] for name in TRANSCRIPTS if name in {"schema", "query-list", "query-chart"}},
    **{name: TRANSCRIPTS[name] for name in TRANSCRIPTS if name.startswith("query-errors-")},
    **{name: TRANSCRIPTS[name] for name in ("query-summary", "query-deploys", "query-every", "query-request")},
    "query-around": [*TRANSCRIPTS["query-around"], "--limit", "3"],
    "query-latency-outliers": ["query", "latency-outliers"],
    "query-recent-deploys": ["query", "recent-deploys"],
    "query-security-by-ip": ["query", "security-by-ip"],
    "sql-all-columns": ["sql", f"SELECT * FROM syslog WHERE app = '{API}' ORDER BY log_ts DESC LIMIT 2"],
    "lines-matched": [*TRANSCRIPTS["lines-matched"], "--no-pager"],
    "doctor-list": ["doctor", "--list"],
}


@pytest.mark.parametrize("width", [60, 80, 120])
@pytest.mark.parametrize("name", SCREENS)
def test_a_screen_shows_what_was_reviewed(runbook: Run, monkeypatch: pytest.MonkeyPatch, name: str, width: int) -> None:
    """Whatever the width, no value is broken and none is missing: each word of the pipe is there."""
    piped = runbook(*SCREENS[name])
    screen = terminal(monkeypatch, width)
    answer = runbook(*SCREENS[name])
    shown = Answer(answer.code, "\n".join(line.rstrip() for line in screen.text().splitlines()) + "\n", answer.err)
    check_transcript(f"screens/{name}-{width}", SCREENS[name], shown)
    if "--chart" not in SCREENS[name]:
        assert set(piped.out.split()) <= set(shown.out.split())


@pytest.mark.parametrize("name", TRANSCRIPTS)
def test_a_command_says_what_was_reviewed(runbook: Run, name: str) -> None:
    """Renewed on purpose with RENEW_GOLDEN=1. Nothing has colour: this is a pipe."""
    arguments = TRANSCRIPTS[name]
    check_transcript(name, arguments, runbook(*arguments))


@pytest.mark.parametrize("command", cli.COMMANDS)
def test_every_command_has_json(runbook: Run, command: str) -> None:
    assert re.search(r"^  --json +Print one JSON document", runbook(command, "--help").out, re.MULTILINE)


def test_each_commands_line_in_the_help_is_whole(runbook: Run) -> None:
    """On a terminal of 80 columns too."""
    assert "..." not in runbook("--help").out.partition("Commands:")[2]


@pytest.mark.parametrize("arguments", [["--json", "query", "list"], ["query", "list", "--json"]])
def test_json_stands_before_or_behind_the_command(runbook: Run, arguments: list[str]) -> None:
    assert set(json.loads(runbook(*arguments).out)) == {"queries"}


# ---------------------------------------------------------------- rights


SEARCHES = {
    "query": ["query", "errors-by-surface", "--last", "7d"],
    "query-request": ["query", "request", "--request-id", REQUEST],
    "sql": ["sql", "SELECT count(*) FROM syslog"],
    "lines": ["lines", "--match", "timeout"],
}


@pytest.mark.parametrize("name", SEARCHES)
def test_searching_needs_the_reader_roles_rights_and_no_more(
    runbook: Run, asked: list[Ask], reader: dict[str, Any], name: str
) -> None:
    assert runbook(*SEARCHES[name]).code == 0
    assert {ask.action.partition(":")[0] for ask in asked} == {"ssm", "s3", "athena", "dynamodb"}
    assert [ask for ask in asked if not allows(reader, ask)] == []


def test_a_query_that_is_given_up_is_stopped_with_the_reader_roles_rights(
    runbook: Run, asked: list[Ask], reader: dict[str, Any]
) -> None:
    def interrupted(**_: Any) -> None:
        raise KeyboardInterrupt

    make = runbook.make_client

    def interrupting(session: Any, service: str) -> Any:
        client = make(session, service)
        client.meta.events.register("before-call.athena.GetQueryExecution", interrupted)
        return client

    runbook.make_client = interrupting
    assert runbook("query", "errors-by-surface").code == 130
    assert asked[-1].action == "athena:StopQueryExecution"
    assert all(allows(reader, ask) for ask in asked)


def test_a_drain_url_is_not_for_the_reader_role(runbook: Run, asked: list[Ask], reader: dict[str, Any]) -> None:
    """It is a secret; the reader role may know everything else of the stack."""
    assert runbook("drain-url", API).code == 0
    assert [ask.resource.rpartition("/")[2] for ask in asked if not allows(reader, ask)] == [API]


def test_assume_works_as_the_reader_role(runbook: Run, asked: list[Ask]) -> None:
    """By the role's name in one's own account: who may only assume it may not read its ARN from SSM."""
    assert runbook("--assume", "query", "errors-by-surface").code == 0
    assert [ask.action for ask in asked[:2]] == ["sts:GetCallerIdentity", "sts:AssumeRole"]


def test_assume_takes_the_role_of_an_outputs_file(
    runbook: Run, asked: list[Ask], stack: LocalStack, tmp_path: Path
) -> None:
    path = tmp_path / "outputs.json"
    path.write_text(json.dumps(stack.outputs))
    assert runbook("--outputs", str(path), "--assume", "query", "errors-by-surface").code == 0
    assert [ask.action for ask in asked if ask.action.startswith(("sts", "ssm"))] == ["sts:AssumeRole"]


@pytest.mark.parametrize("arguments", [["--assume", "query", "errors-by-surface", "--json"], ["--assume", "lines"]])
def test_credentials_are_never_printed(runbook: Run, arguments: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "a-very-secret-key")
    secrets: set[str] = set()

    def remembering(session: Any, service: str) -> Any:
        credentials = session.get_credentials()
        secrets.update(filter(None, (credentials.secret_key, credentials.token)))
        return aws.make_client(session, service)

    runbook.make_client = remembering
    answer = runbook(*arguments)
    assert answer.code == 0
    assert len(secrets) == 3, "one's own key, and the role's key and token"
    assert not [secret for secret in secrets if secret in answer.out + answer.err]


def test_a_drain_url_alone_is_on_stdout_and_is_the_registered_one(runbook: Run, stack: LocalStack) -> None:
    """`heroku drains:add "$(hla drain-url APP)"`; that it is a secret is said beside it."""
    answer = runbook("drain-url", API)
    assert answer.out == stack.drain_urls[API] + "\n"
    assert "secret" in answer.err
    assert parse_qs(urlsplit(answer.out.strip()).query)["token"][0] not in answer.err


def test_lack_of_rights_is_could_not_tell(runbook: Run, monkeypatch: pytest.MonkeyPatch, stack: LocalStack) -> None:
    """With who could, and exit code 2."""
    from botocore.exceptions import ClientError

    def refuse(model: Any, **_: Any) -> None:
        message = f"User: arn:aws:iam::1:user/x is not authorized to perform: ssm:{model.name}"
        raise ClientError({"Error": {"Code": "AccessDeniedException", "Message": message}}, model.name)

    def refusing(session: Any, service: str) -> Any:
        client = aws.make_client(session, service)
        client.meta.events.register("before-call.ssm", refuse)
        return client

    runbook.make_client = refusing
    answer = runbook("lines")
    assert (answer.code, answer.out) == (2, "")
    assert answer.err.startswith(
        "error: could not tell: arn:aws:iam::1:user/x is not allowed to call ssm:GetParameter; the reader role is"
    )


def test_the_drain_url_of_who_may_not_read_it_says_who_may(
    runbook: Run, monkeypatch: pytest.MonkeyPatch, stack: LocalStack
) -> None:
    from botocore.exceptions import ClientError

    def refuse(params: dict[str, Any], model: Any, **_: Any) -> None:
        if "drain_url" in params["Name"]:
            raise ClientError({"Error": {"Code": "AccessDeniedException", "Message": "no"}}, model.name)

    def refusing(session: Any, service: str) -> Any:
        client = aws.make_client(session, service)
        client.meta.events.register("before-parameter-build.ssm", refuse)
        return client

    runbook.make_client = refusing
    answer = runbook("drain-url", API)
    assert (answer.code, answer.out) == (2, "")
    assert "the --profile of a break-glass principal or a deployer" in answer.err
    assert "--assume" not in answer.err


# ---------------------------------------------------------------- hostile and wrong values


@given(
    st.text(min_size=1, max_size=20)
    | st.sampled_from(["'", "''", "' OR 1=1 --", "\\'", "x'; DROP TABLE t; --", "\u2019"])
)
@settings(max_examples=60, deadline=None)
def test_a_text_in_sql_is_one_literal_whatever_it_holds(text: str) -> None:
    """Read back by the rule: from the first quote, two quotes are one, and one alone is the end."""
    try:
        literal = sql_literals.literal(text)
    except RunbookError:
        assert any(ord(char) < 32 or ord(char) == 127 or 0xD800 <= ord(char) <= 0xDFFF for char in text)
        return
    assert literal[0] == literal[-1] == "'"
    assert "'" not in literal[1:-1].replace("''", "")
    assert literal[1:-1].replace("''", "'") == text


@pytest.mark.parametrize(
    ("match", "found"),
    [
        pytest.param("it's a line", 1, id="a-quote"),
        pytest.param("' OR '1'='1", 0, id="out-of-the-literal"),
        pytest.param("%", 0, id="no-pattern-of-LIKE"),
        pytest.param("_", 2, id="an-underscore-is-one"),
        pytest.param("a.*", 0, id="no-regular-expression"),
        pytest.param("-- ", 0, id="a-comment"),
        pytest.param("\\", 0, id="a-backslash"),
        pytest.param("timeout of", 1, id="case-counts"),
    ],
)
def test_a_match_is_plain_text(runbook: Run, match: str, found: int) -> None:
    answer = runbook("lines", "--app", API, "--match", match, "--json", "--last", "30m")
    assert (answer.code, len(json.loads(answer.out)["lines"])) == (0, found)


@pytest.mark.parametrize(
    "arguments",
    [
        pytest.param(["lines", "--app", "x' OR 'a'='a"], id="app of lines"),
        pytest.param(["lines", "--dyno", "web.1' OR 'a'='a"], id="dyno with a space"),
        pytest.param(["lines", "--match", "a\x00b"], id="a NUL"),
        pytest.param(["lines", "--match", ""], id="nothing to match"),
        pytest.param(["lines", "--match", "x" * 1001], id="too long"),
        pytest.param(["lines", "-i"], id="ignore-case of nothing"),
        pytest.param(["lines", "-E"], id="an expression of nothing"),
        pytest.param(["lines", "-C", "1"], id="context of nothing"),
        pytest.param(["lines", "-v", ""], id="nothing to exclude"),
        pytest.param(["lines", "-E", "-m", "(?=x)"], id="an expression that Athena reads in another way"),
        pytest.param(["lines", "--source", "a b"], id="a source with a space"),
        pytest.param(["lines", "--limit", "1", "--first", "1"], id="newest and oldest"),
        pytest.param(["lines", "--around", "04:42", "--last", "1h"], id="around and last"),
        pytest.param(["lines", "--around", "04:42", "--first", "1"], id="nearest and oldest"),
        pytest.param(["lines", "--minutes", "1"], id="minutes of no time"),
        pytest.param(["lines", "--json", "--csv"], id="two forms of lines"),
        pytest.param(["lines", "--csv", "-m", "x", "-C", "1"], id="context in CSV"),
        pytest.param(["lines", "--tz", "Mars/Base"], id="no zone of this world"),
        pytest.param(["lines", "--from", "2026-11-25"], id="the future"),
        pytest.param(["lines", "-m", "x", "-C", "100", "--limit", "100000"], id="more than memory takes"),
        pytest.param(["lines", "--last", "5' hour"], id="span"),
        pytest.param(["lines", "--limit", "0"], id="limit of lines"),
        pytest.param(["query", "errors-by-surface", "--app", "x' OR 'a'='a"], id="app of query"),
        pytest.param(["query", "errors-by-surface", "--app", "raxx-other-prod"], id="an app of another stack"),
        pytest.param(["query", "errors-by-surface", "--from", "2026-11-24' OR"], id="time"),
        pytest.param(["query", "errors-by-surface", "--request-id", REQUEST], id="a parameter that it has not"),
        pytest.param(["query", "errors-by-surface", "--minutes", "5"], id="minutes of nothing"),
        pytest.param(["query", "around", "--around", "2026-11-24", "--last", "1h"], id="two windows"),
        pytest.param(["query", "request"], id="no request id"),
        pytest.param(["query", "request", "--request-id", "' OR 1=1 --"], id="request id"),
        pytest.param(["query", "latency-outliers", "--limit", "-1"], id="limit"),
        pytest.param(["query", "security-by-ip", "--trusted-hops", "-1"], id="trusted hops"),
        pytest.param(["query", "around", "--long-lived"], id="long-lived requests of all lines"),
        pytest.param(["query", "errors-by-surface", "--csv", "--chart"], id="two forms"),
        pytest.param(["query", "errors-by-surface", "--confirm-over", "much"], id="size"),
        pytest.param(["query", "recent-deploys", "--chart"], id="no series"),
        pytest.param(["query", "latency"], id="no such query"),
        pytest.param(["sql", " "], id="no SQL"),
        pytest.param(["sql", "-- only a comment"], id="only a comment"),
        pytest.param(["sql", "SELECT 1", "--jsno"], id="a mistyped option of sql"),
        pytest.param(["sql", "SELECT 1", "--limit", "5001"], id="a table of too many rows"),
        pytest.param(["query", "around", "--limit", "5001"], id="a table of too many rows of a query"),
        pytest.param(["drain-url", "../outputs"], id="a path in place of an app"),
        pytest.param(["--outputs", "/nowhere/outputs.json", "lines"], id="no file"),
        pytest.param(["--prefix", "/nowhere/", "lines"], id="no parameter"),
        pytest.param(["nonsense"], id="no such command"),
    ],
)
def test_what_cannot_be_asked_is_told_on_stderr_with_exit_code_2(runbook: Run, arguments: list[str]) -> None:
    answer = runbook(*arguments)
    assert (answer.code, answer.out) == (2, "")
    assert "Traceback" not in answer.err
    assert "rror: " in answer.err.splitlines()[-2:][0] + answer.err.splitlines()[-1]


# ---------------------------------------------------------------- lines


def shown(answer: Answer) -> list[str]:
    return [each.split(None, 2)[2] for each in answer.out.splitlines()]


def test_lines_are_oldest_first_and_of_the_window_only(runbook: Run) -> None:
    answer = runbook("lines", "--app", API, "--from", "2026-11-24T04:40", "--to", "2026-11-24T04:45")
    assert [each.split(" ")[0] for each in answer.out.splitlines()] == [
        "04:40:00",
        "04:40:00",
        "04:41:00",
    ]


def test_a_limit_keeps_the_newest_and_says_that_there_are_older(runbook: Run) -> None:
    answer = runbook("lines", "--app", API, "--limit", "2")
    assert [each.split(" ")[0][:5] for each in answer.out.splitlines()] == ["04:50", "04:55"]
    assert "the window has older lines than these 2: narrow it, raise --limit, or write all" in answer.err
    whole = runbook("lines", "--app", API, "--limit", "6")
    assert len(whole.out.splitlines()) == 6
    assert "older" not in whole.err, "a limit that is just reached cuts nothing"
    assert "6 lines, all of the window, " in whole.err
    assert json.loads(runbook("lines", "--app", API, "--limit", "2", "--json").out)["complete"] is False


def test_the_first_are_the_oldest(runbook: Run) -> None:
    answer = runbook("lines", "--app", API, "--first", "2")
    assert [each[:5] for each in answer.out.splitlines()] == ["04:31", "04:40"]
    assert "the window has newer lines than these 2: narrow it, raise --first, or write all" in answer.err


def test_around_a_time_are_the_nearest(runbook: Run) -> None:
    answer = runbook("lines", "--app", API, "--around", "04:42", "--limit", "3", "--minutes", "15")
    assert [each[:5] for each in answer.out.splitlines()] == ["04:40", "04:40", "04:41"]
    assert "the window has other lines than these 3" in answer.err


@pytest.mark.parametrize(
    ("options", "found"),
    [
        (["--match", "imeout", "--match", "Time"], ["Timeout of the upstream"]),
        (["--match", "imeout", "--exclude", "desc"], ["Timeout of the upstream", "timeout of the upstream"]),
        (["-m", "TIMEOUT", "-v", "DESC", "-i", "-d", "web.2"], ["timeout of the upstream"]),
        (["-E", "-m", r"^[Tt]imeout\s(of|at) .*am$", "-v", "^T"], ["timeout of the upstream"]),
        (["-E", "-i", "-m", "^TIME[A-Z]+ "], ["Timeout of the upstream", "timeout of the upstream"]),
        (["--source", "app", "-d", "web.2", "-d", "worker"], ["timeout of the upstream", "a colour"]),
        (["--source", "logdrain"], []),
    ],
)
def test_filters_are_combined(runbook: Run, options: list[str], found: list[str]) -> None:
    """All of the matches, none of the excluded, any of the dynos and of the sources."""
    answer = runbook("lines", "--app", API, *options)
    assert answer.code == 0, answer.err
    assert [each.partition(" #")[0] for each in shown(answer)] == found


def test_lines_around_a_match_are_of_its_app(runbook: Run) -> None:
    answer = runbook("lines", "-m", "T", "-m", "upstream", "-C", "1")
    assert [(each[:5], each.split()[1]) for each in answer.out.splitlines()] == [
        ("04:31", API),
        ("04:40", API),
        ("04:40", API),
    ]
    document = json.loads(runbook("lines", "-m", "T", "-m", "upstream", "-A", "1", "--json").out)
    assert [each["selected"] for each in document["lines"]] == [True, False]


def test_what_does_not_follow_is_separated(runbook: Run) -> None:
    answer = runbook("lines", "--app", API, "-E", "-m", "quote|status=500", "-A", "1")
    assert [each[:5] for each in answer.out.splitlines()] == ["04:31", "04:40", "--", "04:55"]


def test_a_zone_is_that_of_what_is_asked_and_shown(runbook: Run) -> None:
    answer = runbook("lines", "--app", API, "--from", "23:41", "--to", "23:46", "--tz", "America/New_York")
    assert [each[:8] for each in answer.out.splitlines()] == ["23:41:00"]
    assert "2026-11-23 23:41:00 to 23:46:00 America/New_York" in answer.err


def test_a_json_object_per_line(runbook: Run) -> None:
    answer = runbook("lines", "--app", API, "--dyno", "worker", "--jsonl")
    [line] = map(json.loads, answer.out.splitlines())
    assert line == {
        "time": "2026-11-24T04:50:00.000000+00:00",
        "app": API,
        "source": "app",
        "proc_id": "worker.1",
        "message": "a colour #033[31m and C1 \x9b31m",
    }
    assert r"C1 \u009b31m" in answer.out, "a terminal would take it"
    assert "1 line, all that match" in answer.err


def test_csv_has_a_header_and_what_json_has(runbook: Run) -> None:
    answer = runbook("lines", "--app", API, "--dyno", "web.2", "--csv")
    assert answer.out.splitlines() == [
        "time,app,source,proc_id,message",
        f"2026-11-24T04:40:00.000000+00:00,{API},app,web.2,timeout of the upstream",
    ]


@pytest.mark.parametrize(
    ("dyno", "processes"),
    [("web.1", {"web.1"}), ("web", {"web.1", "web.2"}), ("router", {"router"}), ("web.", set()), ("we", set())],
)
def test_a_dyno_is_one_or_all_of_its_type(runbook: Run, dyno: str, processes: set[str]) -> None:
    document = json.loads(runbook("lines", "--app", API, "--dyno", dyno, "--json").out)
    assert {each["proc_id"] for each in document["lines"]} == processes


@pytest.mark.parametrize(
    ("arguments", "written"),
    [
        (["security-by-ip", "--trusted-hops", "1"], "SELECT 1 AS trusted"),
        (["latency-outliers", "--long-lived"], "AND long_lived"),
    ],
)
def test_a_parameter_gets_into_the_query(runbook: Run, arguments: list[str], written: str) -> None:
    lines = json.loads(runbook("query", *arguments, "--json").out)["sql"].splitlines()
    assert written in map(str.strip, lines)


def test_a_partition_value_that_no_partition_has_gets_a_word(runbook: Run) -> None:
    """Athena finds nothing, and gives no reason (Athena user guide, "Supported types for partition projection")."""
    sql = "SELECT count(*) AS n FROM syslog WHERE year = '2026' AND month = '11' AND day = '5'"
    note = "no partition has day = '5': write '05', with 2 digits"
    answer = runbook("sql", sql)
    assert (answer.code, note in answer.err, note in answer.out) == (0, True, False)
    assert json.loads(runbook("sql", sql, "--json").out)["notes"] == [note]


MANY = "SELECT value FROM UNNEST(sequence(1, {})) AS numbers(value)"


def test_a_program_gets_all_rows_and_people_the_first_thousand(runbook: Run) -> None:
    sql = MANY.format(2500)
    assert len(runbook("sql", sql, "--csv").out.splitlines()) == 2501
    assert len(runbook("sql", sql, "--jsonl").out.splitlines()) == 2500
    document = json.loads(runbook("sql", sql, "--json").out)
    assert (document["rows"][-1], len(document["rows"]), document["complete"]) == ({"value": 2500}, 2500, True)
    answer = runbook("sql", sql)
    assert answer.out.splitlines()[-1].strip() == "1000"
    assert "only the first 1,000 rows are shown; all rows: s3://" in answer.err


def test_a_limit_cuts_json_too_and_the_document_says_so(runbook: Run) -> None:
    document = json.loads(runbook("sql", MANY.format(5), "--json", "--limit", "3").out)
    assert ([row["value"] for row in document["rows"]], document["complete"]) == ([1, 2, 3], False)


SAVED = Path(saved_queries.__code__.co_filename).parent / "queries"


@pytest.mark.parametrize("path", sorted(SAVED.glob("*.sql")), ids=lambda path: path.stem)
def test_a_saved_querys_file_can_be_pasted(runbook: Run, path: Path) -> None:
    """Its first line is a comment, `-- title: ...`, which looks like an option."""
    answer = runbook("sql", path.read_text(encoding="utf-8"), "--json")
    assert (answer.code, answer.err) == (0, "")


@pytest.fixture
def in_glacier(stack: LocalStack) -> Iterator[str]:
    """The SQL for a day of March whose one object is in Glacier."""
    key = f"logs/{API}/2026/03/05/1772668800000-{batch_id(API, 'march')}.gz"
    s3, bucket = stack.client("s3"), stack.outputs["bucket"]
    s3.put_object(Bucket=bucket, Key=key, Body=gzip.compress(b""), StorageClass="GLACIER")
    yield "SELECT count(*) AS n FROM syslog WHERE year = '2026' AND month = '03'"
    s3.delete_object(Bucket=bucket, Key=key)


def test_sql_says_which_of_its_days_are_in_glacier_and_how_to_restore_them(runbook: Run, in_glacier: str) -> None:
    restore = "hla restore --app raxx-api-prod --from 2026-03-05T00:00:00Z --to 2026-03-05T23:59:00Z"
    note = f"the result is incomplete: 1 object is in Glacier for 1 day. To restore them: `{restore}`"
    sql = f"{in_glacier} AND app = '{API}'"
    assert note in runbook("sql", sql).err
    assert json.loads(runbook("sql", sql, "--json", "--yes").out)["notes"] == [note]
    for other in (f"{in_glacier} AND day = '06'", f"{in_glacier} AND app = '{CONSOLE}'"):
        assert "Glacier" not in runbook("sql", other).err


@pytest.mark.parametrize("where", ["", "WHERE year = '2026'", "WHERE year = '2026' AND month = '03' AND day > '04'"])
@pytest.mark.usefixtures("in_glacier")
def test_sql_of_unknown_days_says_from_which_age_on_lines_are_missing(runbook: Run, where: str) -> None:
    assert "lines older than 90 days are in Glacier" in runbook("sql", f"SELECT count(*) FROM syslog {where}").err


@pytest.mark.usefixtures("in_glacier")
def test_sql_of_the_last_days_says_nothing_of_glacier(runbook: Run) -> None:
    sql = "SELECT count(*) FROM syslog WHERE day = date_format(now(), '%d')"
    assert "Glacier" not in runbook("sql", sql).err + runbook("sql", "SELECT 1").err


def test_a_line_cannot_steer_the_terminal(runbook: Run) -> None:
    assert "a colour #033[31m and C1 \\x9b31m" in shown(runbook("lines", "--app", API))


# ---------------------------------------------------------------- the question before a large query


def test_an_estimate_counts_the_objects_of_the_windows_days_and_apps(stack: LocalStack) -> None:
    s3, bucket = stack.client("s3"), stack.outputs["bucket"]
    day = Window(NOW - timedelta(hours=1), NOW)
    one, both = (estimate.of_window(s3, bucket, apps, day) for apps in ([API], [API, CONSOLE]))
    assert (one.objects, both.objects, both.objects_in_glacier, both.complete) == (1, 2, 0, True)
    assert 0 < one.scanned_bytes < both.scanned_bytes
    assert estimate.of_window(s3, bucket, [API], Window(NOW - timedelta(days=9), NOW - timedelta(days=8))).objects == 0


def test_an_estimate_is_what_athena_scans(runbook: Run, stack: LocalStack) -> None:
    expected = estimate.of_window(
        stack.client("s3"), stack.outputs["bucket"], stack.outputs["apps"], Window(NOW - timedelta(hours=2), NOW)
    )
    scanned = json.loads(runbook("query", "errors-by-surface", "--last", "2h", "--json").out)["scanned_bytes"]
    assert scanned == expected.scanned_bytes


class FakeS3:
    """Two pages of objects under each prefix, of which one is in Glacier; counts what is asked."""

    def __init__(self) -> None:
        self.pages = 0

    def get_paginator(self, _: str) -> "FakeS3":
        return self

    def paginate(self, **_: str) -> Iterator[dict[str, Any]]:
        entry = {"Key": "k", "LastModified": NOW}
        for truncated in (True,) * 20 + (False,):
            self.pages += 1
            yield {
                "IsTruncated": truncated,
                "Contents": [entry | {"Size": 100}, entry | {"Size": 900, "StorageClass": "GLACIER"}],
            }


def test_what_is_in_glacier_is_not_scanned() -> None:
    counted = estimate.of_window(FakeS3(), "b", [API], Window(NOW - timedelta(hours=1), NOW))  # type: ignore[arg-type]
    assert counted == Estimate(objects=21, scanned_bytes=2100, objects_in_glacier=21, complete=True)


def test_an_archive_of_very_many_objects_is_not_listed_to_its_end() -> None:
    s3 = FakeS3()
    counted = estimate.of_archive(s3, "b", [API], NOW.date(), 10**9)  # type: ignore[arg-type]
    assert (counted.complete, s3.pages) == (False, 11 * 10)


@pytest.mark.parametrize(
    ("found", "asks"),
    [
        (Estimate(1, 1000), False),
        (Estimate(1, 1001), True),
        (Estimate(1, 1000, complete=False), True),
    ],
)
def test_a_query_over_the_stated_size_asks_first(found: Estimate, asks: bool) -> None:
    """Without a terminal it refuses, and names --yes; by which nothing is asked."""
    athena_command.confirm_size(found, 1000, yes=True)
    if asks:
        with pytest.raises(RunbookError, match=r"may scan .*1\.0 KB in .*Run it\? stdin is not a terminal: add --yes"):
            athena_command.confirm_size(found, 1000, yes=False)
    else:
        athena_command.confirm_size(found, 1000, yes=False)


@pytest.mark.parametrize("command", [["query", "errors-by-surface"], ["lines"], ["sql", "SELECT 1 AS n FROM syslog"]])
def test_every_search_asks_before_it_is_large(runbook: Run, asked: list[Ask], command: list[str]) -> None:
    refused = runbook(*command, "--confirm-over", "1B")
    assert (refused.code, refused.out) == (2, "")
    assert "This query is large" in refused.err
    assert "athena:StartQueryExecution" not in [ask.action for ask in asked]
    assert runbook(*command, "--confirm-over", "1B", "--yes").code == 0


def test_the_question_of_free_sql_names_the_workgroups_limit(runbook: Run) -> None:
    """Its window cannot be known: up to everything, and no further than the limit, 10 GiB."""
    answer = runbook("sql", "SELECT 1 AS n FROM syslog", "--confirm-over", "1B")
    assert "up to the workgroup's limit of 10.7 GB, and costs up to $0.05" in answer.err


class Typed:
    """A terminal on which someone answers."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, answer: str | BaseException) -> None:
        self.questions: list[str] = []
        self._answer = answer
        monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)
        monkeypatch.setattr("typer.confirm", self._confirm)

    def _confirm(self, question: str, *, err: bool) -> bool:
        assert err, "stdout is for the answer"
        self.questions.append(question)
        if isinstance(self._answer, BaseException):
            raise self._answer
        return self._answer == "y"


def test_the_answer_to_the_question_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Yes goes on, no is exit code 2 as nothing was found out, and Ctrl-C is Ctrl-C."""
    import typer

    monkeypatch.setattr("sys.stdin", Terminal())
    Typed(monkeypatch, "y")
    confirm.ask("Run it?", yes=False)
    Typed(monkeypatch, "n")
    with pytest.raises(RunbookError, match="cancelled: nothing was changed"):
        confirm.ask("Run it?", yes=False)
    Typed(monkeypatch, typer.Abort())
    with pytest.raises(KeyboardInterrupt):
        confirm.ask("Run it?", yes=False)


@pytest.mark.parametrize(
    ("text", "count"), [("1B", 1), ("500MB", 5 * 10**8), ("1.5 gb", 15 * 10**8), ("2TB", 2 * 10**12)]
)
def test_a_size_is_a_number_and_a_unit(text: str, count: int) -> None:
    assert estimate.size(text) == count


@pytest.mark.parametrize("saved", saved_queries(), ids=lambda saved: saved.name)
def test_the_window_of_each_saved_query_is_a_value_of_last(saved: Any) -> None:
    """Its header says it in words."""
    number, unit = saved.window.removeprefix("the last ").split()
    assert times.duration(next_step.own_window(saved)) == timedelta(**{f"{unit.rstrip('s')}s": int(number)})


# ---------------------------------------------------------------- the program


def test_ctrl_c_ends_with_130(runbook: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: Any, **__: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(Athena, "run", interrupted)
    assert runbook("lines") == Answer(130, "", "")


def test_a_full_disk_is_one_line(runbook: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: Any, **__: Any) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Athena, "run", full)
    assert runbook("lines") == Answer(2, "", "error: output: No space left on device\n")


def test_a_fault_of_ours_is_not_hidden(runbook: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """Only what an operator can mend is one line."""

    def faulty(*_: Any, **__: Any) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(Athena, "run", faulty)
    with pytest.raises(ZeroDivisionError):
        runbook("lines")


def test_help_imports_nothing_that_is_slow() -> None:
    """It is asked at 3 a.m., on any machine: under 0.4 s, which these packages alone would take."""
    script = (
        "import sys; from runbook.cli import run; code = run(['--help']);"
        "print([name for name in ('boto3', 'botocore', 'rich', 'jinja2', 'plotext', 'pulumi') if name in sys.modules],"
        " file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert "doctor" in done.stdout
    assert done.stderr.strip() == "[]"


def test_a_quarantine_line_without_a_time_is_found_where_it_arrived(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """It has no time but that of its arrival; the beginning of the day is in hardly any window."""
    with LocalStack(Options(clock=NOW)) as stack:
        assert post(stack.drain_urls[API], b"garbage", "f" * 32, NOW) == 200
        answer = runner(stack, monkeypatch, capfd, NOW)("lines", "--last", "1m", "--json")
    [line] = json.loads(answer.out)["lines"]
    assert (line["source"], line["message"]) == ("logdrain", "garbage")
