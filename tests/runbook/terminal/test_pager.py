"""What is longer than the screen is shown in a pager, on a terminal only."""

import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.paths import PROJECT

SCRIPT = (
    "import sys; from rich.text import Text; from runbook.terminal import pager;"
    "pager.lines([Text(str(n), style='red') for n in range(int(sys.argv[1]))], heading='of noon',"
    " enabled=sys.argv[2] == 'yes')"
)


def on_a_terminal(tmp_path: Path, count: int, enabled: str = "yes", name: str = "less") -> tuple[str, str]:
    """What the terminal gets, of ten rows, and what the pager gets."""
    paged = tmp_path / name
    paged.write_text(f"#!/bin/sh\n{{ echo $LESS; cat; }} > {tmp_path}/paged\n", encoding="utf-8")
    paged.chmod(0o755)
    main, other = pty.openpty()
    environment = {**os.environ, "PAGER": str(paged), "LINES": "10", "COLUMNS": "40", "TERM": "xterm"}
    environment.pop("MANPAGER", None)
    environment.pop("LESS", None)
    subprocess.run(
        [sys.executable, "-c", SCRIPT, str(count), enabled],
        cwd=PROJECT,
        env=environment,
        stdin=other,
        stdout=other,
        stderr=other,
        check=True,
    )
    os.set_blocking(main, False)
    try:
        shown = os.read(main, 10_000).decode()
    except BlockingIOError:
        shown = ""
    os.close(main)
    os.close(other)
    written = tmp_path / "paged"
    return shown, written.read_text(encoding="utf-8") if written.exists() else ""


def test_what_fits_is_printed(tmp_path: Path) -> None:
    shown, paged = on_a_terminal(tmp_path, 8)
    assert "of noon" in shown
    assert shown.count("\n") == 9
    assert paged == ""


def test_what_does_not_fit_is_paged_in_colour_with_its_heading(tmp_path: Path) -> None:
    shown, paged = on_a_terminal(tmp_path, 9)
    assert shown == ""
    options, heading, *lines = paged.splitlines()
    assert options == "FRX"
    assert "of noon" in heading
    assert "\x1b[31m0\x1b" in lines[0]
    assert len(lines) == 9


def test_a_pager_that_may_not_take_colours_gets_none(tmp_path: Path) -> None:
    _, paged = on_a_terminal(tmp_path, 9, name="pg")
    assert paged.splitlines()[1:] == ["of noon", *map(str, range(9))]


def test_no_pager_if_it_is_not_wanted(tmp_path: Path) -> None:
    shown, paged = on_a_terminal(tmp_path, 9, enabled="no")
    assert (shown.count("\n"), paged) == (10, "")


def test_a_pipe_gets_the_lines_alone(capfd: pytest.CaptureFixture[str]) -> None:
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, "100", "yes"], cwd=PROJECT, capture_output=True, text=True, check=True
    )
    assert done.stdout == "".join(f"{number}\n" for number in range(100))
    assert done.stderr == "of noon\n"
