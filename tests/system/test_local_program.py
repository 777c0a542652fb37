"""The program's run without an engine: what cannot be had is said by name."""

import gc
import socket
from collections.abc import Mapping
from typing import Any

import pytest

from local.child import LocalError
from local.pulumi import preview, project
from local.pulumi.resources import local_cloud
from local.pulumi.resources.account import Account, Outputs
from local.pulumi.resources.spelling import Inputs
from local.stack import LocalStack, Options


def test_a_type_that_is_not_served_is_named_once(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """A resource that nobody creates must not look created.

    The SDK has the error in every future that waits for the resource, and would print each.
    """
    monkeypatch.delitem(local_cloud.CREATE, "aws:s3/bucket:Bucket")
    with pytest.raises(LocalError, match=r"aws:s3/bucket:Bucket archive-bucket: .* no such resource type"):
        LocalStack(Options()).__enter__()
    gc.collect()
    assert "".join(capfd.readouterr()) == ""


def test_a_lookup_that_is_not_served_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nor must a lookup look answered."""
    monkeypatch.delitem(local_cloud.LOOK_UP, "heroku:app/getApp:getApp")
    with pytest.raises(LocalError, match=r"heroku:app/getApp:getApp: .* no such lookup"):
        LocalStack(Options()).__enter__()


def test_an_input_that_is_not_served_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """An input that is ignored would be a difference between here and AWS that nobody sees."""

    def careless(account: Account, inputs: Inputs) -> Outputs:
        return inputs.take("name"), {}

    monkeypatch.setitem(local_cloud.CREATE, "aws:cloudwatch/logGroup:LogGroup", careless)
    with pytest.raises(LocalError, match=r"LogGroup [a-z-]+: .* does not serve retentionInDays"):
        LocalStack(Options()).__enter__()


def test_an_output_that_is_not_filled_in_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """The SDK would hand out None, and a policy for the resource `None/logs/*` would look fine."""
    monkeypatch.delitem(preview.COMPUTED, "aws:s3/bucket:Bucket")
    with pytest.raises(LocalError, match=r"comes from an output that is not filled in here"):
        LocalStack(Options()).__enter__()


def test_what_aws_refuses_is_said() -> None:
    """A refusal is one line with the resource and AWS's own words."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(LocalError, match=f"local.aws.server did not start: .*{port}"):
            LocalStack(Options(aws_port=port)).__enter__()


@pytest.mark.parametrize(
    ("text", "overrides", "expected"),
    [
        pytest.param("config:\n  days: 3\n", {}, {"p:days": "3"}, id="a number is its text"),
        pytest.param("config:\n  p:apps: [a, b]\n", {}, {"p:apps": '["a", "b"]'}, id="a list is JSON"),
        pytest.param("config:\n  aws:region: x\n", {}, {"aws:region": "x"}, id="another namespace"),
        pytest.param("config:\n  days: 3\n", {"days": "4"}, {"p:days": "4"}, id="an override goes first"),
        pytest.param("", {}, {"p:size": "7"}, id="the project's default"),
    ],
)
def test_configuration_is_read_as_the_engine_reads_it(
    tmp_path: Any, monkeypatch: pytest.MonkeyPatch, text: str, overrides: Mapping[str, str], expected: Mapping[str, str]
) -> None:
    """Defaults of Pulumi.yaml, over them Pulumi.<stack>.yaml: programs see texts under qualified keys."""
    monkeypatch.setattr(project, "FOLDER", tmp_path)
    (tmp_path / "Pulumi.yaml").write_text("name: p\nconfig:\n  size:\n    type: integer\n    default: 7\n")
    (tmp_path / "Pulumi.s.yaml").write_text(text)
    assert project.load("s", overrides).config == {"p:size": "7", **expected}


def test_a_secret_that_only_the_engine_can_read_is_said(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """The message gives the way out."""
    monkeypatch.setattr(project, "FOLDER", tmp_path)
    (tmp_path / "Pulumi.yaml").write_text("name: p\n")
    (tmp_path / "Pulumi.s.yaml").write_text("config:\n  p:key:\n    secure: v1:abc\n")
    with pytest.raises(LocalError, match=r"p:key is encrypted.*--config p:key=VALUE"):
        project.load("s")
