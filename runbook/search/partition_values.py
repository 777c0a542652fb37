"""Finds values in a query that no partition has, such as day = '5': Athena finds no rows and gives no reason. Pure."""

import itertools
from collections.abc import Iterable, Iterator, Sequence

from contract.object_keys import PARTITION_KEYS, projection
from runbook.search import sql_tokens
from runbook.search.sql_tokens import Token

_RANGES = {"<", "<=", ">", ">="}
_JOINS = {"||", "+", "-", "*", "/", "."}
_END: Token = ("end", "")


def notes(sql: str, apps: Iterable[str]) -> tuple[str, ...]:
    """Say for each value of a partition key that no partition has what its values are.

    Looks at comparisons of a key with a string literal, not at expressions.
    """
    values = _values(apps)
    found = dict.fromkeys(comparisons(sql))
    return tuple(
        f"no partition has {key} = '{value}': {_instead(key, value, values[key])}"
        for key, value, is_range in found
        if _is_wrong(key, value, values[key], is_range=is_range)
    )


def _values(apps: Iterable[str]) -> dict[str, Sequence[str]]:
    """All values of each key, in order (Athena user guide, "Supported types for partition projection")."""
    declared = projection("", apps)
    values: dict[str, Sequence[str]] = {}
    for key in PARTITION_KEYS:
        if declared[f"projection.{key}.type"] == "enum":
            values[key] = declared[f"projection.{key}.values"].split(",")
        else:
            first, last = map(int, declared[f"projection.{key}.range"].split(","))
            digits = int(declared[f"projection.{key}.digits"])
            values[key] = [f"{number:0{digits}d}" for number in range(first, last + 1)]
    return values


def _is_wrong(key: str, value: str, values: Sequence[str], *, is_range: bool) -> bool:
    if not is_range:
        return value not in values
    # Strings are compared: day >= '5' excludes '10'. A limit outside of the values, such as '00', is right.
    return key != "app" and not (value.isdecimal() and len(value) == len(values[0]))


def _instead(key: str, value: str, values: Sequence[str]) -> str:
    if key == "app":
        return f"the apps of the table are {', '.join(values)}"
    padded = value.strip().zfill(len(values[0]))
    if padded in values:
        return f"write '{padded}', with {len(padded)} digits"
    return f"the values are '{values[0]}' to '{values[-1]}'"


# ---------------------------------------------------------------- the query


def comparisons(sql: str) -> Iterator[tuple[str, str, bool]]:
    """Give each key with a literal that it is compared with, and whether the comparison is a range."""
    tokens = list(sql_tokens.tokens(sql))
    # `AS day` makes day a column of the query's own.
    own = {name for (_, word), (_, name) in itertools.pairwise(tokens) if word == "as"}
    for index, (kind, key) in enumerate(tokens):
        if kind != "name" or key not in PARTITION_KEYS or key in own:
            continue
        start = index
        while start >= 2 and tokens[start - 1] == ("operator", "."):
            start -= 2
        *_, before, left, operator = _END, _END, _END, *tokens[:start]
        behind = [*tokens[index + 1 :], _END, _END]
        if operator[1] not in _JOINS:
            yield from ((key, value, is_range) for value, is_range in _right(behind))
        if operator[1] == "=" and left[0] == "text" and before[1] not in _JOINS and behind[0][1] not in {*_JOINS, "("}:
            yield key, left[1], False


def _right(behind: list[Token]) -> Iterator[tuple[str, bool]]:
    """Give the literals right of a key."""
    operator = behind[0][1] if behind[0][0] != "text" else ""
    if operator == "=" or operator in _RANGES:
        if _is_literal(behind, 1):
            yield behind[1][1], operator != "="
    elif operator == "between":
        for at in (1, 3):
            if _is_literal(behind, at) and behind[2][1] == "and":
                yield behind[at][1], True
    elif operator == "in" and behind[1][1] == "(":
        for at in range(2, len(behind) - 1, 2):
            if not _is_literal(behind, at):
                return
            yield behind[at][1], False
            if behind[at + 1][1] != ",":
                return


def _is_literal(tokens: list[Token], at: int) -> bool:
    return at + 1 < len(tokens) and tokens[at][0] == "text" and tokens[at + 1][1] not in _JOINS
