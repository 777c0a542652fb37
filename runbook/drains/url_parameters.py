"""The drain URLs that SSM has: secrets, which only an administrator may read."""

from contract import names
from contract.outputs import Outputs
from runbook.clients.aws import Aws, explain
from runbook.errors import Denied, RunbookError


def read(operator: Aws, outputs: Outputs, app: str) -> str:
    """Read an app's drain URL; RunbookError when there is none, Denied for who may not."""
    name = outputs.parameter_prefix + names.drain_url(app)
    ssm = operator.client("ssm")
    try:
        return str(ssm.get_parameter(Name=name, WithDecryption=True)["Parameter"]["Value"])
    except ssm.exceptions.ParameterNotFound:
        raise RunbookError(f"there is no SSM parameter {name}: deploy the stack with {app} among its apps") from None
    except ssm.exceptions.ClientError as error:
        if isinstance(explain(error), Denied):
            raise Denied(
                f"could not tell: these credentials may not read {name}; an administrator's may: "
                "choose a --profile of one"
            ) from None
        raise
