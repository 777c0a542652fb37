"""The shell of docs/deploy.md and docs/ci.md, run as it stands there: what it does, also when something fails.

pulumi and aws are stand-ins on PATH. What the AWS CLI makes of an option is asked of the real one, or of its query
language.
"""

import json
import re
import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import jmespath
import pytest

from local.heroku.command_line import Usage, parse
from tests.support.paths import PROJECT
from tests.support.recording_monitor import Run, name_of, run
from tests.support.shell import Shell
from tools import import_file

DEPLOY, CI = ((PROJECT / "docs" / name).read_text(encoding="utf-8") for name in ("deploy.md", "ci.md"))


def block(part: str, page: str = DEPLOY) -> str:
    """The one block of shell that has this in it."""
    [found] = [text for text in re.findall(r"^```sh\n(.*?)^```$", page, re.MULTILINE | re.DOTALL) if part in text]
    return str(found)


@pytest.fixture
def shell(tmp_path: Path) -> Shell:
    return Shell(tmp_path)


# ---------------------------------------------------------------- empty a bucket

EMPTY = block("delete-objects")
PAGE = {"Quiet": True, "Objects": [{"Key": "logs/a", "VersionId": "v1"}]}
# Two pages, then nothing; `deleted` is what delete-objects answers.
AWS = """
page = {page!r}
if words[1] == "list-object-versions":
    listed = sum(call[1] == "list-object-versions" for call in earlier)
    if {list_fails} and listed:
        sys.exit("An error occurred (AccessDenied)")
    print(json.dumps(page if {never_empty} or listed < 2 else {{"Quiet": True, "Objects": []}}, indent=4))
elif {delete_fails}:
    sys.exit("Could not connect to the endpoint URL")
else:
    print({deleted!r})
"""


def aws(
    deleted: str = "None", *, never_empty: bool = False, delete_fails: bool = False, list_fails: bool = False
) -> str:
    return AWS.format(
        page=PAGE, deleted=deleted, never_empty=never_empty, delete_fails=delete_fails, list_fails=list_fails
    )


def deletes(shell: Shell) -> list[Any]:
    return [json.loads(call[call.index("--delete") + 1]) for call in shell.calls("aws") if call[1] == "delete-objects"]


def test_a_bucket_is_emptied_page_by_page(shell: Shell) -> None:
    shell.command("aws", aws())
    assert shell.run(EMPTY).stderr == ""
    assert deletes(shell) == [PAGE, PAGE]


@pytest.mark.parametrize(
    ("stub", "attempts", "said"),
    [
        pytest.param(
            aws("AccessDenied\tlogs/a", never_empty=True), 1, "not emptied: AccessDenied\tlogs/a", id="refused"
        ),
        pytest.param(aws(delete_fails=True, never_empty=True), 1, "not emptied: ", id="delete fails"),
        pytest.param(aws(list_fails=True), 1, "An error occurred (AccessDenied)", id="list fails"),
    ],
)
def test_emptying_ends_at_the_first_error_and_says_it(shell: Shell, stub: str, attempts: int, said: str) -> None:
    """It went on for ever when an object could not be deleted."""
    shell.command("aws", stub)
    assert said in shell.run(EMPTY).stderr
    assert len(deletes(shell)) == attempts


@pytest.mark.parametrize(
    ("answer", "objects"),
    [
        pytest.param({}, [], id="empty"),
        pytest.param({"Versions": [{"Key": "a", "VersionId": "1", "Size": 3}]}, [("a", "1")], id="versions"),
        pytest.param({"DeleteMarkers": [{"Key": "b", "VersionId": "2"}]}, [("b", "2")], id="markers"),
        pytest.param(
            {"Versions": [{"Key": "a", "VersionId": "1"}], "DeleteMarkers": [{"Key": "b", "VersionId": "null"}]},
            [("a", "1"), ("b", "null")],
            id="both",
        ),
    ],
)
def test_what_is_listed_is_what_is_deleted(answer: Mapping[str, Any], objects: list[tuple[str, str]]) -> None:
    """The AWS CLI's --query is JMESPath."""
    [query] = re.findall(r"'(\{Quiet: .*\})'", EMPTY)
    expected = [{"Key": key, "VersionId": version} for key, version in objects]
    assert jmespath.search(query, answer) == {"Quiet": True, "Objects": expected}


@pytest.mark.parametrize(
    ("answer", "text"),
    [({}, None), ({"Errors": []}, None), ({"Errors": [{"Code": "C", "Key": "k", "Message": "m"}]}, ["C", "k"])],
)
def test_an_error_in_the_answer_is_seen(answer: Mapping[str, Any], text: list[str] | None) -> None:
    """The CLI prints `None` for null (awscli/formatter.py)."""
    [query] = re.findall(r"--query '(Errors.*)'\)", EMPTY)
    assert jmespath.search(query, answer) == text


