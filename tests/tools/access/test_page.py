"""The page says the reasons of the decisions, each under one letter."""

from typing import Any

import pytest

from tools.access import page


@pytest.fixture(scope="module")
def tables() -> dict[str, dict[str, Any]]:
    return {table["title"]: table for table in page.facts()["tables"]}


def cell(table: dict[str, Any], who: str, what: str) -> tuple[str, str]:
    """The answer and the reason behind its letter."""
    [row] = [row for row in table["rows"] if row["title"] == who]
    answer, _, letter = row["cells"][table["columns"].index(what)].partition(" ")
    return answer, {letter: why for why, letter in table["footnotes"].items()}.get(letter, "")


def test_a_yes_names_policy_and_statement(tables: dict[str, dict[str, Any]]) -> None:
    assert cell(tables["Lines"], "the reader role", "read log objects") == (
        "**yes**",
        "allowed by policy `query` of `raxx-log-athena-reader`, `ReadLogs`",
    )


def test_a_denial_is_named(tables: dict[str, dict[str, Any]]) -> None:
    assert cell(tables["Write"], "the account's root user", "publish to the topic of the alarms") == (
        "no",
        "denied by policy of the topic `raxx-log-alarms`, `NobodyElse`",
    )


def test_a_no_without_a_statement_has_no_letter(tables: dict[str, dict[str, Any]]) -> None:
    who = "anyone on the Internet, without credentials of AWS"
    assert cell(tables["Secrets and records"], who, "read texts of queries") == ("no", "")


def test_every_letter_is_one_of_the_table_and_every_row_is_full(tables: dict[str, dict[str, Any]]) -> None:
    for table in tables.values():
        letters = {each.partition(" ")[2] for row in table["rows"] for each in row["cells"]}
        assert letters - {""} == set(table["footnotes"].values())
        assert {len(row["cells"]) for row in table["rows"]} == {len(table["columns"])}
