"""The saved queries say what they give, read only their window's partitions, and are right on any day of any year."""

import re
from collections import defaultdict
from datetime import UTC, date, datetime, timedelta
from textwrap import dedent

import duckdb
import pytest
from sqlglot import exp
from sqlglot.optimizer.qualify import qualify

from contract import router_view
from contract.canary import NOT_A_CANARY
from contract.glue_table import COLUMNS
from contract.logplex import loss_reports
from contract.object_keys import PARTITION_KEYS, partition
from contract.saved_queries import SavedQuery, read, saved_queries
from local.aws.athena.sql import Columns, plan
from tests.support.logplex_frames import record
from tests.support.sql_conditions import chosen, columns_of, parsed, partition_conditions, table_of

QUERIES = saved_queries()
BY_NAME = {query.name: query for query in QUERIES}
WINDOWS = {
    "the last 60 minutes": timedelta(minutes=60),
    "the last 10 minutes": timedelta(minutes=10),
    "the last 24 hours": timedelta(hours=24),
    "the last 7 days": timedelta(days=7),
}
OWN_PARAMETERS = {"request_id", "trusted_hops", "long_lived", "moment", "every"}
SCHEMA: dict[str, object] = {
    "raxx_heroku_logs": {
        "syslog": dict.fromkeys((*COLUMNS, *PARTITION_KEYS), "varchar"),
        router_view.NAME: {name: column.trino_type for name, column in router_view.COLUMNS.items()},
    }
}

each_query = pytest.mark.parametrize("query", QUERIES, ids=lambda query: query.name)


# ---------------------------------------------------------------- header


def test_the_runbooks_queries_are_all_there_in_its_order() -> None:
    assert list(BY_NAME) == [
        "summary",
        "errors-by-surface",
        "errors-by-endpoint",
        "errors-since",
        "latency-outliers",
        "security-events",
        "security-by-ip",
        "recent-deploys",
        "deploys",
        "slow-endpoints",
        "unstructured-share",
        "errors-by-code",
        "request",
        "around",
        "lines-lost",
    ]


@each_query
def test_a_header_is_complete(query: SavedQuery) -> None:
    assert all([query.title, query.purpose, query.tip])
    assert query.window in WINDOWS
    for key in ("title", "purpose", "parameters", "window", "columns", "tip"):
        assert len(re.findall(f"^-- {key}: ", query.sql, re.MULTILINE)) == 1


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        pytest.param(("-- tip: ", "-- hint: "), "around: the header lacks tip", id="no tip"),
        pytest.param(
            ("        -- <app>\n        -- </app>\n", ""), "around: the header has the parameters", id="no block"
        ),
        pytest.param(
            ("-- parameters: moment, window, app", "-- parameters: moment, app"),
            "the blocks are",
            id="not in the header",
        ),
        pytest.param(("-- </limit>", ""), "around: the header has the parameters", id="block without an end"),
    ],
)
def test_a_file_that_is_not_complete_is_a_clear_error(wrong: tuple[str, str], message: str) -> None:
    sql = BY_NAME["around"].sql
    assert wrong[0] in sql
    with pytest.raises(ValueError, match=message):
        read("around", sql.replace(*wrong))


@each_query
def test_the_parameters_are_the_window_the_app_and_the_limit_where_there_is_one(query: SavedQuery) -> None:
    wanted = {"window", "app"} | ({"limit"} if "LIMIT" in query.sql else set())
    assert set(query.parameters) - OWN_PARAMETERS == wanted


def test_the_other_parameters_are_those_of_few_queries() -> None:
    assert {
        parameter: [query.name for query in QUERIES if parameter in query.parameters] for parameter in OWN_PARAMETERS
    } == {
        "request_id": ["request"],
        "trusted_hops": ["security-events", "security-by-ip"],
        "long_lived": ["latency-outliers", "slow-endpoints"],
        "moment": ["around"],
        "every": ["errors-by-surface"],
    }


