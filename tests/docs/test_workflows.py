"""CI's workflows ask for no more than they need, and deploy what was approved."""

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.support.paths import PROJECT
from tests.support.shell import Shell

GITHUB = PROJECT / ".github"
WORKFLOWS = {path.name: path for path in (GITHUB / "workflows").glob("*.yml")}
READ = {name: yaml.safe_load(path.read_text()) for name, path in WORKFLOWS.items()}
JOBS = [
    pytest.param(job, id=f"{name}-{key}") for name, workflow in READ.items() for key, job in workflow["jobs"].items()
]
DEPLOY, DRIFT = READ["deploy.yml"]["jobs"], READ["drift.yml"]["jobs"]["drift"]
PREVIEW = READ["preview.yml"]["jobs"]["preview"]
USES = re.compile(r"uses: (\S+)@(\S+) # (\S+)")
SECRET = re.compile(r"secrets\.")


def steps_of(job: dict[str, Any], action: str) -> list[dict[str, Any]]:
    return [step for step in job["steps"] if step.get("uses", "").startswith(f"{action}@")]


def pulumi(job: dict[str, Any]) -> dict[str, Any]:
    [step] = steps_of(job, "pulumi/actions")
    return step


def shell_of(job: dict[str, Any], name: str) -> str:
    """The shell of a step. GitHub runs it with `bash -e` ("Workflow syntax", `shell`)."""
    [step] = [step for step in job["steps"] if step.get("name") == name]
    return f"set -e\n{step['run']}"


def test_there_are_a_test_a_preview_a_deployment_and_a_comparison() -> None:
    assert WORKFLOWS.keys() == {"test.yml", "preview.yml", "deploy.yml", "drift.yml"}


@pytest.mark.parametrize("name", WORKFLOWS)
def test_a_workflow_grants_nothing_and_its_jobs_say_what_they_need(name: str) -> None:
    """A job without permissions has the repository's default ones."""
    assert READ[name]["permissions"] == {}
    assert all(job["permissions"] for job in READ[name]["jobs"].values())


def test_every_action_is_a_commit_with_its_version_beside_it() -> None:
    """A tag, too, can be another program tomorrow. One action has one version everywhere."""
    texts = [path.read_text() for path in WORKFLOWS.values()]
    used = [found for text in texts for found in USES.findall(text)]
    assert len(used) == sum(text.count("uses:") for text in texts)
    for action, commit, version in used:
        assert re.fullmatch(r"[\w-]+/[\w-]+", action)
        assert re.fullmatch(r"[0-9a-f]{40}", commit)
        assert re.fullmatch(r"v\d+\.\d+\.\d+", version)
    assert len({action for action, _, _ in used}) == len(set(used))


@pytest.mark.parametrize("job", JOBS)
def test_a_checkout_leaves_no_credentials_behind(job: dict[str, Any]) -> None:
    checkouts = steps_of(job, "actions/checkout")
    assert checkouts
    assert all(step["with"]["persist-credentials"] is False for step in checkouts)


@pytest.mark.parametrize("job", JOBS)
def test_secrets_and_roles_belong_to_an_environment(job: dict[str, Any]) -> None:
    """Its reviewers and branches decide who gets them."""
    if SECRET.search(yaml.safe_dump(job)) or "id-token" in job["permissions"]:
        assert job["environment"] in {"preview", "plan", "production", "drift"}


@pytest.mark.parametrize("job", JOBS)
def test_no_log_is_verbose(job: dict[str, Any]) -> None:
    """The Heroku provider writes drain URLs, tokens included, to its debug log."""
    assert not re.search(r"TF_LOG|debug: true|--debug|verbos|logtostderr|show-secrets", yaml.safe_dump(job))


# ---------------------------------------------------------------- Pulumi


@pytest.mark.parametrize("job", [PREVIEW, DEPLOY["plan"]], ids=["preview", "plan"])
def test_a_preview_gets_no_heroku_key(job: dict[str, Any]) -> None:
    """A preview runs before anybody approved it, that of a pull request with whatever code the branch has."""
    assert "secrets.HEROKU_API_KEY" not in yaml.safe_dump(job)
    assert pulumi(job)["env"]["HEROKU_API_KEY"] == "none"


