"""AWS credentials, clients, and explanations of AWS's errors."""

import re
import threading
from collections.abc import Callable, Iterable
from functools import cached_property
from typing import TYPE_CHECKING, Any

from contract import policies
from runbook.errors import Denied, RunbookError

if TYPE_CHECKING:
    import boto3
    from botocore.exceptions import BotoCoreError, ClientError
    from mypy_boto3_s3 import S3Client

_OWNER = "ExpectedBucketOwner"
# The maximum for chained roles (IAM user guide, "Roles terms and concepts").
_SESSION_S = 3600
_CONNECTIONS = 32
_ANSWER_S = 30
# An invocation answers when the function is done, and the flusher has 120 s.
_INVOCATION_S = 130

_DENIED = {"AccessDenied", "AccessDeniedException", "AuthorizationError", "UnauthorizedOperation", "403"}
_INVALID_CREDENTIALS = {
    *("ExpiredToken", "ExpiredTokenException", "InvalidAccessKeyId", "InvalidClientTokenId", "RequestExpired"),
    *("InvalidSignatureException", "SignatureDoesNotMatch", "UnrecognizedClientException"),
}
# Of each service's API reference, "Common errors", and of StartQueryExecution's; the clients have tried again already.
_BUSY = {"SlowDown", "ServiceUnavailable", "Throttling", "ThrottlingException", "TooManyRequestsException"}
_NOT_AUTHORIZED = re.compile(r"(?:User: )?(\S+) is not authorized to perform: ([\w:]+)(?: on resource: (\S+))?")


def make_client(session: "boto3.Session", service: Any) -> Any:
    """Create a service's client, with short timeouts and few retries."""
    from botocore.config import Config

    retries: Any = {"mode": "standard", "total_max_attempts": 4}
    answer_s = _INVOCATION_S if service == "lambda" else _ANSWER_S
    config = Config(connect_timeout=5, read_timeout=answer_s, retries=retries, max_pool_connections=_CONNECTIONS)
    return session.client(service, config=config)


MakeClient = Callable[["boto3.Session", str], Any]


class Aws:
    """Clients of one identity: the one that boto3 finds, or a role that it assumes.

    Credentials, region and AWS_ENDPOINT_URL are boto3's defaults. Credentials of an assumed role stay in memory.
    """

    def __init__(
        self,
        *,
        profile: str | None = None,
        region: str | None = None,
        role: str | None = None,
        make_client: MakeClient = make_client,
    ) -> None:
        """`role` is a role to assume: its ARN, or its name in the same account."""
        self._profile, self._region, self._role, self._make_client = profile, region, role, make_client
        self._clients: dict[str, Any] = {}
        self._lock = threading.Lock()

    def role(self, arn: str) -> "Aws":
        """Clients of a role, which is assumed when the first client is created."""
        return Aws(profile=self._profile, region=self._region, role=arn, make_client=self._make_client)

    def client(self, service: str) -> Any:
        """The client of a service, one for all threads."""
        # boto3's clients are thread-safe, its sessions are not.
        with self._lock:
            if service not in self._clients:
                self._clients[service] = self._make_client(self.session, service)
            return self._clients[service]

    @cached_property
    def session(self) -> "boto3.Session":
        """The boto3 session behind the clients."""
        import boto3

        own = boto3.Session(profile_name=self._profile, region_name=self._region)
        if not self._role:
            return own
        sts = self._make_client(own, "sts")
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


def of_account(s3: "S3Client", account_id: str) -> "S3Client":
    """Make a client of S3 name the account of each bucket that it asks; S3 refuses if it is another one.

    Source: S3 user guide, "Verifying bucket ownership with bucket owner condition".
    """

    def name_account(params: dict[str, Any], model: Any, **_: Any) -> None:
        if _OWNER in model.input_shape.members:
            params.setdefault(_OWNER, account_id)

    s3.meta.events.register("provide-client-params.s3", name_account, unique_id=_OWNER)
    return s3