def test_equal_windows_are_written_equally() -> None:
    """They repeat in each file, which runs as it stands; here they are held together."""
    written = defaultdict(set)
    for query in QUERIES:
        [block] = re.findall(r"^ *-- <window>\n(.*?)^ *-- </window>$", query.sql, re.MULTILINE | re.DOTALL)
        written[query.window].add(dedent(block))
    assert {window: len(texts) for window, texts in written.items()} == dict.fromkeys(WINDOWS, 1)


@each_query
def test_the_columns_are_the_headers(query: SavedQuery) -> None:
    assert tuple(parsed(query).named_selects) == query.columns


# The runbook's readers, and what they paste results into, know these columns by name.
@pytest.mark.parametrize(
    ("name", "columns"),
    [
        ("summary", "app lines requests errors error_rate p95_service_ms deploys lines_lost last_line"),
        ("errors-by-surface", "app hour_utc request_count error_count error_rate"),
        (
            "errors-by-endpoint",
            "app path_prefix request_count error_count error_rate first_error last_error last_request_id",
        ),
        ("errors-since", "app since_utc error_count request_count last_error last_change_at last_change"),
        ("latency-outliers", "app proc_id log_ts method path wait_ms service_ms status fwd_ip request_id dyno"),
        ("security-events", "app proc_id log_ts event_type fwd_ip path message"),
        ("security-by-ip", "fwd_ip hits path_prefix status_401 status_403 status_429 first_seen last_seen"),
        ("recent-deploys", "app log_ts proc_id message"),
        ("deploys", "app log_ts kind version who message"),
        ("slow-endpoints", "app path_prefix request_count avg_service_ms p95_service_ms max_service_ms"),
        ("unstructured-share", "total unstructured_count quarantined_count"),
        ("errors-by-code", "hour_utc app code descr error_count"),
        ("request", "app log_ts source proc_id message"),
        ("around", "app log_ts source proc_id message"),
        ("lines-lost", "app hour_utc drain lines_lost"),
    ],
)
def test_the_columns_are_the_runbooks(name: str, columns: str) -> None:
    assert BY_NAME[name].columns == tuple(columns.split())


@each_query
def test_every_column_is_one_of_the_table_or_of_its_view(query: SavedQuery) -> None:
    """Resolving the names fails for one that is in neither, or in both."""
    qualify(parsed(query), dialect="trino", schema=SCHEMA, expand_alias_refs=False)


@each_query
def test_the_same_query_can_be_asked_of_a_table_of_another_name(query: SavedQuery) -> None:
    """The view keeps its name and moves to the table's database."""
    renamed = query.on_table("other_logs", "lines")
    before, after = table_of(query), table_of(renamed)
    assert (after.db, after.name) == ("other_logs", {"syslog": "lines"}.get(before.name, router_view.NAME))
    assert "raxx_heroku_logs" not in renamed.sql
    assert query.on_table("raxx_heroku_logs", "syslog") == query


def test_queries_of_requests_alone_are_asked_of_the_view() -> None:
    of_the_view = [query.name for query in QUERIES if table_of(query).name == router_view.NAME]
    assert of_the_view == [
        "errors-by-surface",
        "errors-by-endpoint",
        "latency-outliers",
        "security-by-ip",
        "slow-endpoints",
    ]


# ---------------------------------------------------------------- partitions

_CONSTANT = re.compile(r"date_format\(now\(\)(?: - interval '(\d+)' (day|minute))?, '([^']+)'\)")


def at(sql: str, now: datetime) -> str:
    """The SQL with its calendar constants as they are at a time."""

    def literal(constant: re.Match[str]) -> str:
        back = timedelta(**{f"{constant[2] or 'day'}s": int(constant[1] or 0)})
        return f"'{now - back:{constant[3]}}'"

    return _CONSTANT.sub(literal, sql)


