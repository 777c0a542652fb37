"""Conditions are evaluated as the IAM User Guide says; the examples and their results are the guide's."""

from collections.abc import Mapping
from typing import Any

import pytest

from tools.policy_evaluation import conditions
from tools.policy_evaluation.patterns import NotUnderstood
from tools.policy_evaluation.requests import Context

TAGS = "aws:TagKeys"
ROLE = "arn:aws:iam::123456789012:role/reader"


def hold(operator: str, key: str, given: Any, context: Context) -> bool:
    return conditions.hold({operator: {key: given}}, context)


# ---------------------------------------------------------------- operators


@pytest.mark.parametrize(
    ("operator", "given", "value", "expected"),
    [
        ("StringEquals", "a", "a", True),
        ("StringEquals", "A", "a", False),
        ("StringEquals", "a*", "ab", False),
        ("StringEquals", ["a", "b"], "b", True),
        ("StringEqualsIgnoreCase", "A", "a", True),
        ("StringLike", "a*", "ab", True),
        ("StringLike", "a?", "ab", True),
        ("StringLike", "a?", "a", False),
        ("StringLike", "[ab]", "a", False),
        ("StringLike", "A*", "ab", False),
        # Several values under a negated operator: none of them may match (NOR).
        ("StringNotEquals", ["a", "b"], "b", False),
        ("StringNotEquals", ["a", "b"], "c", True),
        ("StringNotLike", ["a*", "b*"], "bc", False),
        ("StringNotLike", ["a*", "b*"], "cd", True),
        ("Bool", "true", "true", True),
        ("Bool", True, "true", True),
        ("Bool", "false", "true", False),
        ("NumericLessThan", "1.2", "1.1", True),
        ("NumericLessThan", "1.2", "1.2", False),
        ("NumericLessThan", 10, "9", True),
        ("NumericGreaterThanEquals", "10", "9", False),
    ],
)
def test_operators(operator: str, given: Any, value: str, expected: bool) -> None:
    assert hold(operator, "key", given, {"key": value}) is expected


@pytest.mark.parametrize("operator", ["ArnLike", "ArnEquals"])
@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (ROLE, True),
        ("arn:aws:iam::123456789012:role/*", True),
        ("arn:*:iam::*:role/reader", True),
        ("arn:aws:iam::123456789012:role/read", False),
        # Each part is compared for itself: `*` does not go beyond its colons.
        ("arn:aws:*:role/reader", False),
    ],
)
def test_arns_are_compared_part_by_part(operator: str, given: str, expected: bool) -> None:
    """ "ARN condition operators": ArnEquals and ArnLike behave the same."""
    assert hold(operator, "aws:PrincipalArn", given, {"aws:PrincipalArn": ROLE}) is expected
    negated = operator.replace("Arn", "ArnNot")
    assert hold(negated, "aws:PrincipalArn", given, {"aws:PrincipalArn": ROLE}) is not expected


def test_the_last_part_of_an_arn_may_have_colons() -> None:
    """A resource such as `log-group:x` is one part."""
    stream = "arn:aws:logs:us-east-1:123456789012:log-group:x:log-stream:y"
    assert hold("ArnLike", "aws:SourceArn", "arn:aws:logs:*:*:log-group:*", {"aws:SourceArn": stream})


def test_names_of_keys_have_no_case() -> None:
    assert hold("StringEquals", "AWS:principalarn", ROLE, {"aws:PrincipalArn": ROLE})


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"StringEquals": {"a": "1", "b": "2"}}, True),
        ({"StringEquals": {"a": "1", "b": "x"}}, False),
        ({"StringEquals": {"a": "1"}, "StringLike": {"b": "2*"}}, True),
        ({"StringEquals": {"a": "1"}, "StringLike": {"b": "x*"}}, False),
        ({}, True),
    ],
)
def test_all_operators_and_all_keys_have_to_hold(given: Mapping[str, Mapping[str, Any]], expected: bool) -> None:
    """ "Evaluation logic for multiple context keys or values": AND between keys, OR between values."""
    assert conditions.hold(given, {"a": "1", "b": "2"}) is expected


# ---------------------------------------------------------------- keys that are missing


