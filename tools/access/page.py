"""The facts of docs/reference/access.md: every row and column, with the reasons as footnotes."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from itertools import count, product
from string import ascii_lowercase
from typing import Any

from tools.access import deeds, managed_policies, principals
from tools.access.declared import Declared
from tools.access.managed_policies import managed_policy
from tools.access.rights import Deed, Who, may
from tools.access.run_program import declared
from tools.policy_evaluation.decisions import Decision


@dataclass(frozen=True)
class Matrix:
    """Rows, tables of columns, and the decision of each row and column by their keys."""

    rows: tuple[Who, ...]
    groups: tuple[deeds.Group, ...]
    decisions: dict[tuple[str, str], Decision]

    @property
    def columns(self) -> tuple[Deed, ...]:
        """All columns."""
        return tuple(deed for group in self.groups for deed in group.deeds)

    def allowed(self, deed: str) -> set[str]:
        """The keys of the rows that may do this."""
        return {who for (who, what), decision in self.decisions.items() if what == deed and decision.allowed}


@cache
def matrix() -> Matrix:
    """Decide everything, for production's settings."""
    found = declared(principals.SETTINGS)
    rows = tuple(principals.everybody(found, declared(principals.WITH_OUTSIDE_RECEIVER)))
    return matrix_of(found, rows)


def matrix_of(found: Declared, rows: tuple[Who, ...]) -> Matrix:
    """Decide everything for these rows."""
    groups = deeds.groups(found)
    columns = [deed for group in groups for deed in group.deeds]
    return Matrix(rows, groups, {(who.key, deed.key): may(found, who, deed) for who, deed in product(rows, columns)})


def facts() -> dict[str, Any]:
    """What the template shows."""
    decided = matrix()
    policies = [managed_policy(name) for name in (*managed_policies.FOR_READERS, managed_policies.ADMINISTRATOR)]
    return {
        "tables": [_table(decided, group) for group in decided.groups],
        "policies": policies,
        "number": len(decided.decisions),
    }


def _table(decided: Matrix, group: deeds.Group) -> dict[str, Any]:
    footnotes: dict[str, str] = {}
    letters = _letters()

    def cell(decision: Decision) -> str:
        answer = "**yes**" if decision.allowed else "no"
        if not decision.by:
            return answer
        why = _reason(decision)
        if why not in footnotes:
            footnotes[why] = next(letters)
        return f"{answer} {footnotes[why]}"

    rows = [
        {"title": who.title, "cells": [cell(decided.decisions[who.key, deed.key]) for deed in group.deeds]}
        for who in decided.rows
    ]
    columns = [deed.title for deed in group.deeds]
    return {"title": group.title, "columns": columns, "rows": rows, "footnotes": footnotes}


def _letters() -> Iterator[str]:
    return ("".join(each) for length in count(1) for each in product(ascii_lowercase, repeat=length))


def _reason(decision: Decision) -> str:
    verb = "allowed by" if decision.allowed else "denied by"
    by_policy: dict[str, list[str]] = {}
    for statement in decision.by:
        by_policy.setdefault(statement.policy, []).append(statement.sid)
    return f"{verb} {'; '.join(_named(policy, sids) for policy, sids in by_policy.items())}"


def _named(policy: str, sids: list[str]) -> str:
    named = ", ".join(f"`{sid}`" for sid in sids if sid)
    return f"{policy}, {named}" if named else policy