@pytest.mark.parametrize("job", [PREVIEW, DEPLOY["plan"], DEPLOY["production"], DRIFT])
def test_pulumi_is_of_the_release_of_its_sdk_and_downloads_plugins_as_somebody(job: dict[str, Any]) -> None:
    """A plan is read by the release that wrote it. Without a token, GitHub limits downloads by address."""
    [pinned] = re.findall(r"^pulumi==(\S+)", (PROJECT / "requirements.txt").read_text(), re.MULTILINE)
    step = pulumi(job)
    assert step["with"]["pulumi-version"] == pinned, "set pulumi-version in .github/workflows to the new release"
    assert step["env"]["GITHUB_TOKEN"] == "${{ github.token }}"
    assert step["with"]["stack-name"] == "prod"


def test_a_pull_request_of_a_fork_is_not_previewed() -> None:
    assert PREVIEW["if"] == "github.event.pull_request.head.repo.full_name == github.repository"


def test_a_difference_fails_the_comparison() -> None:
    options = pulumi(DRIFT)["with"]
    assert (options["command"], options["refresh"], options["expect-no-changes"]) == ("preview", True, True)


# ---------------------------------------------------------------- deploy


def test_only_main_is_deployed_and_nothing_cuts_it_off() -> None:
    """An interrupted update leaves the state locked. (`on` is YAML's True.)"""
    workflow = READ["deploy.yml"]
    assert workflow[True]["push"] == {"branches": ["main"]}
    assert workflow["concurrency"]["cancel-in-progress"] is False
    assert DEPLOY["commit"]["if"] == "github.ref == 'refs/heads/main'"
    assert {key: job.get("environment") for key, job in DEPLOY.items()} == {
        "commit": None,
        "plan": "plan",
        "production": "production",
    }


def test_what_runs_is_the_plan_that_was_shown() -> None:
    """Of the same commit, from the same run, in a job that waits for reviewers after the summary was written."""
    plan, production = pulumi(DEPLOY["plan"])["with"], pulumi(DEPLOY["production"])["with"]
    assert (plan["command"], plan["diff"], plan["comment-on-summary"]) == ("preview", True, True)
    assert (production["command"], production["plan"]) == ("up", plan["plan"])
    [upload], [download] = (
        steps_of(DEPLOY["plan"], "actions/upload-artifact"),
        steps_of(DEPLOY["production"], "actions/download-artifact"),
    )
    assert upload["with"]["path"] == plan["plan"]
    assert download["with"] == {"name": upload["with"]["name"]}
    assert DEPLOY["production"]["needs"] == ["commit", "plan"]
    for key in ("plan", "production"):
        [checkout] = steps_of(DEPLOY[key], "actions/checkout")
        assert checkout["with"]["ref"] == "${{ needs.commit.outputs.commit }}"


def test_what_was_deployed_is_tested_and_a_failure_says_how_to_go_back() -> None:
    steps = DEPLOY["production"]["steps"]
    up = steps.index(pulumi(DEPLOY["production"]))
    doctor, drain, back = steps[up + 1 :]
    assert doctor["run"].endswith("-m runbook --assume doctor")
    assert drain["run"].endswith("-m runbook --assume test-drain")
    # Also after the doctor found something; and not when nothing was deployed.
    assert drain["if"] == "(success() || failure()) && steps.up.outcome == 'success'"
    assert back["if"] == "failure() && steps.up.outcome != 'skipped'"


@pytest.fixture
def shell(tmp_path: Path) -> Shell:
    return Shell(tmp_path)


@pytest.fixture
def commits(shell: Shell) -> dict[str, str]:
    """A clone's commits: `old` and `new` of main, and `branch`, which is not merged."""

    def git(*words: str) -> str:
        who = ("-c", "user.name=x", "-c", "user.email=x@example.com", "-c", "commit.gpgsign=false")
        done = subprocess.run(["git", *who, *words], cwd=shell.folder, capture_output=True, text=True, check=True)
        return done.stdout.strip()

    git("init", "--quiet", "--initial-branch=main")
    found = {}
    for name in ("old", "new"):
        git("commit", "--quiet", "--allow-empty", "--message", name)
        found[name] = git("rev-parse", "HEAD")
    git("update-ref", "refs/remotes/origin/main", "HEAD")
    git("checkout", "--quiet", "-b", "branch", found["old"])
    git("commit", "--quiet", "--allow-empty", "--message", "branch")
    found["branch"] = git("rev-parse", "HEAD")
    return found


