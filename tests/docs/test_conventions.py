"""What CONTRIBUTING.md says of tests, and what neither ruff nor import-linter can check."""

import ast
import re
from pathlib import Path

import pytest

from tests.support.paths import PROJECT

OURS = {"contract", "infra", "receiver", "runbook", "tools", "local"}
TREES = {path: ast.parse(path.read_text("utf-8")) for path in sorted((PROJECT / "tests").rglob("*.py"))}


@pytest.mark.parametrize("path", TREES, ids=lambda path: path.relative_to(PROJECT).as_posix())
def test_no_test_module_is_imported(path: Path) -> None:
    """What several test modules use lies in tests/support/."""
    imported = [
        name
        for node in ast.walk(TREES[path])
        if isinstance(node, ast.ImportFrom) and node.module
        for name in (node.module, *(f"{node.module}.{each.name}" for each in node.names))
    ]
    assert [name for name in imported if name.startswith("tests.") and ".test_" in name] == []


@pytest.mark.parametrize("path", TREES, ids=lambda path: path.relative_to(PROJECT).as_posix())
def test_no_private_name_is_patched_or_imported(path: Path) -> None:
    """Code that a test has to change from outside has a parameter for it."""
    patched = [
        ast.unparse(node)
        for node in ast.walk(TREES[path])
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr == "setattr"
        and any(
            isinstance(argument, ast.Constant) and re.fullmatch(r"(.*\.)?_[a-zA-Z]\w*", str(argument.value))
            for argument in node.args[:2]
        )
    ]
    imported = [
        name.name
        for node in ast.walk(TREES[path])
        if isinstance(node, ast.ImportFrom) and (node.module or "").partition(".")[0] in OURS
        for name in node.names
        if name.name.startswith("_")
    ]
    assert (patched, imported) == ([], [])
