"""Conditions of policy statements.

Sources: "IAM JSON policy elements: Condition operators", "Conditions with multiple context keys or values", and "Set
operators for multivalued context keys" in the IAM User Guide.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from tools.policy_evaluation.patterns import NotUnderstood, arn_matches, matches
from tools.policy_evaluation.requests import Context

Test = Callable[[str, str], bool]

_TESTS: dict[str, Test] = {
    "StringEquals": lambda value, given: value == given,
    "StringEqualsIgnoreCase": lambda value, given: value.lower() == given.lower(),
    "StringLike": matches,
    "ArnEquals": arn_matches,
    "ArnLike": arn_matches,
    "Bool": lambda value, given: value.lower() == given.lower(),
    "NumericEquals": lambda value, given: float(value) == float(given),
    "NumericLessThan": lambda value, given: float(value) < float(given),
    "NumericLessThanEquals": lambda value, given: float(value) <= float(given),
    "NumericGreaterThan": lambda value, given: float(value) > float(given),
    "NumericGreaterThanEquals": lambda value, given: float(value) >= float(given),
}
_NEGATED = {
    "StringNotEquals": "StringEquals",
    "StringNotEqualsIgnoreCase": "StringEqualsIgnoreCase",
    "StringNotLike": "StringLike",
    "ArnNotEquals": "ArnEquals",
    "ArnNotLike": "ArnLike",
    "NumericNotEquals": "NumericEquals",
}


def hold(conditions: Mapping[str, Mapping[str, Any]], context: Context) -> bool:
    """Whether all conditions hold: each operator, and each key under it. Names of keys have no case."""
    known = {key.lower(): values_of(value) for key, value in context.items()}
    return all(
        _holds(operator, known.get(key.lower()), values_of(given))
        for operator, keys in conditions.items()
        for key, given in keys.items()
    )


def values_of(value: Any) -> tuple[str, ...]:
    """One text or several as a tuple; JSON's true and numbers as the texts that IAM makes of them."""
    several = value if isinstance(value, list | tuple) else (value,)
    return tuple(each if isinstance(each, str) else str(each).lower() for each in several)


def _holds(operator: str, values: tuple[str, ...] | None, given: tuple[str, ...]) -> bool:
    if operator == "Null":
        return (values is None) == (given == ("true",))
    quantifier, _, name = operator.rpartition(":")
    name, if_exists = name.removesuffix("IfExists"), name.endswith("IfExists")
    test, negated = _test(name)
    if values is None:
        return if_exists or quantifier == "ForAllValues" or (negated and not quantifier)
    # Several values given for a key are alternatives; under a negated operator none of them may match.
    results = (any(test(value, each) for each in given) != negated for value in values)
    return _quantified(quantifier, operator, values, results)


def _test(name: str) -> tuple[Test, bool]:
    positive = _NEGATED.get(name, name)
    if positive not in _TESTS:
        raise NotUnderstood(f"condition operator {name}")
    return _TESTS[positive], name in _NEGATED


def _quantified(quantifier: str, operator: str, values: tuple[str, ...], results: Iterable[bool]) -> bool:
    if quantifier == "ForAllValues":
        return all(results)
    if quantifier == "ForAnyValue":
        return any(results)
    if quantifier or len(values) != 1:
        raise NotUnderstood(f"{operator} on {len(values)} values")
    return all(results)
