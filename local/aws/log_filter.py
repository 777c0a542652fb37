"""Filter patterns of CloudWatch Logs, as far as this project uses them ("Filter pattern syntax", CloudWatch Logs)."""

import json
import re
from collections.abc import Callable
from typing import Any

Matches = Callable[[str], bool]

_TERM = re.compile(r'(\??)(?:"([^"]+)"|([^\s"\[\]{}?%]+))\s*')
_FIELDS = re.compile(r"\[(.+)\]")
_CONDITION = re.compile(r"(\w+)(?: *(!?=) *([^\s=]+))?")
_EQUAL = re.compile(r'\{ *\$\.(\w+) *= *"([^"]*)" *\}')
# A text in double quotes or in brackets is one field.
_FIELD = re.compile(r'"([^"]*)"|\[([^\]]*)\]|(\S+)')


def matcher(pattern: str) -> Matches:
    """Give the function that says whether a message matches; ValueError for a pattern that is not served here."""
    if not pattern.strip():
        return lambda _: True
    if equal := _EQUAL.fullmatch(pattern.strip()):
        return _json_equal(*equal.groups())
    if fields := _FIELDS.fullmatch(pattern.strip()):
        return _space_delimited([condition.strip() for condition in fields[1].split(",")])
    return _terms(pattern.strip())


def _terms(pattern: str) -> Matches:
    found = [_TERM.match(pattern)]
    while found[-1] and found[-1].end() < len(pattern):
        found.append(_TERM.match(pattern, found[-1].end()))
    terms = [(term[1], term[2] or term[3]) for term in found if term]
    kinds = {optional for optional, _ in terms}
    if None in found or len(kinds) != 1:
        raise ValueError(f"{pattern!r} is not terms of one kind")
    some = any if kinds == {"?"} else all
    return lambda message: some(term in message for _, term in terms)


def _space_delimited(conditions: list[str]) -> Matches:
    parsed = [_CONDITION.fullmatch(condition) for condition in conditions]
    if None in parsed:
        raise ValueError(f"{conditions} has a condition other than name = value and name != value")
    wanted = [(each[2], each[3]) for each in parsed if each]

    def matches(message: str) -> bool:
        fields = ["".join(parts) for parts in _FIELD.findall(message)]
        return len(fields) == len(wanted) and all(
            operator is None or (field == value) is (operator == "=")
            for field, (operator, value) in zip(fields, wanted, strict=True)
        )

    return matches


def _json_equal(key: str, value: str) -> Matches:
    def matches(message: str) -> bool:
        try:
            found: Any = json.loads(message)
        except ValueError:
            return False
        return isinstance(found, dict) and found.get(key) == value

    return matches
