"""CI's workflows ask for no more than they need."""

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.support.paths import PROJECT

GITHUB = PROJECT / ".github"
WORKFLOWS = {path.name: path for path in (GITHUB / "workflows").glob("*.yml")}
JOBS = [
    pytest.param(job, id=f"{name}-{key}")
    for name, path in WORKFLOWS.items()
    for key, job in yaml.safe_load(path.read_text())["jobs"].items()
]
SECRET = re.compile(r"secrets\.")


def test_there_are_a_test_a_preview_and_a_deployment() -> None:
    assert WORKFLOWS.keys() == {"test.yml", "preview.yml", "deploy.yml"}


@pytest.mark.parametrize("name", WORKFLOWS)
def test_a_workflow_grants_nothing_and_its_jobs_say_what_they_need(name: str) -> None:
    """A job without permissions has the repository's default ones."""
    workflow = yaml.safe_load(WORKFLOWS[name].read_text())
    assert workflow["permissions"] == {}
    assert all(job["permissions"] for job in workflow["jobs"].values())


@pytest.mark.parametrize("job", JOBS)
def test_every_action_has_a_release_tag(job: dict[str, Any]) -> None:
    """A branch, or a major version's tag, is another program tomorrow."""
    for step in job["steps"]:
        if "uses" in step:
            assert re.fullmatch(r"[\w-]+/[\w-]+@v\d+\.\d+\.\d+", step["uses"])


@pytest.mark.parametrize("job", JOBS)
def test_a_checkout_leaves_no_credentials_behind(job: dict[str, Any]) -> None:
    checkouts = [step for step in job["steps"] if step.get("uses", "").startswith("actions/checkout@")]
    assert checkouts
    assert all(step["with"]["persist-credentials"] is False for step in checkouts)


@pytest.mark.parametrize("job", JOBS)
def test_secrets_and_roles_belong_to_an_environment(job: dict[str, Any]) -> None:
    """Its reviewers and branches decide who gets them."""
    if SECRET.search(yaml.safe_dump(job)) or "id-token" in job["permissions"]:
        assert job["environment"] in {"preview", "production"}


@pytest.mark.parametrize("job", JOBS)
def test_no_log_is_verbose(job: dict[str, Any]) -> None:
    """The Heroku provider writes drain URLs, tokens included, to its debug log."""
    assert not re.search(r"TF_LOG|debug: true|--debug|verbos|logtostderr", yaml.safe_dump(job))


def test_a_pull_request_of_a_fork_is_not_previewed() -> None:
    [job] = yaml.safe_load(WORKFLOWS["preview.yml"].read_text())["jobs"].values()
    assert job["if"] == "github.event.pull_request.head.repo.full_name == github.repository"


def test_only_main_is_deployed_and_nothing_cuts_it_off() -> None:
    """An interrupted update leaves the state locked. (`on` is YAML's True.)"""
    workflow = yaml.safe_load(WORKFLOWS["deploy.yml"].read_text())
    assert workflow[True] == {"push": {"branches": ["main"]}}
    assert workflow["concurrency"]["cancel-in-progress"] is False
    assert [job["environment"] for job in workflow["jobs"].values()] == ["production"]


def test_zizmor_finds_nothing() -> None:
    zizmor = Path(sys.executable).with_name("zizmor")
    audit = subprocess.run(
        [zizmor, "--offline", "--no-progress", "--persona", "pedantic", GITHUB],
        capture_output=True,
        text=True,
        check=False,
    )
    assert audit.returncode == 0, audit.stdout + audit.stderr
