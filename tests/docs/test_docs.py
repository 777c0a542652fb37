"""What the docs say of the code is so."""

import re
from dataclasses import fields
from pathlib import Path

import pytest

from contract import access_log
from contract.metrics import Field
from contract.outputs import MEANINGS
from infra.settings import Settings, key_of
from tests.support.paths import DOCS, PROJECT
from tests.support.recording_monitor import Run, run
from tools import reference_docs

CHANGELOG = PROJECT / "CHANGELOG.md"
PAGES = [*sorted(PROJECT.glob("*.md")), *sorted(DOCS.rglob("*.md"))]
DEPLOY = (DOCS / "deploy.md").read_text()
SECURITY = (DOCS / "security.md").read_text()
SETTINGS = {
    key_of(setting, reference_docs.PROJECT).removeprefix(f"{reference_docs.PROJECT}:") for setting in fields(Settings)
}

every_page = pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)


@pytest.fixture(scope="module")
def declared() -> Run:
    return run()


def anchors(page: Path) -> set[str]:
    """The anchors that GitHub makes of a page's headings."""
    headings = re.findall(r"^#+ (.+)$", page.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("name", reference_docs.pages())
def test_generated_pages_are_what_the_code_says(name: str) -> None:
    written = (DOCS / name).read_text(encoding="utf-8")
    assert written == reference_docs.pages()[name], "renew it with: .venv/bin/python -m tools.reference_docs"


@every_page
def test_links_lead_somewhere(page: Path) -> None:
    prose = re.sub(r"^```.*?^```$", "", page.read_text(), flags=re.MULTILINE | re.DOTALL)
    for link in re.findall(r"\]\(([^)]+)\)", prose):
        if not link.startswith("https://"):
            path, _, anchor = link.partition("#")
            target = page.parent / path if path else page
            assert target.exists(), link
            assert not anchor or anchor in anchors(target), link


@every_page
def test_make_targets_exist(page: Path) -> None:
    targets = set(re.findall(r"^([\w-]+):", (PROJECT / "Makefile").read_text(), re.MULTILINE))
    assert set(re.findall(r"(?:`|^ {4}|^\$ |^)make ([\w-]+)", page.read_text(), re.MULTILINE)) <= targets


@pytest.mark.parametrize("page", [page for page in PAGES if page != CHANGELOG], ids=lambda page: page.name)
def test_files_and_modules_exist(page: Path) -> None:
    """Files and folders by their path in the project, and what `python -m` runs. A changelog also has old names."""
    text = page.read_text()
    folders = "|".join(re.escape(path.name) for path in PROJECT.iterdir() if path.is_dir())
    paths = re.findall(rf"(?<![\w./:-])(?:{folders})/(?:[\w./-]*\w)?", text)
    modules = re.findall(r"python -m (\w[\w.]*\w)", text)
    assert [path for path in paths if not (PROJECT / path).exists()] == []
    assert [module for module in modules if not module_file(module).exists()] == []


def module_file(module: str) -> Path:
    path = PROJECT / module.replace(".", "/")
    return path / "__main__.py" if path.is_dir() else path.with_suffix(".py")


def test_the_index_names_every_page() -> None:
    links = re.findall(r"\]\(([^)#]+)", (DOCS / "index.md").read_text())
    assert {DOCS / link for link in links} >= {page for page in PAGES if page.is_relative_to(DOCS)} - {
        DOCS / "index.md"
    }


@every_page
def test_settings_and_outputs_exist(page: Path) -> None:
    """Names in camelCase in code, and whatever is set or read by a command."""
    text = page.read_text()
    named = set(re.findall(r"`([a-z]+(?:[A-Z][a-z]+)+)(?:: \w+)?`", text))
    read = set(re.findall(r"pulumi stack output (\w+)", text))
    changed = set(re.findall(r"pulumi config (?:set|rm) (?:--path )?'?([\w:]+)", text))
    in_files = set(re.findall(rf"^\s+{reference_docs.PROJECT}:(\w+):", text, re.MULTILINE))
    assert named <= SETTINGS | MEANINGS.keys() | access_log.FIELDS.keys() | {*Field}
    assert read <= MEANINGS.keys()
    # The Heroku provider's own.
    assert (changed | in_files) - {"heroku:apiKey"} <= SETTINGS


def test_urns_are_those_of_the_stack(declared: Run) -> None:
    """The engine leaves the root stack's type out of a URN, the test monitor does not."""
    urns = re.findall(r"urn:pulumi:[^'\s]+", DEPLOY)
    assert urns
    assert set(urns) <= {urn.replace("pulumi:pulumi:Stack$", "") for urn in declared.resources}


def test_what_is_imported_is_declared(declared: Run) -> None:
    """A name that the import file does not have would be dropped, and then created beside what exists."""
    ids = dict(re.findall(r'^ {4}([\w-]+)="?([^\s"]+)"? \\$', DEPLOY, re.MULTILINE))
    assert ids
    for name, identity in ids.items():
        inputs = declared[name].inputs
        physical = inputs.get("bucket") or inputs["name"]
        # An account's prefix, or the address of a queue, ends in the name.
        assert identity.endswith(physical)
        assert identity.removesuffix(physical)[-1:] in ("", ":", "/")


def test_imported_types_are_declared(declared: Run) -> None:
    imports = re.findall(r"pulumi import (\w+:\S+) ([\w-]+)", DEPLOY)
    assert imports
    for kind, name in imports:
        assert declared[name].type == kind


def test_every_type_is_reviewed(declared: Run) -> None:
    """A new type of AWS resource needs its checks in docs/security.md: `checkov --list` names them."""
    types = {kind[1] for kind in (r.type.split(":") for r in declared.resources.values()) if kind[0] == "aws"}
    reviewed = {
        kind for heading in re.findall(r"^### .*$", SECURITY, re.MULTILINE) for kind in heading.split("`")[1::2]
    }
    assert types == reviewed


def test_every_check_is_judged_once_and_no_refusal_lacks_its_reason() -> None:
    rows = re.findall(r"^\| (CKV[^|]+) \| [^|]+ \| (.+) \|$", SECURITY, re.MULTILINE)
    checks = [check for row, _ in rows for check in row.split(", ")]
    assert len(checks) == len(set(checks))
    assert all(
        re.match(r"met|(declined|does not apply): \w", verdict) or verdict == "does not apply" for _, verdict in rows
    )