def test_a_page_fits_into_one_argument() -> None:
    """Linux takes 128 KiB (execve(2), MAX_ARG_STRLEN); keys are the longest that there are, ids 64 characters."""
    [most] = re.findall(r"--max-keys (\d+)", EMPTY)
    key = f"logs/{'a' * 30}/2026/11/25/1764096000000-{'0' * 36}.gz"
    page = {"Quiet": True, "Objects": [{"Key": key, "VersionId": "v" * 64}] * int(most)}
    assert len(json.dumps(page, indent=4)) < 128 * 1024


# ---------------------------------------------------------------- adopt what exists


@pytest.fixture(scope="module")
def declared() -> Run:
    return run(preview=True)


def previewed(declared: Run) -> dict[str, Any]:
    """What `pulumi preview --import-file` of 3.274 writes for a new stack: `buildImportFile` in its preview.go."""
    entries = []
    for resource in declared.resources.values():
        entry: dict[str, Any] = {"type": resource.type, "name": resource.name}
        if resource.is_provider:
            entry["inputs"] = {"region": "us-east-1", "version": "7.8.0"}
        elif resource.custom:
            entry["id"] = "<PLACEHOLDER>"
        else:
            entry["component"] = True
        parent = name_of(resource.parent)
        if parent and parent != "heroku-log-archive-prod":
            entry["parent"] = parent
        if resource.custom and not resource.is_provider and resource.provider:
            entry |= {"provider": name_of(resource.provider), "version": "7.8.0"}
        entries.append(entry)
    return {"resources": entries}


def check_importable(document: Mapping[str, Any]) -> None:
    """What `pulumi import --file` refuses a file for: `parseImportFile` in pkg/cmd/pulumi/operations/import.go."""
    names = {entry["name"] for entry in document["resources"]} | set(document.get("nameTable", {}))
    for entry in document["resources"]:
        assert {entry.get("parent", entry["name"]), entry.get("provider", entry["name"])} <= names, entry
        provider, component = entry["type"].startswith("pulumi:providers:"), entry.get("component", False)
        assert ("id" in entry) == (not provider and not component), entry
        assert entry.get("id") != "<PLACEHOLDER>"


PULUMI = """
if "--import-file" in words:
    pathlib.Path(words[words.index("--import-file") + 1]).write_text({text!r})
"""


@pytest.mark.parametrize(
    ("part", "imported"),
    [
        pytest.param(
            "pulumi preview --import-file",
            {
                "archive-bucket": "raxx-heroku-logs-prod",
                "athena-workgroup": "raxx-log-queries",
                "catalog-database": "123456789012:raxx_heroku_logs",
                "catalog-table": "123456789012:raxx_heroku_logs:syslog",
                "identities-reader": "raxx-log-athena-reader",
                "identities-writer": "raxx-heroku-log-drain",
                "parameters-bucket_arn": "/raxx/log-drain/bucket_arn",
                "parameters-athena_reader_role_arn": "/raxx/log-drain/athena_reader_role_arn",
            },
            id="the Terraform stack",
        ),
        pytest.param(
            "spill-queue=",
            {
                "archive-bucket": "raxx-heroku-logs-prod",
                "spill-queue": "https://sqs.us-east-1.amazonaws.com/123456789012/raxx-log-spill",
                "spill-dead-letters": "https://sqs.us-east-1.amazonaws.com/123456789012/raxx-log-spill-dead-letters",
            },
            id="an archive",
        ),
    ],
)
def test_what_exists_is_imported_under_its_providers(
    shell: Shell, declared: Run, part: str, imported: dict[str, str]
) -> None:
    """A provider is an entry of its own: without it "the provider 'aws' … has no entry in … 'resources'"."""
    shell.command("pulumi", PULUMI.format(text=json.dumps(previewed(declared))))
    shell.command("aws", "print('123456789012')")
    # The second block goes on with the first one's file.
    (shell.folder / "all.json").write_text(json.dumps(previewed(declared)))
    assert shell.run(block(part)).stderr == ""
    document = json.loads((shell.folder / "import.json").read_text())
    check_importable(document)
    assert {entry["name"]: entry["id"] for entry in document["resources"] if "id" in entry} == imported
    kept = {entry["name"] for entry in document["resources"] if "id" not in entry}
    assert {"aws", "heroku", "archive", "athena", "catalog", "identities", "parameters"} <= kept


def test_the_file_of_an_older_pulumi_keeps_its_providers() -> None:
    """Until 3.255 a provider's settings stood beside the resources."""
    older: dict[str, Any] = {
        "nameTable": {"aws": "urn:pulumi:prod::heroku-log-archive::pulumi:providers:aws::aws"},
        "resources": [
            {"type": "aws:s3/bucket:Bucket", "name": "b", "id": "<PLACEHOLDER>", "provider": "aws"},
            {"type": "aws:sqs/queue:Queue", "name": "q", "id": "<PLACEHOLDER>", "provider": "aws"},
        ],
        "providerInputs": {"aws": {"region": "us-east-1"}},
    }
    found = import_file.of_existing(older, {"b": "raxx"})
    check_importable(found)
    assert found == older | {"resources": [older["resources"][0] | {"id": "raxx"}]}


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        pytest.param(["all.json", "archive-bucket=x", "typo=y"], "creates no resource typo", id="unknown"),
        pytest.param(["all.json", "aws=x"], "creates no resource aws", id="a provider"),
        pytest.param(["all.json"], "usage:", id="nothing named"),
        pytest.param(["all.json", "archive-bucket"], "usage:", id="no id"),
        pytest.param(["none.json", "archive-bucket=x"], "none.json", id="no file"),
        pytest.param(["empty.json", "archive-bucket=x"], "empty.json", id="no JSON"),
    ],
)
def test_what_cannot_be_imported_is_said_and_no_file_is_written(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    declared: Run,
    arguments: list[str],
    said: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "all.json").write_text(json.dumps(previewed(declared)))
    (tmp_path / "empty.json").write_text("")
    with pytest.raises(SystemExit, match=said):
        import_file.main(arguments)
    assert capsys.readouterr().out == ""


