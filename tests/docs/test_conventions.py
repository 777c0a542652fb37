"""Conventions of tests that neither ruff nor import-linter can check."""

import ast
import re
from collections.abc import Iterator

from tests.support.paths import PROJECT

OURS = {"contract", "infra", "receiver", "runbook", "tools", "local"}
PRIVATE = re.compile(r"(.*\.)?_[a-zA-Z]\w*")


def nodes() -> Iterator[tuple[str, ast.AST]]:
    """Every node of the tests' code, with the path of its file."""
    for path in sorted((PROJECT / "tests").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            yield path.relative_to(PROJECT).as_posix(), node


def imports() -> Iterator[tuple[str, str, str]]:
    """Every `from module import name` of the tests: file, module, name."""
    for path, node in nodes():
        if isinstance(node, ast.ImportFrom):
            yield from ((path, node.module or "", each.name) for each in node.names)


def test_no_test_module_is_imported() -> None:
    """What several test modules use lies in tests/support/."""
    assert [each for each in imports() if each[1].startswith("tests.") and ".test_" in f"{each[1]}.{each[2]}"] == []


def test_no_private_name_is_imported() -> None:
    assert [each for each in imports() if each[1].partition(".")[0] in OURS and each[2].startswith("_")] == []


def test_no_private_name_is_patched() -> None:
    """Code that a test has to change from outside has a parameter for it."""
    patched = [
        (path, ast.unparse(node))
        for path, node in nodes()
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "setattr"
        for argument in node.args[:2]
        if isinstance(argument, ast.Constant) and PRIVATE.fullmatch(str(argument.value))
    ]
    # It plants bugs, which is what no parameter is for.
    assert [each for each in patched if each[0] != "tests/receiver/test_planted_bugs.py"] == []