@each_query
@pytest.mark.parametrize(
    "now",
    [
        pytest.param(datetime(2026, 11, 24, 12, tzinfo=UTC), id="any-day"),
        pytest.param(datetime(2026, 11, 24, 0, 0, 30, tzinfo=UTC), id="just-after-midnight"),
        pytest.param(datetime(2027, 1, 1, tzinfo=UTC), id="new-year"),
        pytest.param(datetime(2027, 1, 4, 23, 59, tzinfo=UTC), id="new-year-in-the-window"),
        pytest.param(datetime(2026, 12, 31, 23, 59, tzinfo=UTC), id="new-years-eve"),
        pytest.param(datetime(2028, 3, 1, 1, tzinfo=UTC), id="behind-a-leap-day"),
        pytest.param(datetime(2027, 3, 1, 1, tzinfo=UTC), id="behind-february"),
        pytest.param(datetime(2027, 6, 30, 12, tzinfo=UTC), id="end-of-month"),
    ],
)
def test_a_query_reads_the_partitions_of_its_window_and_no_other(query: SavedQuery, now: datetime) -> None:
    first = (now - WINDOWS[query.window]).date()
    window = {first + timedelta(number) for number in range((now.date() - first).days + 1)}
    around = [date(now.year - 1, 11, 1) + timedelta(number) for number in range(2 * 366)]
    today = SavedQuery(**{**vars(query), "sql": at(query.sql, now)})
    wanted = list(partition_conditions(today))
    read = {day for day in around if all(chosen(condition, partition("an-app", day)) for condition in wanted)}
    assert read == window


@each_query
def test_each_partition_key_is_compared_with_constants_alone(query: SavedQuery) -> None:
    """Athena pushes only that down: the comparison of the three together does not prune by itself."""
    lists = [condition for condition in partition_conditions(query) if isinstance(condition, exp.In)]
    assert sorted(condition.this.name for condition in lists) == ["day", "month", "year"]
    assert not any(columns_of(value) for condition in lists for value in condition.expressions)
    [together] = [condition for condition in partition_conditions(query) if isinstance(condition, exp.Between)]
    assert columns_of(together) == {"year", "month", "day"}


@each_query
def test_the_window_is_by_the_lines_own_time_and_a_bad_time_fails_no_query(query: SavedQuery) -> None:
    number, unit = query.window.removeprefix("the last ").split()
    span = f"'{number}' {unit.removesuffix('s')}"
    assert f"AND try(from_iso8601_timestamp(log_ts)) BETWEEN now() - interval {span} AND now()" in query.sql


# ---------------------------------------------------------------- mistakes


# The wrong answers of the queries that these replace.
@pytest.mark.parametrize(
    "mistake",
    [
        pytest.param(r"\\[1-9]", id="backslash-group"),
        pytest.param(r"'20\d\d'", id="fixed-year"),
        pytest.param(r"current_date", id="sessions-time-zone"),
        pytest.param(r"message LIKE '%", id="field-found-in-text"),
        pytest.param(r"status=", id="status-found-in-text"),
        pytest.param(r"heroku/", id="proc-id-that-never-is"),
        pytest.param(r"(?i)(?<!try_)cast\((?!try\()", id="cast-that-fails-the-query"),
        pytest.param(r"release v", id="lower-case-release"),
    ],
)
@each_query
def test_a_query_does_not_repeat_a_mistake(query: SavedQuery, mistake: str) -> None:
    assert not re.search(mistake, query.sql)


# ---------------------------------------------------------------- what they ask


def test_the_pivot_counts_the_very_answers_of_security_events() -> None:
    """All of them: it is a query of its own and not one over the newest 500. Lines of apps have no address."""

    def statuses(name: str) -> set[str]:
        [asked] = (found for found in parsed(BY_NAME[name]).find_all(exp.In) if columns_of(found.this) == {"status"})
        return {value.name for value in asked.expressions}

    assert statuses("security-by-ip") == statuses("security-events") == {"401", "403", "429"}


