"""What `pipx install .` installs."""

import re
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

from tests.support.paths import PROJECT


def test_the_packages_are_those_that_are_pinned_for_everybody() -> None:
    """And in the venv, which the tests run in."""
    project = tomllib.loads((PROJECT / "pyproject.toml").read_text("utf-8"))
    pinned = set(re.findall(r"^[\w-]+==[\w.]+", (PROJECT / "requirements-dev.txt").read_text("utf-8"), re.MULTILINE))
    assert set(project["project"]["dependencies"]) <= pinned
    assert set(project["build-system"]["requires"]) <= pinned


def test_the_command_works_from_its_package_alone(tmp_path: Path) -> None:
    """With the queries and the template, which are no modules, and without the project's folder."""
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)],
        cwd=PROJECT,
        check=True,
        capture_output=True,
    )
    [wheel] = tmp_path.glob("*.whl")
    with zipfile.ZipFile(wheel) as package:
        package.extractall(tmp_path / "package")
    code = (
        f"import sys; sys.path[0:0] = [{str(tmp_path / 'package')!r}]; from runbook import cli; import runbook; "
        "assert runbook.__file__.startswith(sys.path[0]); sys.exit(cli.run(sys.argv[1:]))"
    )
    for arguments, expected in ((["query", "list"], "errors-since"), (["render", "--help"], "Write the stack's")):
        done = subprocess.run(
            [sys.executable, "-c", code, *arguments], cwd=tmp_path, check=True, capture_output=True, text=True
        )
        assert expected in done.stdout
    assert (tmp_path / "package" / "runbook" / "document" / "templates" / "RUNBOOK.md.j2").is_file()
