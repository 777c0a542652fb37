"""The emergency stop with a Heroku key alone: the outputs come from RUNBOOK.md, and nothing asks AWS."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NoReturn

import boto3
import pytest
from botocore import exceptions

from contract.outputs import Outputs
from local.heroku.api import Heroku
from local.pulumi import preview
from runbook import cli
from runbook.document.runbook import render
from tests.support.outputs import VALUES

API, CONSOLE = VALUES["apps"]
OURS = VALUES["endpoint"] + "?app={}&token=secret-token"
BEFORE = "https://old.execute-api.us-east-1.amazonaws.com/prod/drain?app={}&token=secret-token"
FOREIGN = "https://logs.example.com/drain?token=secret-token"
WAY_OUT = "hla --outputs RUNBOOK.md stop"


@pytest.fixture
def heroku(monkeypatch: pytest.MonkeyPatch) -> Iterator[Heroku]:
    server = Heroku([API, CONSOLE])
    for app in server.drains_by_app:
        server.drains_by_app[app] = [drain(app, "ours", OURS)]
    for name in ("AWS_REGION", "AWS_DEFAULT_REGION", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HEROKU_API_URL", server.url)
    monkeypatch.setenv("HEROKU_API_KEY", "local")
    yield server
    server.stop()


@pytest.fixture
def runbook(tmp_path: Path) -> str:
    return written(tmp_path, VALUES)


def drain(app: str, name: str, url: str) -> dict[str, Any]:
    return {"id": f"{app}-{name}", "url": url.format(app), "addon": None, "token": "d.1", "created_at": "2026-01-01"}


def written(folder: Path, values: dict[str, Any]) -> str:
    path = folder / "RUNBOOK.md"
    path.write_text(render(Outputs.parse(json.dumps(values), "the test")))
    return str(path)


def ids(heroku: Heroku) -> list[str]:
    return [found["id"] for app in heroku.drains_by_app for found in heroku.drains(app)]


def without_aws(*arguments: str) -> int:
    def refused(*_: object) -> NoReturn:
        raise AssertionError("a client of AWS was made")

    return cli.run(arguments, make_client=refused)


def test_a_heroku_key_suffices(heroku: Heroku, runbook: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(boto3, "Session", None)
    assert without_aws("--outputs", runbook, "stop", "--app", API, "--yes") == 0
    assert ids(heroku) == [f"{CONSOLE}-ours"]
    assert without_aws("--outputs", runbook, "stop", "--yes") == 0
    assert ids(heroku) == []


@pytest.mark.parametrize("line_end", ["\n", "\r\n"])
def test_a_runbook_is_read_with_any_line_ends(heroku: Heroku, runbook: str, line_end: str) -> None:
    path = Path(runbook)
    path.write_text(path.read_text(), newline=line_end)
    assert without_aws("--outputs", runbook, "stop", "--yes") == 0
    assert ids(heroku) == []


def test_drains_that_look_like_ours_stay_and_are_shown(
    heroku: Heroku, runbook: str, capfd: pytest.CaptureFixture[str]
) -> None:
    """Of another stack, or of an endpoint that this stack had before: only the operator knows."""
    heroku.drains_by_app[API] += [drain(API, "before", BEFORE), drain(API, "foreign", FOREIGN)]
    assert without_aws("--outputs", runbook, "stop", "--yes") == 0
    assert ids(heroku) == [f"{API}-before", f"{API}-foreign"]
    said = capfd.readouterr().err
    assert f"leads elsewhere: drain {API}-before  https://old.execute-api.us-east-1.amazonaws.com/prod/drain?…" in said
    assert f"heroku drains:remove {API}-before --app {API}" in said
    assert f"{API}-foreign" not in said
    assert "secret-token" not in said


def test_a_runbook_from_before_the_deployment_is_refused_with_what_to_do(
    heroku: Heroku, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """No drain leads to its endpoint: it must not seem that there are none."""
    planned = written(tmp_path, VALUES | {"endpoint": preview.outputs("prod")["endpoint"]})
    assert without_aws("--outputs", planned, "stop", "--yes") == 2
    assert ids(heroku) == [f"{API}-ours", f"{CONSOLE}-ours"]
    said = capfd.readouterr().err
    assert "written before the stack was deployed" in said.splitlines()[-1]
    assert f"heroku drains:remove {API}-ours --app {API}" in said


def test_start_is_refused_before_the_deployment(
    heroku: Heroku, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    planned = written(tmp_path, VALUES | {"endpoint": preview.outputs("prod")["endpoint"]})
    assert without_aws("--outputs", planned, "start", "--yes") == 2
    assert "written before the stack was deployed" in capfd.readouterr().err


def answer(code: str) -> exceptions.ClientError:
    return exceptions.ClientError({"Error": {"Code": code, "Message": "no"}}, "GetParameter")


@pytest.mark.parametrize(
    "error",
    [
        pytest.param(exceptions.NoCredentialsError(), id="no credentials"),
        pytest.param(exceptions.NoRegionError(), id="no region"),
        pytest.param(exceptions.ProfileNotFound(profile="x"), id="no profile"),
        pytest.param(exceptions.UnauthorizedSSOTokenError(), id="expired login"),
        pytest.param(answer("ExpiredToken"), id="expired"),
        pytest.param(answer("AccessDeniedException"), id="denied"),
        pytest.param(answer("InternalServerError"), id="broken"),
        pytest.param(exceptions.EndpointConnectionError(endpoint_url="https://x"), id="unreachable"),
        pytest.param(exceptions.ConnectTimeoutError(endpoint_url="https://x"), id="slow"),
    ],
)
def test_without_the_outputs_the_way_out_is_named(
    heroku: Heroku, error: Exception, capfd: pytest.CaptureFixture[str]
) -> None:
    def fails(*_: object) -> NoReturn:
        raise error

    assert cli.run(["stop", "--app", API, "--yes"], make_client=fails) == 2
    said = capfd.readouterr().err
    assert said.endswith(f"To stop without AWS, with the RUNBOOK.md of this stack: {WAY_OUT} --app {API}\n")
    assert said.count("\n") == 1


def test_outputs_that_stop_does_not_use_may_be_odd(heroku: Heroku, tmp_path: Path) -> None:
    path = tmp_path / "outputs.json"
    path.write_text(json.dumps({"endpoint": VALUES["endpoint"], "apps": VALUES["apps"], "budgetUsd": None}))
    assert without_aws("--outputs", str(path), "stop", "--yes") == 0
    assert ids(heroku) == []
