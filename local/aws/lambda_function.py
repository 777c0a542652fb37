"""Lambda on this machine: `python -m local.aws.lambda_function` runs one function, from its zip, in a child process.

It imports neither `receiver` nor `contract`, and takes the checkout off the import path: what runs is what the archive
holds, and what the archive lacks is missing. Unlike on Lambda, one process serves several events at once.
"""

import importlib
import logging
import os
import sys
import time
import traceback
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from io import TextIOWrapper
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from uuid import uuid4

from local.aws.gateway import Gateway, OutOfTime, within
from local.aws.queue_events import deliver
from local.child import LocalError, Parent

_PROJECT = Path(__file__).resolve().parent.parent.parent


@dataclass(frozen=True, kw_only=True)
class Config:
    """What the parent sends: the function as the stack declares it, and the API in front of it.

    `archive` is the path of the zip, `handler` its "module.function", `environment` the declared variables.
    `permitted` are the routes for which the function's policy lets API Gateway call it.
    """

    archive: str
    handler: str
    environment: Mapping[str, str]
    timeout_s: float
    memory_mb: int
    name: str
    api_id: str
    stage: str
    routes: list[str]
    permitted: list[str]
    host: str = "127.0.0.1"
    port: int = 0


@dataclass(frozen=True)
class Context:
    """What functions here read of the context object of one invocation ("Using the Lambda context object", Python)."""

    deadline: float
    aws_request_id: str = field(default_factory=lambda: str(uuid4()))

    def get_remaining_time_in_millis(self) -> int:
        """Give the milliseconds until the function's time is up."""
        return max(0, int((self.deadline - time.monotonic()) * 1000))


class Function:
    """A loaded function. What triggers it, HTTP or a queue, calls `invoke`."""

    def __init__(self, handler: Callable[[dict[str, Any], Context], Any], timeout_s: float) -> None:
        """Take a handler and the seconds that it may run."""
        self._handler, self._timeout_s = handler, timeout_s

    def invoke(self, event: dict[str, Any]) -> Any:
        """Run the handler on an event; raises what it raises, or TimeoutError at the end of the function's time."""
        context = Context(time.monotonic() + self._timeout_s)
        try:
            return within(self._timeout_s, lambda: self._handler(event, context))
        except OutOfTime:
            # To what triggers it, a function that Lambda ends is one that failed.
            raise TimeoutError(f"the function was not done within its {self._timeout_s:g} s") from None


def environment(config: Config, root: Path, region: str) -> dict[str, str]:
    """Give the variables of the function's environment: Lambda's own and, above them, the declared ones.

    `root` is where the archive is unpacked; a declared AWS_REGION goes before `region`.
    Source: "Working with Lambda environment variables", defined runtime environment variables. Credentials are
    always set, so that the shell's own, which may be real, never reach the function.
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

    Changes this process for good: environment, import path and working directory become the function's.
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
    except Exception as error:  # noqa: BLE001  the archive's own code: it may raise anything
        traceback.print_exc()
        reason = " ".join(f"{type(error).__name__}: {error}".split())
        raise LocalError(f"cannot import handler {config.handler!r} from {config.archive}: {reason}") from None
    return Function(handler, config.timeout_s)


def main() -> None:
    """Serve the function until the parent is gone."""
    parent = Parent()
    # Lines are read while the function runs: none may wait in a buffer.
    if isinstance(sys.stdout, TextIOWrapper):
        sys.stdout.reconfigure(line_buffering=True)
    logging.basicConfig(format="[%(levelname)s] %(message)s")
    with TemporaryDirectory(prefix="function-") as root:
        try:
            config = Config(**parent.config)
            function = load(config, Path(root))
            gateway = Gateway(
                function.invoke,
                api_id=config.api_id,
                stage=config.stage,
                routes=config.routes,
                permitted=config.permitted,
                host=config.host,
                port=config.port,
            )
        except LocalError as error:
            parent.tell_error(str(error))
        parent.tell_ready(url=gateway.url)
        for source in parent.messages():
            deliver(
                function.invoke,
                source["queue_arn"],
                source["batch_size"],
                reports_failures=source["reports_failures"],
            )
        gateway.stop()


if __name__ == "__main__":
    main()
