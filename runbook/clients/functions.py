"""Invokes the stack's functions, and waits for their answers."""

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from contract import names
from runbook.errors import RunbookError

if TYPE_CHECKING:
    from mypy_boto3_lambda import LambdaClient


class Answer(NamedTuple):
    """A function's answer; that of a run that `failed` has an `errorMessage` ("Invoke", Lambda API reference)."""

    payload: dict[str, Any]
    failed: bool

    @property
    def reason(self) -> str:
        """Why a run failed, in one line: the type of the error, and its message."""
        message = " ".join(str(self.payload.get("errorMessage", "no reason given")).split())
        return f"{self.payload.get('errorType', 'Unhandled')}: {message}"


def invoke(client: "LambdaClient", function: str, event: Mapping[str, Any] | None = None) -> Answer:
    """Run a function once with an event, {} by default. RunbookError if there is no such function."""
    try:
        response = client.invoke(FunctionName=function, Payload=json.dumps(event or {}).encode())
    except client.exceptions.ResourceNotFoundException:
        raise RunbookError(
            f"there is no function {function} in {client.meta.region_name}: set --region to the stack's, or "
            "deploy the stack, which creates it again: pulumi up --refresh"
        ) from None
    return Answer(json.load(response["Payload"]), "FunctionError" in response)


def log_command(function: str, region: str) -> str:
    """Give the command that shows a function's log of the last hour."""
    return f"aws logs tail {names.function_log_group(function)} --since 1h --region {region}"
