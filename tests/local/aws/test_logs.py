"""Logs on this machine: events are found by the filter patterns of the runbook, as CloudWatch Logs documents them."""

import io
from pathlib import Path

import pytest

from contract import access_log
from local.aws import log_events, log_filter
from local.aws.log_events import AccessLog, Recorded

REFUSED = '503 503 200 127.0.0.1 id "-" "-"'
ACCEPTED = '200 200 200 127.0.0.1 id "-" "-"'
DENIED = '500 - - 127.0.0.1 id "a text with spaces" "-"'


@pytest.mark.parametrize(
    ("pattern", "found"),
    [
        ("", ["an ERROR", "it timed out", "fine"]),
        ("ERROR", ["an ERROR"]),
        ('?ERROR ?"timed out" ?"Runtime exited"', ["an ERROR", "it timed out"]),
        ('it "timed out"', ["it timed out"]),
        ("it ERROR", []),
    ],
)
def test_terms_are_case_sensitive_and_all_needed_unless_optional(pattern: str, found: list[str]) -> None:
    matches = log_filter.matcher(pattern)
    assert [each for each in ("an ERROR", "it timed out", "fine") if matches(each)] == found


def test_a_space_delimited_pattern_compares_fields() -> None:
    """A text in quotes is one field, and a line of another number of fields does not match."""
    failed, of_503 = (log_filter.matcher(access_log.filter_pattern(each)) for each in ("!= 200", "= 503"))
    lines = [REFUSED, ACCEPTED, DENIED, "500 too few"]
    assert [each for each in lines if failed(each)] == [REFUSED, DENIED]
    assert [each for each in lines if of_503(each)] == [REFUSED]


def test_a_field_of_json_is_compared() -> None:
    matches = log_filter.matcher('{ $.reason = "digest" }')
    assert [matches(each) for each in ('{"reason": "digest"}', '{"reason": "other"}', "digest", "[]")] == [
        *(True, False, False, False)
    ]


@pytest.mark.parametrize("pattern", ["?ERROR WARN", "%regex%", '{ $.a = "b" && $.c = "d" }', "[a > 4]", '"open'])
def test_a_pattern_that_is_not_served_is_refused(pattern: str) -> None:
    """Moto would give all events: nobody would see that the pattern finds nothing on AWS."""
    with pytest.raises(ValueError, match=r"."):
        log_filter.matcher(pattern)


def test_each_line_that_is_printed_is_an_event(tmp_path: Path) -> None:
    shown, path = io.StringIO(), log_events.file_of(tmp_path, "/aws/lambda/a-function")
    assert list(log_events.read(path)) == []
    printed = Recorded(shown, path)
    for part in ("one\ntw", "o\n\n", "unfinished"):
        printed.write(part)
    assert shown.getvalue() == "one\ntwo\n\nunfinished"
    assert [event["message"] for event in log_events.read(path)] == ["one", "two"]


def test_the_access_log_has_a_dash_for_what_is_absent(tmp_path: Path) -> None:
    path = tmp_path / "events"
    AccessLog(str(path), access_log.FORMAT).note({"status": 404, "requestId": "id", "identity.sourceIp": "::1"})
    assert [event["message"] for event in log_events.read(path)] == ['404 - - ::1 id "-" "-"']
