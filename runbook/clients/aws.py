"""The runbook's way to AWS: credentials, clients, and what AWS's errors mean to an operator."""

import re
import threading
from collections.abc import Iterable
from functools import cached_property
from typing import TYPE_CHECKING, Any

from contract import policies
from runbook.errors import Denied, RunbookError

if TYPE_CHECKING:
    import boto3
    from botocore.exceptions import BotoCoreError, ClientError

# Chained roles have an hour at most (IAM user guide, "Roles terms and concepts").
_SESSION_S = 3600
_CONNECTIONS = 32

_DENIED = {"AccessDenied", "AccessDeniedException", "AuthorizationError", "UnauthorizedOperation", "403"}
_INVALID_CREDENTIALS = {
    *("ExpiredToken", "ExpiredTokenException", "InvalidAccessKeyId", "InvalidClientTokenId", "RequestExpired"),
    *("InvalidSignatureException", "SignatureDoesNotMatch", "UnrecognizedClientException"),
}
_NOT_AUTHORIZED = re.compile(r"(?:User: )?(\S+) is not authorized to perform: ([\w:]+)(?: on resource: (\S+))?")


class Aws:
    """Clients of one identity: whoever boto3 finds, or a role that this one assumes.

    boto3 finds credentials, region and AWS_ENDPOINT_URL as ever. Credentials of an assumed role stay in memory.
    """

    def __init__(self, *, profile: str | None = None, region: str | None = None, role: str | None = None) -> None:
        """`role` is the ARN of a role to assume, or the name of one in the account."""
        self._profile, self._region, self._role = profile, region, role
        self._clients: dict[str, Any] = {}
        self._lock = threading.Lock()

    @property
    def assumed(self) -> bool:
        """Whether these are the clients of a role that was assumed."""
        return self._role is not None

    def role(self, arn: str) -> "Aws":
        """Clients of a role that this identity assumes once one of them is used."""
        return Aws(profile=self._profile, region=self._region, role=arn)

    def client(self, service: str) -> Any:
        """A service's client, the same one each time, for any thread."""
        # boto3's sessions are for one thread at a time, its clients for all.
        with self._lock:
            if service not in self._clients:
                self._clients[service] = _client(self.session, service)
            return self._clients[service]

    @cached_property
    def session(self) -> "boto3.Session":
        """The boto3 session behind the clients."""
        import boto3

        own = boto3.Session(profile_name=self._profile, region_name=self._region)
        if not self._role:
            return own
        sts = _client(own, "sts")
        credentials = sts.assume_role(
            RoleArn=self._role if self._role.startswith("arn:") else _role_arn(sts, self._role),
            RoleSessionName="runbook",
            DurationSeconds=_SESSION_S,
        )["Credentials"]
        return boto3.Session(
            aws_access_key_id=credentials["AccessKeyId"],
            aws_secret_access_key=credentials["SecretAccessKey"],
            aws_session_token=credentials["SessionToken"],
            region_name=own.region_name,
        )


def _role_arn(sts: Any, name: str) -> str:
    # Who may only assume the role may not read its ARN from SSM; who one is oneself, everybody may ask.
    identity = sts.get_caller_identity()
    partition = identity["Arn"].split(":")[1]
    return f"arn:{partition}:iam::{identity['Account']}:role/{name}"


def _client(session: "boto3.Session", service: Any) -> Any:
    from botocore.config import Config

    retries: Any = {"mode": "standard", "total_max_attempts": 4}
    config = Config(connect_timeout=5, read_timeout=30, retries=retries, max_pool_connections=_CONNECTIONS)
    return session.client(service, config=config)


# ---------------------------------------------------------------- errors


def explain(error: BaseException) -> RunbookError | None:
    """Say in one line what an error of boto3 means and what to do; None when it is no error of boto3."""
    from botocore.exceptions import BotoCoreError, ClientError

    if isinstance(error, ClientError):
        return _of_answer(error)
    return _of_boto(error) if isinstance(error, BotoCoreError) else None


def refuses_all(code: str) -> bool:
    """Whether a code of AWS's refuses whoever asks, so that each other request of the kind would get it too."""
    return code in _DENIED or code in _INVALID_CREDENTIALS


def _of_answer(error: "ClientError") -> RunbookError:
    code, message = (str(error.response.get("Error", {}).get(key, "")) for key in ("Code", "Message"))
    if code in _DENIED:
        return Denied(_denied(error.operation_name, message))
    if code in _INVALID_CREDENTIALS:
        return RunbookError(f"AWS does not accept the credentials ({code}): log in again, or choose another --profile")
    return RunbookError(f"{error.operation_name}: {' '.join(message.split()) or 'no reason given'} ({code})")


def _denied(operation: str, message: str) -> str:
    if not (found := _NOT_AUTHORIZED.search(message)):
        return f"could not tell: these credentials may not {operation}; {_who_may('')}"
    who, action, resource = found.groups()
    on = f" on {resource}" if resource else ""
    return f"could not tell: {who} may not {action}{on}; {_who_may(action)}"


def _who_may(action: str) -> str:
    if action == "sts:AssumeRole":
        return "the stack's break-glass principal may assume the reader role (setting breakGlassUser or breakGlassArn)"
    if action in reader_actions():
        return "the reader role may (add --assume before the command) where this is part of the stack"
    return "an administrator may"


def reader_actions() -> frozenset[str]:
    """What the reader role may do, on those resources of the stack that its policies name."""
    statements = [
        *policies.reader("", "", "", [], [])["Statement"],
        *policies.parameter_reader([])["Statement"],
    ]
    return frozenset(action for statement in statements for action in _actions(statement["Action"]))


def _actions(value: str | Iterable[str]) -> Iterable[str]:
    return [value] if isinstance(value, str) else value


def _of_boto(error: "BotoCoreError") -> RunbookError:
    from botocore import exceptions

    match error:
        case exceptions.NoCredentialsError() | exceptions.PartialCredentialsError():
            return RunbookError("there are no AWS credentials: log in, or choose a --profile that has some")
        case exceptions.NoRegionError():
            return RunbookError("there is no AWS region: add --region before the command, or set AWS_DEFAULT_REGION")
        case exceptions.ProfileNotFound():
            return RunbookError(f"{error}: choose a --profile of your AWS configuration")
        case exceptions.SSOError() | exceptions.TokenRetrievalError():
            return RunbookError(f"{error}: run `aws sso login`")
        case exceptions.HTTPClientError() | exceptions.ConnectionError():
            return RunbookError(f"AWS cannot be reached ({error}): check the network, --region and AWS_ENDPOINT_URL")
    return RunbookError(f"{type(error).__name__}: {error}")
