"""A table has at most 5,000 rows, and says how to get the others; only one format can be selected."""

import json
from pathlib import Path

import pytest

from contract.saved_queries import saved_queries
from runbook.clients.athena import Column, Stream
from runbook.clients.athena_rows import Rows
from runbook.errors import RunbookError
from runbook.search import query_limit, result_output
from runbook.search.query_options import QueryOptions
from runbook.search.result_output import MOST_TABLE_ROWS, Format
from runbook.session import Session
from tests.support.outputs import VALUES


@pytest.fixture
def session(tmp_path: Path) -> Session:
    path = tmp_path / "outputs.json"
    path.write_text(json.dumps(VALUES))
    return Session(outputs_file=str(path), region="eu-west-1")


def stream(count: int, most: int | None = None) -> Stream:
    return Stream("1-2", (Column("n", "bigint"),), 0, 0, "s3://b/1-2.csv", Rows(((n,) for n in range(count)), most))


def test_a_table_of_too_many_rows_names_the_ways_out(session: Session, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(RunbookError, match=r"more than 5,000 rows, .*--limit.*--csv > rows.csv.*--jsonl"):
        result_output.show(session, stream(MOST_TABLE_ROWS + 1), {}, Format())
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize("selected", [Format(as_csv=True), Format(as_json_lines=True), Format(as_json=True)])
def test_programs_get_any_number_of_rows(
    session: Session, selected: Format, capsys: pytest.CaptureFixture[str]
) -> None:
    result_output.show(session, stream(MOST_TABLE_ROWS + 1), {}, selected)
    assert str(MOST_TABLE_ROWS) in capsys.readouterr().out


def test_each_result_has_its_link_to_the_console(session: Session, capsys: pytest.CaptureFixture[str]) -> None:
    """Athena's console opens the execution with this address."""
    url = "https://eu-west-1.console.aws.amazon.com/athena/home?region=eu-west-1#/query-editor/history/1-2"
    result_output.show(session, stream(1), {}, Format())
    assert url in capsys.readouterr().err
    result_output.show(session, stream(1), {}, Format(as_json=True))
    assert json.loads(capsys.readouterr().out)["console"] == url


def test_csv_that_a_limit_cut_says_so(session: Session, capsys: pytest.CaptureFixture[str]) -> None:
    result_output.show(session, stream(3, 2), {}, Format(as_csv=True))
    assert "only the first 2 rows are shown; all rows: s3://b/1-2.csv" in capsys.readouterr().err


@pytest.mark.parametrize("other", ["as_json", "as_csv", "as_chart"])
def test_two_formats_are_refused(other: str) -> None:
    with pytest.raises(RunbookError, match="mutually exclusive"):
        Format(as_json_lines=True, **{other: True})


def test_a_limit_of_a_table_is_checked_before_the_query_costs_anything() -> None:
    Format().check_limit(MOST_TABLE_ROWS)
    Format(as_csv=True).check_limit(MOST_TABLE_ROWS + 1)
    with pytest.raises(RunbookError, match="add --csv or --jsonl"):
        Format().check_limit(MOST_TABLE_ROWS + 1)


@pytest.mark.parametrize(("limit", "ends"), [(100, "--limit 1000`"), (1000, "--limit 10000 --csv`")])
def test_the_command_that_shows_more_rows_is_one_that_works(session: Session, limit: int, ends: str) -> None:
    saved = next(saved for saved in saved_queries() if saved.name == "around").with_parameters(limit=limit)
    assert query_limit.note(session, saved, QueryOptions(), Format()).endswith(ends)