@each_query
def test_no_limit_decides_a_count(query: SavedQuery) -> None:
    """A LIMIT ends the rows that are shown, and never those that are counted."""
    for limit in parsed(query).find_all(exp.Limit):
        limited = limit.find_ancestor(exp.Select)
        outer = limited and limited.find_ancestor(exp.Select)
        assert outer is None or not outer.find(exp.AggFunc, exp.Group) or (limited and limited.find(exp.Group))


@each_query
def test_a_chart_and_the_next_command_are_of_columns_that_the_query_has(query: SavedQuery) -> None:
    assert query.chart is None or query.chart in query.columns
    assert query.next
    assert set(re.findall(r"\{(\w+)\}", query.next)) <= set(query.columns)
    command, *words = query.next.split()
    assert command in {"doctor", "lines"} or (command, words[0] in BY_NAME) == ("query", True)


def test_every_error_leads_to_its_lines_in_two_commands() -> None:
    """From each symptom, the next query or the one after it shows lines."""

    def after(name: str) -> str:
        command, *words = (BY_NAME[name].next or "").split()
        return words[0] if command == "query" else command

    for symptom in ("errors-since", "errors-by-endpoint", "latency-outliers", "security-by-ip", "deploys"):
        assert after(symptom) in {"around", "request", "lines"}
    assert after(after("summary")) == "around"
    assert after(after("errors-by-surface")) == "request"


def test_losses_and_long_lived_requests_mean_the_same_in_the_summary() -> None:
    summary, lost = BY_NAME["summary"].sql, BY_NAME["lines-lost"].sql
    counted = re.findall(r"'(\^.+)',$", lost, re.MULTILINE)[1]
    assert f"'{counted}'," in summary
    view = router_view.COLUMNS["long_lived"].expression
    assert "status = '101' OR (code IS NULL AND try_cast(service_ms AS bigint) > 30000)" in view
    assert "status = '101' OR (code IS NULL AND try_cast(service_ms AS bigint) > 30000)" in summary


def test_canaries_are_left_out_of_lines_that_are_not_of_heroku_or_an_app() -> None:
    """The other queries ask for sources that no canary has; tests/system/test_query_results.py holds them to it."""
    assert [query.name for query in QUERIES if NOT_A_CANARY in query.sql] == ["summary", "unstructured-share", "around"]


# What contract/logplex/loss_reports.py counts, in both wordings of L10 and with a structured-data field before them.
@pytest.mark.parametrize(
    ("message", "lines", "drain"),
    [
        ("Error L10 (output buffer overflow): 7 messages dropped since 2026-11-24T00:00:00+00:00.", 7, None),
        ("Error L10 (output buffer overflow): drain 'd.x' dropped 70 messages since 2026-11-24T00:00Z.", 70, "d.x"),
        ("Error L10 (output buffer overflow): drain d.x dropped 70 messages since 2026-11-24T00:00Z.", 70, "d.x"),
        ("- Error L10 (output buffer overflow): 7 messages dropped since 2026-11-24T00:00:00+00:00.", 7, None),
        ("Error L12: 12 messages dropped since 2026-11-24T00:00:00+00:00.", 12, None),
        ("Error L13: 13 messages lost since 2026-11-24T00:00:00+00:00.", 13, None),
        ("Error L12: 9999999999999999999 messages dropped since 2026-11-24T00:00:00+00:00.", None, None),
        ("Error L10 (output buffer overflow): drain 'd.x' dropped many messages", None, None),
        ("Error L11 (tail buffer overflow): 7 messages dropped since 2026-11-24T00:00:00+00:00.", None, None),
        ("it said Error L12: 12 messages dropped since 2026-11-24T00:00:00+00:00.", None, None),
    ],
)
def test_lines_lost_reads_what_the_receiver_counts(message: str, lines: int | None, drain: str | None) -> None:
    patterns = re.findall(r"'(\^.+)',$", BY_NAME["lines-lost"].sql, re.MULTILINE)
    found = [match and match[1] for match in (re.search(pattern, message) for pattern in patterns)]
    assert found == [drain, lines and str(lines)]
    frame = f"<172>1 2026-11-24T00:00:00+00:00 host heroku logplex - {message}\n"
    assert loss_reports.loss(record(frame.encode())) == (lines and (lines, drain))


