"""The account in which resources are created, and what they know about each other."""

import json
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

import boto3
from botocore.config import Config

from local.child import LocalError
from local.pulumi.project import ACCOUNT_ID as ACCOUNT_ID
from local.pulumi.resources.spelling import Inputs

SERVICES = (
    *("apigatewayv2", "athena", "budgets", "cloudwatch", "dynamodb", "glue", "iam", "kms", "lambda", "logs", "s3"),
    *("scheduler", "sns", "sqs", "ssm", "sts"),
)


@dataclass(frozen=True)
class Function:
    """A Lambda function as it was declared; `archive` is a zip file's bytes."""

    name: str
    handler: str
    archive: bytes
    environment: Mapping[str, str]
    timeout_s: int
    memory_mb: int


@dataclass(frozen=True)
class Stage:
    """A stage of an HTTP API: the routes that a gateway has to serve, and the function behind them.

    `permitted` are the routes for which the function's policy lets API Gateway call it. `access_log` is the log group
    of the access log and its format, if there is one.
    """

    api_id: str
    name: str
    routes: list[str]
    function: Function
    permitted: list[str]
    access_log: tuple[str, str] | None = None


@dataclass(frozen=True)
class Schedule:
    """A function that is invoked every so many seconds."""

    function_arn: str
    every_s: int


@dataclass(frozen=True)
class Permission:
    """Who may call which function: a statement of its policy. Without a source, any of the principal's may."""

    function: str
    principal: str
    action: str
    source_arn: str | None

    def lets_gateway_call(self, function: str, route_arn: str) -> bool:
        """Whether API Gateway may call a function for a route; `*` in the source stands for any text, `?` for one."""
        return (
            self.function.rpartition(":")[2] == function  # declared by its name or by its ARN
            and self.principal == "apigateway.amazonaws.com"
            and self.action in {"lambda:InvokeFunction", "lambda:*"}
            and (self.source_arn is None or fnmatchcase(route_arn, self.source_arn.replace("[", "[[]")))
        )


class Account:
    """The emulated AWS and the Heroku stand-in; `serve` starts the gateway of a stage and gives its URL."""

    def __init__(self, aws_url: str, heroku_url: str, region: str, serve: Callable[[Stage], str]) -> None:
        make: Any = boto3.Session("local", "local", region_name=region).client
        config = Config(retries={"total_max_attempts": 1}, max_pool_connections=20)
        # Created here: clients can be used from several threads, a session cannot.
        self.clients = {name: make(name, endpoint_url=aws_url, config=config) for name in SERVICES}
        self.heroku_url, self.region, self.serve = heroku_url, region, serve
        self.functions: dict[str, Function] = {}  # by invoke ARN
        self.schedules: list[Schedule] = []
        self.permissions: list[Permission] = []
        self.integrations: dict[str, str] = {}  # id -> invoke ARN
        self.routes: dict[str, dict[str, str]] = {}  # API id -> route key -> integration id

    def ask_heroku(self, path: str, body: Mapping[str, str] | None = None) -> Any:
        """Call Heroku's API; LocalError with its message if it refuses the call."""
        request = urllib.request.Request(  # noqa: S310  the stand-in's address is ours
            self.heroku_url + path,
            data=None if body is None else json.dumps(body).encode(),
            headers={"Authorization": "Bearer local", "Accept": "application/vnd.heroku+json; version=3"},
        )
        try:
            with urllib.request.urlopen(request, timeout=10) as response:  # noqa: S310
                return json.load(response)
        except urllib.error.HTTPError as error:
            raise LocalError(f"Heroku answers {error.code}: {json.load(error)['message']}") from error


Outputs = tuple[str, dict[str, Any]]  # a resource's id, and computed outputs in addition to those in preview.py
Creator = Callable[[Account, Inputs], Outputs]
Finder = Callable[[Account, Inputs], dict[str, Any]]
