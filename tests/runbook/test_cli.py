"""How the process ends when nobody reads its output, and at Ctrl-C: quietly, with the exit code that a shell gives."""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import IO

import pytest

HLA = (sys.executable, "-m", "runbook")
FULL = Path("/dev/full")
_LONGEST_S = 60
# With the first, the error comes when the buffer is written at the end; with the second, in the middle of a command.
BUFFERED, UNBUFFERED = {"PYTHONUNBUFFERED": ""}, {"PYTHONUNBUFFERED": "1"}


@pytest.fixture
def unread() -> Iterator[IO[str]]:
    """A pipe that nobody reads."""
    reader, writer = os.pipe()
    os.close(reader)
    with os.fdopen(writer, "w") as stream:
        yield stream


@pytest.mark.parametrize("environment", [BUFFERED, UNBUFFERED], ids=["at the end", "in the middle"])
@pytest.mark.parametrize("command", ["query list", "query list --json", "doctor --list", "--help", "query --help"])
def test_a_closed_pipe_ends_a_command_quietly(command: str, environment: dict[str, str], unread: IO[str]) -> None:
    ended = subprocess.run(
        [*HLA, *command.split()],
        stdout=unread,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | environment,
        timeout=_LONGEST_S,
        check=False,
    )
    assert ended.returncode == 141
    assert not [word for word in ("rror", "Traceback", "Exception") if word in ended.stderr]


def test_head_gets_its_line() -> None:
    # The shell's own code is head's; bash gives those of both.
    piped = 'set -o pipefail; "$0" -m runbook query list | head -n 1'
    ended = subprocess.run(
        ["bash", "-c", piped, sys.executable],
        capture_output=True,
        text=True,
        env=os.environ | UNBUFFERED,
        timeout=_LONGEST_S,
        check=False,
    )
    assert ended.stdout.split() == ["query", "shows", "window", "options"]
    assert ended.returncode in {0, 141}, "0 if all was written before head ended"
    assert "rror" not in ended.stderr


def test_notes_that_nobody_reads_take_no_result_away(unread: IO[str]) -> None:
    ended = subprocess.run(
        [*HLA, "query", "list"],
        stdout=subprocess.PIPE,
        stderr=unread,
        text=True,
        env=os.environ | BUFFERED,
        timeout=_LONGEST_S,
        check=False,
    )
    assert ended.returncode == 141
    assert "errors-by-surface" in ended.stdout


@pytest.mark.skipif(not FULL.exists(), reason="Linux only")
def test_a_full_disk_is_said_once() -> None:
    with FULL.open("w") as full:
        ended = subprocess.run(
            [*HLA, "query", "list", "--json"],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            env=os.environ | BUFFERED,
            timeout=_LONGEST_S,
            check=False,
        )
    assert (ended.returncode, ended.stderr) == (2, "error: output: No space left on device\n")


def test_ctrl_c_ends_a_command_quietly() -> None:
    """While it waits for AWS, here a server that never answers."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        silent.settimeout(_LONGEST_S)
        environment = {
            "AWS_ENDPOINT_URL": f"http://127.0.0.1:{silent.getsockname()[1]}",
            "AWS_DEFAULT_REGION": "us-east-1",
            "AWS_ACCESS_KEY_ID": "local",
            "AWS_SECRET_ACCESS_KEY": "local",
        }
        process = subprocess.Popen(
            [*HLA, "lines"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=os.environ | environment
        )
        try:
            connection, _ = silent.accept()
            process.send_signal(signal.SIGINT)
            out, err = process.communicate(timeout=_LONGEST_S)
            connection.close()
        finally:
            process.kill()
            process.wait()
    assert (process.returncode, out, err) == (130, "", "")


@pytest.mark.parametrize("closed", [">&-", "2>&-", ">&- 2>&-"])
def test_a_stream_that_the_shell_closed_is_no_error(closed: str) -> None:
    ended = subprocess.run(
        ["bash", "-c", f'"$0" -m runbook query list {closed}', sys.executable],
        capture_output=True,
        text=True,
        timeout=_LONGEST_S,
        check=False,
    )
    assert (ended.returncode, "Traceback" in ended.stderr) == (0, False)
