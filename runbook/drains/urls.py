"""The secret URLs of drains: read from SSM, recognised, and masked for the screen."""

from urllib.parse import parse_qs, urlsplit

from contract import names
from contract.drain_url import DRAIN_PATH
from contract.outputs import Outputs
from runbook.clients.aws import Aws, explain
from runbook.errors import Denied, RunbookError


def read(operator: Aws, outputs: Outputs, app: str) -> str:
    """Read an app's drain URL from SSM, as a break-glass principal or deployer. RunbookError, Denied."""
    name = outputs.parameter_prefix + names.drain_url(app)
    ssm = operator.client("ssm")
    try:
        return str(ssm.get_parameter(Name=name, WithDecryption=True)["Parameter"]["Value"])
    except ssm.exceptions.ParameterNotFound:
        raise RunbookError(f"the SSM parameter {name} does not exist: deploy the stack with {app} in `apps`") from None
    except ssm.exceptions.ClientError as error:
        if isinstance(explain(error), Denied):
            raise Denied(
                f"could not tell: your credentials do not allow reading {name}; choose the --profile of a break-glass "
                "principal or a deployer"
            ) from None
        raise


def is_ours(url: str, endpoint: str) -> bool:
    """Whether a drain's URL leads to the stack's endpoint, whatever its query, and so its token, is."""
    target = _target(url)
    return target is not None and target == _target(endpoint)


def looks_like_ours(url: str) -> bool:
    """Whether a drain's URL has the form of our drains, wherever it leads: `…/drain?app=…&token=…`."""
    try:
        found = urlsplit(url)
    except ValueError:
        return False
    return found.path.endswith(DRAIN_PATH) and parse_qs(found.query).keys() == {"app", "token"}


def token(url: str, app: str) -> str | None:
    """The token in an app's drain URL; None if the receiver would refuse the URL, whatever its token is."""
    query = parse_qs(urlsplit(url).query)
    tokens = query.get("token", [])
    # The receiver refuses repeated parameters.
    return tokens[0] if query.get("app") == [app] and len(tokens) == 1 else None


def masked(url: str) -> str:
    """A drain's URL for the screen: without user, password and query, which can contain tokens."""
    try:
        found = urlsplit(url)
    except ValueError:
        return "(invalid URL)"
    host = found.netloc.rpartition("@")[2]
    return f"{found.scheme}://{host}{found.path}" + ("?…" if found.query else "")


def _target(url: str) -> tuple[object, ...] | None:
    """Where a URL leads, with the default port filled in; None for an invalid URL."""
    try:
        found = urlsplit(url)
        port = found.port or {"https": 443, "http": 80}.get(found.scheme)
        return found.scheme, found.username, found.hostname, port, found.path
    except ValueError:
        return None
