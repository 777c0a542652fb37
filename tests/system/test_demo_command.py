"""The command `demo`, as a process: what it prints, and what it says if it cannot run."""

import json
import subprocess
import sys

import pytest


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "local", *arguments], capture_output=True, text=True, timeout=300, check=False
    )


def test_json_is_all_that_json_prints() -> None:
    """`--json` is for programs. The day is an ordinary one."""
    done = run("demo", "--lines", "1500", "--clock", "2026-12-07T12:00:00", "--json")
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert told["lines"]["sent"] == told["lines"]["found"] > 1500
    assert all(told["queries"].values())
    assert set(told["lines"]["quarantined"]) == {"bad-count", "truncated"}
    assert 0 < told["objects"]["stored"] <= told["objects"]["if one per POST"]
    assert told["problems"] == []


def test_a_pipe_gets_plain_text() -> None:
    """Colours and cursor movements are for terminals."""
    done = run("demo", "--lines", "300")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Every line accounted for" in done.stdout
    assert "\x1b" not in done.stdout


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        pytest.param(["--config", "bucketName=Logs"], "bucketName is 'Logs': it must be 3 to 63 of", id="bad setting"),
        pytest.param(["--config", "bucketName"], "write --config bucketName=VALUE", id="no value"),
        pytest.param(
            ["--clock", "2026-01-08T00:00:00"], "from 2026-01-09 to 2040-12-31", id="before the table's years"
        ),
        pytest.param(["--clock", "2041-01-01T00:00:00"], "from 2026-01-09 to 2040-12-31", id="after the table's years"),
        pytest.param(["--stack", "none"], "there is no Pulumi.none.yaml: give --stack one of prod", id="no stack"),
    ],
)
def test_what_cannot_run_is_one_clear_error(arguments: list[str], message: str) -> None:
    """No traceback, and exit code 2: it was not tried."""
    done = run("demo", *arguments)
    assert done.returncode == 2
    assert message in done.stderr
    assert "Traceback" not in done.stderr