# Texts of Heroku's API: releases are worded like this in `heroku releases`, too (Heroku Dev Center, "Releases").
@pytest.mark.parametrize(
    ("text", "kind", "version", "who"),
    [
        ("Release v12 created by user kim@example.com", "release", "v12", "kim@example.com"),
        ("Initial release by user kim@example.com", "release", None, "kim@example.com"),
        ("Rollback to v11 by user kim@example.com", "rollback", "v11", "kim@example.com"),
        ("Promote raxx-staging v7 1a2b3c4 by user kim@example.com", "promotion", None, "kim@example.com"),
        ("Deploy 1a2b3c4d by user kim@example.com", "deploy", None, "kim@example.com"),
        ("Deployed web (694536ae336d) by user kim@example.com", "deploy", None, "kim@example.com"),
        ("Build started by user kim@example.com", "build", None, "kim@example.com"),
        ("Build succeeded", "build", None, None),
        (
            "Set A, B config vars by user heroku-redis@addons.heroku.com",
            "config",
            None,
            "heroku-redis@addons.heroku.com",
        ),
        ("Remove A config vars by user kim@example.com", "config", None, "kim@example.com"),
        ("Add A config by kim@example.com", "config", None, None),
        ("Scaled to web@2:Standard-1X worker@0:Standard-1X by user kim@example.com", "scale", None, "kim@example.com"),
        ("Scale to web=2 by user kim@example.com", "scale", None, "kim@example.com"),
        ("Attach DATABASE (@ref:postgresql-flat-1) by user kim@example.com", "add-on", None, "kim@example.com"),
        ("Maintenance mode enabled by user kim@example.com", "maintenance", None, "kim@example.com"),
        ("Add example.com domain by user kim@example.com", "other", None, "kim@example.com"),
    ],
)
def test_a_deploy_is_told_by_its_text(text: str, kind: str, version: str | None, who: str | None) -> None:
    tree = parsed(BY_NAME["deploys"])
    for column in [each for each in tree.find_all(exp.Column) if each.name == "message"]:
        column.replace(exp.Literal.string(text))
    asked = exp.select(*(each for each in tree.selects if each.alias in {"kind", "version", "who"}))
    planned = plan(asked.sql("trino"), "", lambda *_: Columns({}), datetime.now(UTC)).sql
    with duckdb.connect() as engine:
        assert engine.execute(planned).fetchall() == [(kind, version, who)]


@pytest.mark.parametrize(
    ("path", "prefix"),
    [
        ("/api/auth/login?next=/x", "/api/auth"),
        ("/api/auth", "/api/auth"),
        ("/api?x=/y/z", "/api"),
        ("/", "/"),
        ("/a/", "/a/"),
        ("/a#b/c", "/a"),
    ],
)
def test_a_path_prefix_is_the_first_two_segments(path: str, prefix: str) -> None:
    with_prefix = [query.sql for query in QUERIES if "path_prefix" in query.columns]
    [pattern] = {found for sql in with_prefix for found in re.findall(r"regexp_extract\(path, '([^']+)'\)", sql)}
    assert len(with_prefix) == 3
    found = re.search(pattern, path)
    assert found
    assert found[0] == prefix


@each_query
def test_rows_come_in_an_order_that_is_the_same_each_time(query: SavedQuery) -> None:
    tree = parsed(query)
    if query.name != "unstructured-share":
        assert len(tree.args["order"].expressions) >= 2
