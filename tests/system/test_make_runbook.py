"""`make runbook` writes RUNBOOK.md of the stack that Pulumi knows, or of the one that the settings declare."""

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from contract.outputs import Outputs
from local.pulumi import preview
from tests.support import command_stubs
from tests.support.recording_monitor import run
from tests.support.runbook_document import PATH, outputs_of


@pytest.mark.parametrize("name", ["with-pulumi", "without-pulumi", "nothing-deployed"])
def test_make_runbook_asks_pulumi_first(tmp_path: Path, name: str) -> None:
    """And takes what the settings say where no stack answers, or one that was never deployed."""
    production: dict[str, Any] = run().outputs
    command_stubs.install(tmp_path)
    (tmp_path / "make").unlink()
    outputs = {"nothing-deployed": {}, "with-pulumi": production | {"stack": "another"}}.get(name)
    (tmp_path / "outputs.json").write_text(json.dumps(outputs))
    if outputs is None:
        (tmp_path / "pulumi").write_text("#!/bin/sh\nexit 255\n")
    written = tmp_path / "RUNBOOK.md"
    # The environment is there: making it again is not for a test.
    subprocess.run(
        ["make", "--assume-old=.venv/.installed", "runbook", f"RUNBOOK={written}"],
        cwd=PATH.parent,
        env={"PATH": f"{tmp_path}:/usr/bin:/bin", "STACK_OUTPUTS": str(tmp_path / "outputs.json")},
        check=True,
        capture_output=True,
    )
    found = outputs_of(written.read_text(encoding="utf-8"))
    assert found == Outputs.parse(json.dumps(outputs or preview.outputs("prod")), "the test")
