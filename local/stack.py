"""The whole stack on this machine: starts the stand-ins and creates the program's resources in them."""

import json
import tempfile
import time
from collections import Counter
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any, Self

import boto3
from botocore.config import Config

from contract import names
from contract.buffer_table import due_ms, until_item
from contract.slots import Slot
from local.aws import log_events
from local.aws.schedules import Ticker
from local.child import Child, LocalError
from local.heroku.api import Heroku
from local.pulumi import program, project
from local.pulumi.resources.account import Account, Function, Stage
from local.pulumi.resources.local_cloud import LocalCloud

# A run of the flusher takes a minute or more when much is due.
_INVOKE = Config(read_timeout=900, retries={"total_max_attempts": 1})
_CREDENTIALS = {"aws_access_key_id": "local", "aws_secret_access_key": "local"}


@dataclass(frozen=True)
class Options:
    """The stack's configuration, the ports (0 is any free port), and the time on Athena's clock.

    With a `clock`, functions run ahead of it, so that all slots up to that time are due. Unless it is `scheduled`, the
    flusher and the digester run only when they are invoked, so that tests know what is in the buffer, and so does the
    canary, if `with_canary`.
    """

    stack: str = "prod"
    config: Mapping[str, str] = field(default_factory=dict)
    aws_port: int = 0
    heroku_port: int = 0
    gateway_port: int = 0
    clock: datetime | None = None
    scheduled: bool = False
    with_canary: bool = False


class LocalStack:
    """A running stack, for use in a `with` statement. It ends with the block, or with the process."""

    def __init__(self, options: Options) -> None:
        """Read the settings; LocalError if they are invalid."""
        self._options = options
        self._project = project.load_local(options.stack, options.config)
        self.settings = project.settings(self._project)
        self._running = ExitStack()

    def __enter__(self) -> Self:
        """Start everything. If anything fails, LocalError, and nothing is left running."""
        with self._running:
            self._start()
            self._running = self._running.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._running.close()

    def _start(self) -> None:
        self._folder = Path(self._running.enter_context(tempfile.TemporaryDirectory(prefix="log-archive-")))
        options = self._options
        self._ahead_s = 0
        if options.clock:
            last = Slot.of(int(options.clock.timestamp() * 1000), self.settings.flush_minutes)
            # And a minute: for the receiver, a POST that arrived some seconds ago has waited.
            self._ahead_s = max(0, due_ms(last) // 1000 + 60 - int(time.time()))
        aws = self._child(
            "local.aws.server",
            {
                "host": "127.0.0.1",
                "port": options.aws_port,
                "clock": options.clock and options.clock.isoformat(),
                "functions": str(self._folder),
            },
        )
        self.aws_url: str = aws.ready["url"]
        self.heroku = Heroku(self.settings.apps, port=options.heroku_port)
        self._running.callback(self.heroku.stop)
        if not self.settings.break_glass_arns:
            # The stack only looks this user up, so the account must have it.
            self.client("iam").create_user(UserName=self.settings.break_glass_user)
        account = Account(self.aws_url, self.heroku.url, self.settings.region, self._serve)
        self.cloud = LocalCloud(account)
        self._functions = account.functions.values()
        self.outputs = program.run(self._project, self.cloud)
        if self._ahead_s:
            # As if the flusher had come to that slot, and not to the time at which the table was created.
            for app in self.settings.apps:
                self.client("dynamodb").put_item(TableName=self.outputs["buffer"], Item=until_item(app, last))
        for function in self._functions:
            # Those behind a gateway run already. A process takes time, and few tests are about canaries and digests.
            if not self._address(function).exists() and (options.scheduled or function.name not in self._rarely_used):
                self._run(function)
        for schedule in account.schedules if options.scheduled else ():
            ticker = Ticker(partial(self._invoke, schedule.function_arn), schedule.every_s)
            self._running.callback(ticker.stop)
        self.resources = Counter(self.cloud.created)

    def flush(self) -> int:
        """Run the flusher until no slot is due and nothing is spilled; gives the number of slots that it flushed.

        LocalError, if it fails. A slot is due some seconds after its end, so that what is posted now stays buffered.
        """
        slots, left = 0, True
        while left:
            ran = self._invoke(self.outputs["flusher"])
            slots, left = slots + ran["slots"], ran["behindSeconds"] or ran["drained"]
        return slots

    def digest(self) -> dict[str, Any]:
        """Run the digester, and give its answer; LocalError, if it fails."""
        name = names.digester_function(self.settings.name_prefix)
        [function] = [each for each in self._functions if each.name == name]
        if not self._address(function).exists():
            self._run(function)
        answer: dict[str, Any] = self._invoke(name)
        return answer

    def client(self, service: str, config: Config | None = None) -> Any:
        """A boto3 client of the local AWS."""
        make: Any = boto3.client
        return make(
            service,
            endpoint_url=self.aws_url,
            region_name=self.settings.region,
            config=config,
            **_CREDENTIALS,
        )

    @property
    def drain_urls(self) -> dict[str, str]:
        """The drain URLs that are registered at Heroku, by app."""
        return {app: drain["url"] for app in self.settings.apps for drain in self.heroku.drains(app)}

    @property
    def _rarely_used(self) -> set[str]:
        prefix = self.settings.name_prefix
        canaries = set() if self._options.with_canary else {names.canary_function(prefix)}
        return {names.digester_function(prefix), *canaries}

    def _invoke(self, function: str) -> Any:
        answer = self.client("lambda", _INVOKE).invoke(FunctionName=function)
        result = json.load(answer["Payload"])
        if "FunctionError" in answer:
            raise LocalError(f"{function} failed: {result['errorMessage']}")
        return result

    def _serve(self, stage: Stage) -> str:
        gateway = {
            "api_id": stage.api_id,
            "stage": stage.name,
            "routes": stage.routes,
            "permitted": stage.permitted,
            "port": self._options.gateway_port,
        }
        access_log = None
        if stage.access_log:
            group, format_ = stage.access_log
            access_log = {"path": str(log_events.file_of(self._folder, group)), "format": format_}
        return str(self._run(stage.function, gateway, access_log).ready["url"])

    def _run(
        self,
        function: Function,
        gateway: Mapping[str, Any] | None = None,
        access_log: Mapping[str, str] | None = None,
    ) -> Child:
        archive = self._folder / f"{function.name}.zip"
        archive.write_bytes(function.archive)
        return self._child(
            "local.aws.lambda_function",
            {
                "archive": str(archive),
                "handler": function.handler,
                "environment": dict(function.environment),
                "timeout_s": function.timeout_s,
                "memory_mb": function.memory_mb,
                "name": function.name,
                "ahead_s": self._ahead_s,
                "address": str(self._address(function)),
                "gateway": gateway,
                "access_log": access_log,
            },
            {"AWS_ENDPOINT_URL": self.aws_url, "AWS_REGION": self.settings.region},
        )

    def _address(self, function: Function) -> Path:
        return self._folder / f"{function.name}.url"

    def _child(self, module: str, config: Mapping[str, Any], env: Mapping[str, str] | None = None) -> Child:
        child = Child(module, config, log=self._folder / f"{config.get('name', module)}.log", env=env)
        self._running.callback(child.stop)
        return child
