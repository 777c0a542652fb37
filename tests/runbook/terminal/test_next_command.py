"""Every command that is printed leads to the same stack, with the same identity."""

import json
import re
import shlex
from datetime import UTC, datetime, timedelta
from string import Formatter
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contract.outputs import Outputs
from contract.window import Window
from runbook import cli
from runbook.doctor.context import Finding
from runbook.doctor.faults import CHECKS, Fault
from runbook.session import Session
from runbook.settings import Settings
from runbook.terminal import next_command
from tests.support.outputs import VALUES
from tests.support.terminal import Terminal

FAULTS = [fault for check in CHECKS for fault in check.faults]
WORDS = st.text(st.characters(exclude_categories=["C"]), min_size=1).filter(lambda text: not text.startswith("-"))
SETTINGS = st.builds(
    Settings,
    prefix=WORDS.map(lambda text: f"/{text}/"),
    outputs_file=st.none() | WORDS,
    assume=st.booleans(),
    role=WORDS,
    profile=st.none() | WORDS,
    region=st.none() | WORDS,
)


def placeholders(fault: Fault) -> set[str]:
    texts = (fault.found, fault.remedy, fault.command)
    return {name for text in texts for _, name, _, _ in Formatter().parse(text) if name}


def session_with(settings: Settings, configured: Settings | None = None) -> Session:
    session = Session()
    session.configure(settings)
    session.configured = configured or Settings()
    return session


def read_back(command: str, configured: Settings) -> Settings:
    """The settings of a command that somebody pastes into a shell with these settings."""
    session, [program, *words] = session_with(configured, configured), shlex.split(command)
    assert program == "hla"
    while words and words[0].startswith("--"):
        name = words.pop(0).removeprefix("--")
        session.set(name.removeprefix("no-"), not name.startswith("no-") if name.endswith("assume") else words.pop(0))
    return Settings(*(getattr(session, each) for each in Settings.__dataclass_fields__))


@given(used=SETTINGS, configured=SETTINGS)
def test_a_printed_command_leads_to_the_same_stack_here_and_elsewhere(used: Settings, configured: Settings) -> None:
    """In this terminal, and in one where nothing is configured."""
    command = next_command.command_line(session_with(used, configured), "doctor")
    here, elsewhere = read_back(command, configured), read_back(command, Settings())
    # An option cannot unset what is configured.
    for optional in ("outputs_file", "profile", "region"):
        if getattr(used, optional) is None:
            setattr(here, optional, None)
    assert here == used == elsewhere


def test_a_bare_command_stays_bare() -> None:
    assert next_command.command_line(Session(), "restore") == "hla restore"


def test_outputs_from_stdin_are_named_by_what_they_said() -> None:
    session = Session(outputs_file="-")
    assert next_command.command_line(session, "stop") == "hla stop"
    session.__dict__["outputs"] = Outputs(**_fields())
    assert next_command.command_line(session, "stop") == (
        "hla --prefix /raxx/other/ --role arn:aws:iam::123456789012:role/raxx-log-athena-reader --region a-region stop"
    )


def _fields() -> dict[str, Any]:
    named = {re.sub(r"[A-Z]", lambda found: f"_{found[0].lower()}", name): value for name, value in VALUES.items()}
    return named | {"parameter_prefix": "/raxx/other/"}


@pytest.mark.parametrize("fault", FAULTS, ids=[fault.code for fault in FAULTS])
def test_each_remedy_of_the_doctor_is_for_this_stack(fault: Fault) -> None:
    """`aws` has the profile, `pulumi up` the stack."""
    session = Session(prefix="/other/{x}/", profile="p", region="eu-west-1", assume=True)
    session.__dict__["outputs"] = Outputs.parse(json.dumps(VALUES), "the test")
    finding = Finding(fault, {name: f"a-{name}" for name in placeholders(fault) - VALUES.keys()})
    _, remedy, command = finding.texts(session)
    for text in (remedy, command):
        for found in re.findall(r"\bhla [^&|]*", text):
            assert found.startswith("hla --prefix '/other/{x}/' --region eu-west-1 --profile p --assume "), found
        for found in re.findall(r"\baws [a-z-]+.{12}", text):
            assert found.startswith("aws --profile p "), found
    for found in re.findall(r"\bpulumi [^&|]*", command):
        assert "--stack a-stack" in found


def test_an_error_names_the_command_for_the_same_stack(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", Terminal())
    assert cli.run(["--prefix", "/other/", "forget-drains", "--region", "eu-west-1"]) == 2
    assert "hla --prefix /other/ --region eu-west-1 forget-drains" in capsys.readouterr().err


def test_a_window_back_from_now_is_the_same_window_later() -> None:
    window = Window.last(timedelta(days=1), datetime(2026, 11, 24, 5, 0, 0, 123456, tzinfo=UTC))
    assert next_command.scope([], window) == [
        "--from",
        "2026-11-23T05:00:00.123Z",
        "--to",
        "2026-11-24T05:00:00.123Z",
    ]