@pytest.mark.parametrize("name", ["old", "new"])
@pytest.mark.parametrize("digits", [40, 10])
def test_a_commit_of_main_is_found(shell: Shell, commits: dict[str, str], name: str, digits: int) -> None:
    output = shell.folder / "output"
    done = shell.run(
        shell_of(DEPLOY["commit"], "Deploy only what is in main"),
        REF=commits[name][:digits],
        GITHUB_OUTPUT=str(output),
    )
    assert (done.returncode, output.read_text()) == (0, f"commit={commits[name]}\n")


@pytest.mark.parametrize("ref", ["branch", "--help", "0" * 40, "$(touch x)"])
def test_nothing_else_is_deployed(shell: Shell, commits: dict[str, str], ref: str) -> None:
    output = shell.folder / "output"
    block = shell_of(DEPLOY["commit"], "Deploy only what is in main")
    done = shell.run(block, REF=commits.get(ref, ref), GITHUB_OUTPUT=str(output))
    assert (done.returncode, output.exists(), (shell.folder / "x").exists()) == (1, False, False)
    assert "::error::" in done.stdout


def updates(*commits: tuple[str, str, str]) -> str:
    """The stack's history as `pulumi stack history --json` gives it, the newest first: kind, result, commit."""
    return json.dumps(
        [
            {"kind": kind, "result": result, "environment": {"git.head": commit} if commit else {}}
            for kind, result, commit in commits
        ]
    )


@pytest.mark.skipif(not shutil.which("jq"), reason="GitHub's runners have jq")
@pytest.mark.parametrize(
    ("history", "said"),
    [
        pytest.param(
            updates(("update", "failed", "now"), ("update", "succeeded", "before"), ("update", "succeeded", "old")),
            "before",
            id="the update failed",
        ),
        pytest.param(
            updates(("update", "succeeded", "now"), ("refresh", "succeeded", "x"), ("update", "succeeded", "before")),
            "before",
            id="the test failed",
        ),
        pytest.param(
            updates(("update", "succeeded", ""), ("update", "succeeded", "before")), "before", id="by hand, without git"
        ),
        pytest.param(updates(("update", "succeeded", "now")), "<a commit of main>", id="the first deployment"),
    ],
)
def test_the_way_back_is_the_commit_that_was_deployed_before(shell: Shell, history: str, said: str) -> None:
    shell.command("pulumi", f"print({history!r})")
    done = shell.run(shell_of(DEPLOY["production"], "Say how to go back"), COMMIT="now")
    assert done.stdout.endswith(f"gh workflow run deploy -f ref={said}\n"), done


@pytest.mark.parametrize(("open_", "words"), [("", ["issue", "create"]), ("7", ["issue", "comment", "7"])])
def test_a_difference_has_one_issue(shell: Shell, open_: str, words: list[str]) -> None:
    shell.command("gh", f"print({open_!r}) if words[1] == 'list' else None")
    block = shell_of(DRIFT, "Tell of it in an issue, in the same one until that is closed")
    done = shell.run(block, RUN="https://a-run", TITLE="The stack is not what main declares")
    assert done.returncode == 0, done.stderr
    _, told = shell.calls("gh")
    assert told[: len(words)] == words
    assert "https://a-run" in told[told.index("--body") + 1]


# ---------------------------------------------------------------- linters


def test_zizmor_finds_nothing() -> None:
    zizmor = Path(sys.executable).with_name("zizmor")
    audit = subprocess.run(
        [zizmor, "--offline", "--no-progress", "--persona", "pedantic", GITHUB],
        capture_output=True,
        text=True,
        check=False,
    )
    assert audit.returncode == 0, audit.stdout + audit.stderr


@pytest.mark.skipif(not shutil.which("actionlint"), reason="not a Python package; CI installs it")
def test_actionlint_finds_nothing() -> None:
    audit = subprocess.run(["actionlint", *WORKFLOWS.values()], capture_output=True, text=True, check=False)
    assert audit.returncode == 0, audit.stdout + audit.stderr
