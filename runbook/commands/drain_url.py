"""`drain-url`: the secret URL of an app's drain."""

from typing import Annotated

import typer

from runbook import printing
from runbook.aws import explain
from runbook.errors import Denied, RunbookError
from runbook.session import AsJson, session_of


def drain_url(
    ctx: typer.Context,
    app: Annotated[str, typer.Argument(help="A Heroku app of the stack.")],
    as_json: AsJson = False,
) -> None:
    """Print the URL of an app's drain: a secret.

    Its token lets anybody write lines as that app. Only an administrator may read it; the reader role may not.
    """
    session = session_of(ctx, as_json=as_json)
    outputs = session.outputs
    name = f"{outputs.parameter_prefix}drain_url/{outputs.check_app(app)}"
    ssm = session.own_aws.client("ssm")
    try:
        url = ssm.get_parameter(Name=name, WithDecryption=True)["Parameter"]["Value"]
    except ssm.exceptions.ParameterNotFound:
        raise RunbookError(f"there is no SSM parameter {name}: deploy the stack with {app} among its apps") from None
    except ssm.exceptions.ClientError as error:
        if isinstance(explain(error), Denied):
            raise Denied(
                f"could not tell: these credentials may not read {name}; an administrator's may: "
                "choose a --profile of one"
            ) from None
        raise
    printing.note("This URL is a secret: keep it out of chats, tickets and shell history.")
    if session.as_json:
        printing.document({"app": app, "url": url})
    else:
        print(url)
