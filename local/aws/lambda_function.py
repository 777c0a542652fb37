"""Lambda on this machine: `python -m local.aws.lambda_function` runs one function, from its zip, in a child process.

When ready it reports {"url"} of the gateway in front of it; null, if there is none.
It imports neither `receiver` nor `contract`, and removes the checkout from the import path, so only the code in the zip
runs. Unlike on Lambda, one process handles several events at once.
"""

import importlib
import logging
import os
import sys
import time
import traceback
import zipfile
from collections.abc import Callable, Mapping
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass, field
from io import TextIOWrapper
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from uuid import uuid4

from local.aws import log_events
from local.aws.gateway import Gateway, OutOfTime, within
from local.aws.invocations import Invocations
from local.aws.log_events import AccessLog, Recorded
from local.child import LocalError, Parent

_PROJECT = Path(__file__).resolve().parent.parent.parent


@dataclass(frozen=True, kw_only=True)
class Config:
    """The function as the stack declares it, and the API in front of it, if there is one.

    `archive` is the path of the zip, `handler` its "module.function", `environment` the declared variables.
    `address` is the path of the file that gets the URL for invocations; the function's log is in the same folder.
    The function's clock is `ahead_s` seconds ahead. `access_log` is that of the API: a file of events, and a format.
    """

    archive: str
    handler: str
    environment: Mapping[str, str]
    timeout_s: float
    memory_mb: int
    name: str
    address: str
    ahead_s: int = 0
    gateway: Mapping[str, Any] | None = None
    access_log: Mapping[str, str] | None = None

    @property
    def events(self) -> Path:
        """The file with the events of the function's log group ("Sending Lambda function logs to CloudWatch Logs")."""
        return log_events.file_of(Path(self.address).parent, f"/aws/lambda/{self.name}")


@dataclass(frozen=True)
class Context:
    """What functions here read of the context object of one invocation ("Using the Lambda context object", Python)."""

    deadline: float
    aws_request_id: str = field(default_factory=lambda: str(uuid4()))

    def get_remaining_time_in_millis(self) -> int:
        """Give the milliseconds until the function's time-out."""
        return max(0, int((self.deadline - time.monotonic()) * 1000))


class Function:
    """A loaded function. The gateway and invocations call `invoke`."""

    def __init__(self, handler: Callable[[dict[str, Any], Context], Any], timeout_s: float) -> None:
        """Take a handler and its time-out in seconds."""
        self._handler, self._timeout_s = handler, timeout_s

    def invoke(self, event: dict[str, Any]) -> Any:
        """Run the handler on an event; raises what it raises, and TimeoutError after the function's time-out."""
        context = Context(time.monotonic() + self._timeout_s)
        try:
            return within(self._timeout_s, lambda: self._handler(event, context))
        except OutOfTime:
            # A function that Lambda stops has failed.
            raise TimeoutError(f"the function was not done within its {self._timeout_s:g} s") from None


def environment(config: Config, root: Path, region: str) -> dict[str, str]:
    """Give the function's environment: Lambda's own variables, overridden by the declared ones.

    `root` is the folder of the unpacked zip; a declared AWS_REGION overrides `region`.
    Source: "Working with Lambda environment variables", defined runtime environment variables. Credentials are
    always set, so that real ones of the shell never reach the function.
    """
    region = config.environment.get("AWS_REGION", region)
    return {
        "AWS_ACCESS_KEY_ID": "local",
        "AWS_DEFAULT_REGION": region,
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(config.memory_mb),
        "AWS_LAMBDA_FUNCTION_NAME": config.name,
        "AWS_REGION": region,
        "AWS_SECRET_ACCESS_KEY": "local",
        "AWS_SESSION_TOKEN": "local",
        "LAMBDA_TASK_ROOT": str(root),
        "TZ": ":UTC",
        "_HANDLER": config.handler,
        **config.environment,
    }


def load(config: Config, root: Path) -> Function:
    """Unpack the zip into a folder and import its handler; LocalError if the import fails.

    This changes the whole process: environment, import path and working directory become the function's.
    """
    with zipfile.ZipFile(config.archive) as archive:
        archive.extractall(root)
    for profile in ("AWS_PROFILE", "AWS_DEFAULT_PROFILE"):
        os.environ.pop(profile, None)
    os.environ.update(environment(config, root, os.environ.get("AWS_REGION", "us-east-1")))
    time.tzset()
    sys.path[:] = [str(root), *(entry for entry in sys.path if Path(entry).resolve() != _PROJECT)]
    os.chdir(root)
    module, _, name = config.handler.rpartition(".")
    try:
        handler = getattr(importlib.import_module(module.replace("/", ".")), name)
    except Exception as error:  # noqa: BLE001  the zip's own code can raise anything
        traceback.print_exc()
        reason = " ".join(f"{type(error).__name__}: {error}".split())
        raise LocalError(f"cannot import handler {config.handler!r} from {config.archive}: {reason}") from None
    return Function(handler, config.timeout_s)


def _set_clock_ahead(seconds: int) -> None:
    time_ns = time.time_ns
    time.time_ns = lambda: time_ns() + seconds * 10**9
    time.time = lambda: time.time_ns() / 10**9


def main() -> None:
    """Serve the function until the parent is gone."""
    parent = Parent()
    # The log is read while the function runs, so no line may wait in a buffer.
    if isinstance(sys.stdout, TextIOWrapper):
        sys.stdout.reconfigure(line_buffering=True)
    config = Config(**parent.config)
    _set_clock_ahead(config.ahead_s)
    events = config.events
    with (
        TemporaryDirectory(prefix="function-") as root,
        redirect_stdout(Recorded(sys.stdout, events)),
        redirect_stderr(Recorded(sys.stderr, events)),
    ):
        logging.basicConfig(format="[%(levelname)s] %(message)s")
        try:
            function = load(config, Path(root))
            invocations = Invocations(function.invoke, Path(config.address))
            gateway = _gateway(config, function) if config.gateway else None
        except LocalError as error:
            parent.tell_error(str(error))
        parent.tell_ready(url=gateway and gateway.url)
        parent.wait()
        invocations.stop()
        if gateway:
            gateway.stop()


def _gateway(config: Config, function: Function) -> Gateway:
    access_log = AccessLog(**config.access_log) if config.access_log else None
    return Gateway(function.invoke, clock=time.time, access_log=access_log, **(config.gateway or {}))


if __name__ == "__main__":
    main()