# ---------------------------------------------------------------- forget drains


def test_a_state_that_cannot_be_read_is_not_imported(shell: Shell) -> None:
    """`pulumi stack import` gets nothing, which it refuses: the state stays as it is."""
    line = block("forget-drains | pulumi stack import\npulumi up").splitlines()[0]
    shell.command("pulumi", "if words[1] == 'import': pathlib.Path('imported').write_text(sys.stdin.read())")
    done = shell.run(line)
    assert "stdin is not the state of a stack" in done.stderr
    assert (shell.folder / "imported").read_text() == ""


# ---------------------------------------------------------------- every command of Pulumi's

YES = frozenset({"--yes"})
# Commands and those of their options that the docs use: pkg/cmd/pulumi of pulumi/pulumi, 3.259.
PULUMI_CLI = {
    "cancel": Usage(0, 1, plain=YES),
    "config rm": Usage(1, 1, plain=frozenset({"--path"})),
    "config set": Usage(1, 2, plain=frozenset({"--path", "--secret"})),
    "destroy": Usage(plain=YES | {"--exclude-protected", "--ignore-protect", "--skip-preview"}),
    "import": Usage(0, 3, valued=frozenset({"--file", "--parent", "--provider", "--protect", "--generate-code"})),
    "login": Usage(0, 1),
    "preview": Usage(
        valued=frozenset({"--import-file"}), plain=frozenset({"--diff", "--refresh", "--expect-no-changes"})
    ),
    "refresh": Usage(plain=YES | {"--clear-pending-creates", "--help"}),
    "stack": Usage(plain=frozenset({"--show-urns"})),
    "stack change-secrets-provider": Usage(1, 1),
    "stack export": Usage(valued=frozenset({"--file"})),
    "stack import": Usage(valued=frozenset({"--file"})),
    "stack init": Usage(0, 1, valued=frozenset({"--secrets-provider"})),
    "stack output": Usage(0, 1, plain=frozenset({"--json"})),
    "stack rm": Usage(0, 1, plain=YES | {"--preserve-config"}),
    "state delete": Usage(0, 99, plain=YES),
    "state unprotect": Usage(0, 99, plain=YES | {"--all"}),
    "up": Usage(plain=YES | {"--refresh"}),
}


def pulumi_commands(page: str) -> list[str]:
    """Every command line of Pulumi's in a page, in blocks and in the text."""
    text = "\n".join(re.findall(r"^ *```sh\n(.*?)^ *```$", page, re.MULTILINE | re.DOTALL)).replace("\\\n", " ")
    in_blocks = re.findall(r"(?:^ *|\| |\(|^HEROKU_API_KEY=\S+ )pulumi ([^|#)\n]+)", text, re.MULTILINE)
    in_text = re.findall(r"`pulumi ([^`]+)`", re.sub(r"^ *```.*?^ *```$", "", page, flags=re.MULTILINE | re.DOTALL))
    # A name of a job is none.
    return [*in_blocks, *(line for line in in_text if line != "preview" or page is DEPLOY)]


@pytest.mark.parametrize(
    ("page", "some"),
    [
        (
            DEPLOY,
            {"cancel", "destroy", "import", "refresh", "stack export", "stack import", "state unprotect"},
        ),
        (CI, {"config rm", "config set", "preview", "stack change-secrets-provider", "stack init", "up"}),
    ],
    ids=["deploy", "ci"],
)
def test_every_pulumi_command_of_a_page_exists(page: str, some: set[str]) -> None:
    """An option that does not exist would be found out at the worst of times."""
    found = [parse(PULUMI_CLI, shlex.split(line))[0] for line in pulumi_commands(page)]
    assert some <= set(found)


# ---------------------------------------------------------------- policies


def test_a_policy_is_made_of_each_file(shell: Shell) -> None:
    shell.command("aws", "print('210987654321')")
    done = shell.run(block("tools.deploy_policies", CI))
    assert done.stderr == ""
    made = [call for call in shell.calls("aws") if call[1] == "create-policy"]
    files = sorted((shell.folder / "policies").glob("*.json"))
    assert [call[call.index("--policy-document") + 1] for call in made] == [
        f"file://policies/{path.name}" for path in files
    ]
    assert all("210987654321" in path.read_text() for path in files)
    assert {call[call.index("--policy-name") + 1] for call in made} >= {
        "log-archive-preview-policy",
        "log-archive-deploy-policy-1",
    }