@pytest.mark.parametrize(
    ("operator", "expected"),
    [
        ("StringEquals", False),
        ("StringLike", False),
        ("ArnLike", False),
        ("Bool", False),
        ("NumericLessThan", False),
        # A negated operator is true without the key, and so is every IfExists.
        ("StringNotEquals", True),
        ("StringNotLike", True),
        ("ArnNotLike", True),
        ("ArnNotEquals", True),
        ("NumericNotEquals", True),
        ("StringEqualsIfExists", True),
        ("BoolIfExists", True),
        ("ArnLikeIfExists", True),
        ("StringNotEqualsIfExists", True),
        ("ForAllValues:StringEquals", True),
        ("ForAllValues:StringNotLike", True),
        ("ForAnyValue:StringEquals", False),
        ("ForAnyValue:StringNotEquals", False),
    ],
)
def test_without_the_key(operator: str, expected: bool) -> None:
    """ "IAM JSON policy elements: Condition operators", the note at the top and the section on IfExists."""
    assert hold(operator, "missing", "1", {"other": "1"}) is expected


@pytest.mark.parametrize(
    ("given", "context", "expected"),
    [
        ("true", {}, True),
        ("false", {}, False),
        ("true", {"key": "x"}, False),
        ("false", {"key": "x"}, True),
        (False, {"key": "x"}, True),
    ],
)
def test_null_asks_whether_the_key_is_missing(given: Any, context: Context, expected: bool) -> None:
    """ "Condition operator to check existence of condition keys"."""
    assert hold("Null", "key", given, context) is expected


def test_with_if_exists_a_key_that_is_there_decides() -> None:
    assert not hold("StringEqualsIfExists", "key", "1", {"key": "2"})


def test_null_closes_the_gap_of_for_all_values() -> None:
    """An Allow with ForAllValues is open to requests without the key; Null with false closes it."""
    both: dict[str, dict[str, Any]] = {"ForAllValues:StringEquals": {TAGS: ["a"]}, "Null": {TAGS: "false"}}
    assert not conditions.hold(both, {})
    assert conditions.hold(both, {TAGS: ("a",)})


# ---------------------------------------------------------------- keys of several values


@pytest.mark.parametrize(
    ("operator", "given", "values", "expected"),
    [
        # "Multivalued context key examples", the tables of results.
        ("ForAllValues:StringNotLike", "key1*", ("key1:legal",), False),
        ("ForAllValues:StringNotLike", "key1*", ("key1:hr", "key1:personnel"), False),
        ("ForAllValues:StringNotLike", "key1*", ("key2:audit",), True),
        ("ForAnyValue:StringLike", "key1*", ("key1:legal",), True),
        ("ForAnyValue:StringLike", "key1*", ("key1:hr", "key3:personnel"), True),
        ("ForAnyValue:StringLike", "key1*", ("key2:audit",), False),
        # "Set operators for multivalued context keys".
        ("ForAllValues:StringEquals", ["environment", "cost-center"], ("environment",), True),
        ("ForAllValues:StringEquals", ["environment", "cost-center"], ("environment", "owner"), False),
        ("ForAnyValue:StringEquals", ["environment", "cost-center"], ("environment", "owner"), True),
        ("ForAnyValue:StringEquals", ["environment", "cost-center"], ("owner",), False),
    ],
)
def test_set_operators(operator: str, given: Any, values: tuple[str, ...], expected: bool) -> None:
    assert hold(operator, TAGS, given, {TAGS: values}) is expected


def test_an_empty_set_is_all_and_none() -> None:
    assert hold("ForAllValues:StringEquals", TAGS, "a", {TAGS: ()})
    assert not hold("ForAnyValue:StringEquals", TAGS, "a", {TAGS: ()})


@pytest.mark.parametrize(
    ("operator", "given", "values"),
    [
        ("IpAddress", "10.0.0.0/8", ("10.0.0.1",)),
        ("StringEquals", "a", ("a", "b")),
        ("ForMostValues:StringEquals", "a", ("a",)),
        ("StringLike", "${aws:username}/*", ("ops/x",)),
    ],
)
def test_what_is_not_understood_is_an_error(operator: str, given: str, values: tuple[str, ...]) -> None:
    """Neither allowed nor denied: a wrong guess would be a wrong cell in the table."""
    with pytest.raises(NotUnderstood):
        hold(operator, "key", given, {"key": values})
