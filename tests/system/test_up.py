"""`make up` as a user meets it: what it prints works when it is pasted into another terminal."""

import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from local import ports
from tests.support.paths import PROJECT

PATIENCE_S = 60


class Up:
    """A running `make up`: what it printed, and a terminal in which its environment is sourced."""

    def __init__(self, folder: Path, *options: str) -> None:
        self._env_file = folder / "env"
        any_ports = [word for option in ("aws", "heroku", "gateway") for word in (f"--{option}-port", "0")]
        command = [sys.executable, "-m", "local", "up", *any_ports, "--env-file", str(self._env_file), *options]
        self.process = subprocess.Popen(command, cwd=PROJECT, stdout=subprocess.PIPE, text=True)
        assert self.process.stdout
        lines = []
        for line in self.process.stdout:
            lines.append(line)
            if "drain URL of raxx-velvet-prod" in line:
                break
        self.printed = "".join(lines)

    def printed_command(self, begin: str) -> str:
        [command] = re.findall(rf"^  ({re.escape(begin)}.*)$", self.printed, re.MULTILINE)
        return str(command)

    def terminal(self, *commands: str) -> str:
        """Run commands as another terminal would, and give what they print."""
        text = "\n".join(["set -e", self.printed_command(". "), *commands])
        done = subprocess.run(["bash", "-c", text], cwd=PROJECT, capture_output=True, text=True, timeout=PATIENCE_S)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def stop(self) -> int:
        self.process.send_signal(signal.SIGINT)
        assert self.process.stdout
        self.process.stdout.close()
        return self.process.wait(PATIENCE_S)


@pytest.fixture(scope="module")
def up(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Up]:
    running = Up(tmp_path_factory.mktemp("up"))
    yield running
    assert running.stop() == 0


def test_the_last_hour_is_in_the_lines_and_in_the_queries(up: Up) -> None:
    [told] = re.findall(r"In it +([\d,]+) lines since", up.printed)
    stored = up.terminal("hla sql --csv 'SELECT count(*) AS n FROM syslog'").splitlines()[-1]
    assert int(stored) > 0.8 * int(told.replace(",", "")) > 1000, "the slot of the present is not flushed"
    assert "raxx-api-prod" in up.terminal("hla query errors-by-surface")


def test_the_apps_go_on_logging(up: Up) -> None:
    """Lines of the last seconds, which no query finds yet."""
    assert up.terminal("hla lines --last 1m --limit 1")


def test_the_line_that_the_printed_curl_sends_is_found(up: Up) -> None:
    assert up.terminal(up.printed_command("curl ")) == "200\n"
    found = up.terminal(up.printed_command("hla lines --last 5m --match"))
    assert re.search(r"raxx-api-prod +web\.1 +Hello from curl\n$", found)


def test_every_printed_command_of_the_operator_runs(up: Up) -> None:
    commands = re.findall(r"^  (hla .*)$", up.printed, re.MULTILINE)
    assert len(commands) == 4
    for command in commands:
        up.terminal(f"{command} || test $? = 1")


def test_the_aws_cli_of_the_virtual_environment_reaches_every_service(up: Up) -> None:
    """Version 1 does not ask the SQS of AWS_ENDPOINT_URL by itself."""
    url = "$(aws sqs get-queue-url --queue-name raxx-log-spill --query QueueUrl --output text)"
    shown = up.terminal(
        f'aws sqs get-queue-attributes --queue-url "{url}" --attribute-names QueueArn --query Attributes --output text',
        "aws s3 ls",
        "heroku drains --app raxx-api-prod",
    )
    assert "raxx-log-spill" in shown
    assert "raxx-heroku-logs-prod" in shown
    assert "app=raxx-api-prod&token=" in shown


def test_without_traffic_another_stack_is_empty_and_found(tmp_path: Path) -> None:
    """`hla` is told the prefix by the environment."""
    running = Up(tmp_path, "--no-traffic", "--config", "parameterPrefix=/other/logs/")
    try:
        assert "In it" not in running.printed
        assert running.terminal("hla lines --last 1h") == ""
    finally:
        running.stop()


@pytest.mark.parametrize("option", ["--aws-port", "--heroku-port", "--gateway-port"])
def test_a_port_in_use_names_its_option(option: str, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = subprocess.run(
            [sys.executable, "-m", "local", "up", option, str(port), "--env-file", str(tmp_path / "env")],
            cwd=PROJECT, capture_output=True, text=True, timeout=PATIENCE_S,
        )  # fmt: skip
    assert done.returncode == 2
    assert re.fullmatch(rf"error: port {port} is not available .*{option} \d+'\n", done.stderr)


def test_the_ports_are_the_same_each_time() -> None:
    """And none is one that an outgoing connection may have taken."""
    assert len({ports.AWS, ports.HEROKU, ports.GATEWAY}) == 3
    assert max(ports.AWS, ports.HEROKU, ports.GATEWAY) < 32768