def _role_arn(sts: Any, name: str) -> str:
    # Somebody who can only assume the role cannot read its ARN from SSM, but everybody can call GetCallerIdentity.
    identity = sts.get_caller_identity()
    partition = identity["Arn"].split(":")[1]
    return f"arn:{partition}:iam::{identity['Account']}:role/{name}"


# ---------------------------------------------------------------- errors


def explain(error: BaseException) -> RunbookError | None:
    """Explain an error of boto3 and what to do, in one line; None for other errors.

    A RunbookError explains itself: an output that cannot be used raises one in the middle of a request.
    """
    from botocore.exceptions import BotoCoreError, ClientError

    if isinstance(error, RunbookError):
        return error
    if isinstance(error, ClientError):
        return _of_answer(error)
    return _of_boto(error) if isinstance(error, BotoCoreError) else None


def refuses_all(code: str) -> bool:
    """Whether an error code is about the identity, so that all other requests would get it too."""
    return code in _DENIED or code in _INVALID_CREDENTIALS


def _of_answer(error: "ClientError") -> RunbookError:
    code, message = (str(error.response.get("Error", {}).get(key, "")) for key in ("Code", "Message"))
    if code in _DENIED:
        return Denied(_denied(error.operation_name, message))
    if code in _INVALID_CREDENTIALS:
        return RunbookError(f"AWS rejects the credentials ({code}): log in again, or choose another --profile")
    remedy = ": AWS is busy, or a quota of the account is used up; try again in a few minutes" if code in _BUSY else ""
    return RunbookError(f"{error.operation_name}: {' '.join(message.split()) or 'no reason given'} ({code}){remedy}")


def _denied(operation: str, message: str) -> str:
    if not (found := _NOT_AUTHORIZED.search(message)):
        return f"could not tell: you are not allowed to call {operation}; {_who_may('')}"
    who, action, resource = found.groups()
    on = f" on {resource}" if resource else ""
    return f"could not tell: {who} is not allowed to call {action}{on}; {_who_may(action)}"


# What the policies of the stack's key and queues leave to break-glass principals, of what people do.
_NAMED_ONLY = frozenset({"kms:Decrypt", "sqs:DeleteMessage", "sqs:ReceiveMessage"})


def _who_may(action: str) -> str:
    if action == "sts:AssumeRole":
        return "only a break-glass principal is (settings breakGlassUser, breakGlassArns and restoreArns)"
    if action in _NAMED_ONLY:
        return "only a break-glass principal with this permission is: the stack's policies deny it to all others"
    if action in reader_actions():
        return "the reader role is, for this stack's resources (add --assume before the command)"
    return "an administrator is"


def reader_actions() -> frozenset[str]:
    """The actions that the reader role's policies allow on the stack's resources."""
    statements = [
        *policies.reader("", "", "", [], [], "", "", "")["Statement"],
        *policies.parameter_reader([])["Statement"],
    ]
    return frozenset(action for statement in statements for action in _actions(statement["Action"]))


def _actions(value: str | Iterable[str]) -> Iterable[str]:
    return [value] if isinstance(value, str) else value


def _of_boto(error: "BotoCoreError") -> RunbookError:
    from botocore import exceptions

    match error:
        case exceptions.NoCredentialsError() | exceptions.PartialCredentialsError():
            return RunbookError("no AWS credentials found: log in, or choose a --profile that has credentials")
        case exceptions.NoRegionError():
            return RunbookError("no AWS region is set: add --region before the command, or set AWS_DEFAULT_REGION")
        case exceptions.ProfileNotFound():
            return RunbookError(f"{error}: choose a --profile from your AWS configuration")
        case exceptions.SSOError() | exceptions.TokenRetrievalError():
            return RunbookError(f"{error}: run `aws sso login`")
        case exceptions.HTTPClientError() | exceptions.ConnectionError():
            return RunbookError(f"cannot reach AWS ({error}): check the network, --region and AWS_ENDPOINT_URL")
    return RunbookError(f"{type(error).__name__}: {error}")
