"""Options of all commands: on both sides of the command, and none of them counts in silence only once."""

import json
from pathlib import Path
from typing import Any

import pytest
from typer.core import TyperOption

from runbook import cli, settings
from runbook.session import Session
from tests.support.outputs import VALUES

COMMANDS: dict[str, Any] = dict(cli.command_line().commands)
# Each option that takes one value, of each command.
SINGLE = [
    pytest.param(name, option, id=f"{name} {option.opts[0]}")
    for name, command in COMMANDS.items()
    for option in command.params
    if isinstance(option, TyperOption) and not option.multiple and not option.is_flag
]


@pytest.mark.parametrize(("command", "option"), SINGLE)
def test_an_option_with_one_value_is_refused_twice(
    command: str, option: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    for spelling in option.opts:
        assert cli.run([command, spelling, "1", f"{option.opts[0]}", "1"]) == 2
        assert "it is given 2 times, and can have one value" in capsys.readouterr().err


def test_assume_and_its_opposite_are_refused_together(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run(["doctor", "--assume", "--no-assume"]) == 2
    assert "it is given 2 times" in capsys.readouterr().err


@pytest.mark.parametrize("command", COMMANDS)
def test_an_app_can_be_given_several_times_wherever_it_can_be_given(command: str) -> None:
    apps = [each for each in COMMANDS[command].params if "--app" in each.opts]
    assert all(each.multiple for each in apps)


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("before", [True, False], ids=["before", "after"])
def test_global_options_go_on_both_sides(command: str, before: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[Session] = []
    words = ["--outputs", "f", "--prefix", "/p", "--role", "r", "--region", "g", "--profile", "q", "--assume"]
    group, group_session = cli.command_line(), Session()
    monkeypatch.setattr(group.commands[command], "callback", lambda **_: seen.append(group_session))
    for each in group.commands[command].params:
        each.required = False
    with pytest.raises(SystemExit):
        group([*words, command] if before else [command, *words], obj=group_session)
    [found] = seen
    assert [found.get(name) for name in settings.NAMES] == ["f", "/p/", "r", "g", "q", True]


def test_a_global_option_on_both_sides_at_once_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run(["--prefix", "/a/", "doctor", "--prefix", "/b/"]) == 2
    assert "it is also given before the command: give it once" in capsys.readouterr().err


def test_the_version_is_that_of_the_project(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run(["--version"]) == 0
    version = capsys.readouterr().out.split()[1]
    assert f'version = "{version}"' in (Path(cli.__file__).parent.parent / "pyproject.toml").read_text("utf-8")


def test_the_help_names_the_file_that_is_read(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run(["--help"]) == 0
    assert settings.path_text() in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "suggested"),
    [
        ("hla query errors-s", {"errors-since"}),
        ("hla lines --dyno rou", {"router"}),
        ("hla lines --source her", {"heroku"}),
        ("hla --outputs FILE stop --app raxx-c", {"raxx-console-prod"}),
        ("hla lines --exc", {"--exclude"}),
        ("hla forg", {"forget-drains"}),
    ],
)
def test_the_shell_completes_commands_options_queries_dynos_and_apps(
    words: str,
    suggested: set[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    outputs = tmp_path / "outputs.json"
    outputs.write_text(json.dumps(VALUES), encoding="utf-8")
    monkeypatch.setenv("_HLA_COMPLETE", "complete_bash")
    monkeypatch.setenv("COMP_WORDS", words.replace("FILE", str(outputs)))
    monkeypatch.setenv("COMP_CWORD", str(len(words.split()) - 1))
    assert cli.run([]) == 0
    assert set(capsys.readouterr().out.split()) == suggested
