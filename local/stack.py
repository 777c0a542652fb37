"""The whole stack on this machine: starts the stand-ins and creates the program's resources in them."""

import tempfile
from collections import Counter
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Self

import boto3

from local.child import Child
from local.heroku.api import Heroku
from local.pulumi import program, project
from local.pulumi.resources.account import Account, Stage
from local.pulumi.resources.local_cloud import LocalCloud

_CREDENTIALS = {"aws_access_key_id": "local", "aws_secret_access_key": "local"}


@dataclass(frozen=True)
class Options:
    """The stack's configuration, the ports (0 is any free port), and the time on Athena's clock."""

    stack: str = "prod"
    config: Mapping[str, str] = field(default_factory=dict)
    aws_port: int = 0
    heroku_port: int = 0
    gateway_port: int = 0
    clock: datetime | None = None


class LocalStack:
    """A running stack, for use in a `with` statement. It ends with the block, or with the process."""

    def __init__(self, options: Options) -> None:
        """Read the settings; LocalError if they are invalid."""
        self._options = options
        self._project = project.load(options.stack, options.config)
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
        self.logs = Path(self._running.enter_context(tempfile.TemporaryDirectory(prefix="log-archive-")))
        options = self._options
        aws = self._child(
            "local.aws.server",
            {"host": "127.0.0.1", "port": options.aws_port, "clock": options.clock and options.clock.isoformat()},
            env={},
        )
        self.aws_url: str = aws.ready["url"]
        self.heroku = Heroku(self.settings.apps, port=options.heroku_port)
        self._running.callback(self.heroku.stop)
        if not self.settings.break_glass_arn:
            # The stack only looks this user up, so the account must have it.
            self.client("iam").create_user(UserName=self.settings.break_glass_user)
        account = Account(self.aws_url, self.heroku.url, self.settings.region, self._serve)
        self.cloud = LocalCloud(account)
        self.outputs = program.run(self._project, self.cloud)
        for source in account.event_sources:
            self._function.tell(
                queue_arn=source.queue_arn, batch_size=source.batch_size, reports_failures=source.reports_failures
            )
        self.resources = Counter(self.cloud.created)

    def client(self, service: str) -> Any:
        """A boto3 client of the local AWS."""
        make: Any = boto3.client
        return make(
            service,
            endpoint_url=self.aws_url,
            region_name=self.settings.region,
            **_CREDENTIALS,
        )

    @property
    def drain_urls(self) -> dict[str, str]:
        """The drain URLs that are registered at Heroku, by app."""
        return {app: drain["url"] for app in self.settings.apps for drain in self.heroku.drains(app)}

    def _serve(self, stage: Stage) -> str:
        function = stage.function
        archive = self.logs / f"{function.name}.zip"
        archive.write_bytes(function.archive)
        self._function = self._child(
            "local.aws.lambda_function",
            {
                "archive": str(archive),
                "handler": function.handler,
                "environment": dict(function.environment),
                "timeout_s": function.timeout_s,
                "memory_mb": function.memory_mb,
                "name": function.name,
                "api_id": stage.api_id,
                "stage": stage.name,
                "routes": stage.routes,
                "permitted": stage.permitted,
                "port": self._options.gateway_port,
            },
            env={"AWS_ENDPOINT_URL": self.aws_url, "AWS_REGION": self.settings.region},
        )
        return str(self._function.ready["url"])

    def _child(self, module: str, config: Mapping[str, Any], env: Mapping[str, str]) -> Child:
        child = Child(module, config, log=self.logs / f"{module}.log", env=env)
        self._running.callback(child.stop)
        return child
