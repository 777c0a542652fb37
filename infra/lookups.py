"""What must be there before the stack: the right account, the break-glass user in AWS, and the apps at Heroku.

All are looked up before the first component is declared, so that nothing is created when something is missing.
A RunError ends the program with its message alone; any other exception ends it with a traceback (the SDK's RunError).
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

import pulumi
import pulumi_aws as aws
import pulumiverse_heroku as heroku

from contract.principals import Principals, identity_patterns
from infra.settings import PRODUCTION, Settings


class MissingPrerequisite(pulumi.RunError):
    """Something that the stack needs cannot be looked up; the message names the setting and says what to do."""


class Caller(NamedTuple):
    """Whose credentials are in use: the account's id, and the ARN of the user or session."""

    account: str
    arn: str


def caller(provider: aws.Provider) -> Caller:
    """Whose credentials are in use, which needs no permission. MissingPrerequisite."""
    try:
        found = aws.get_caller_identity(opts=pulumi.InvokeOptions(provider=provider))
    except Exception as error:  # noqa: BLE001  the SDK raises a bare Exception for whatever a provider answers
        raise MissingPrerequisite(
            f"the AWS credentials cannot be used: check them with `aws sts get-caller-identity`{_quoted(str(error))}"
        ) from None
    return Caller(found.account_id, found.arn)


def check_account(environment: str, allowed_ids: Sequence[str], account: str) -> None:
    """Refuse to deploy prod to whatever account the credentials are of. MissingPrerequisite names that account.

    Once an account is allowed, the provider itself refuses the others.
    """
    if environment != PRODUCTION or allowed_ids:
        return
    raise MissingPrerequisite(
        f"allowedAccountIds is empty, and these credentials are of account {account}: if it is the one for environment "
        f"{PRODUCTION}, run `pulumi config set --path 'allowedAccountIds[0]' {account}`"
    )


def break_glass_arns(arns: tuple[str, ...], user: str, provider: aws.Provider) -> tuple[str, ...]:
    """The principals that may assume the reader role: `arns`, or else the ARN of `user`. MissingPrerequisite."""
    if arns:
        return arns
    try:
        return (aws.iam.get_user(user_name=user, opts=pulumi.InvokeOptions(provider=provider)).arn,)
    except Exception as error:  # noqa: BLE001  as above
        raise MissingPrerequisite(_no_user(user, str(error))) from None


def principals(settings: Settings, found: Caller, break_glass: Sequence[str]) -> Principals:
    """Whom the stack's policies name; without `deployerArns` the deployer is whose credentials are in use."""
    return Principals(
        partition=found.arn.split(":")[1],
        account=found.account,
        name_prefix=settings.name_prefix,
        reader_role=settings.reader_role_name,
        writer_user=settings.writer_user_name,
        break_glass=break_glass,
        deployers=settings.deployer_arns or identity_patterns(found.arn),
    )


def app_ids(apps: Iterable[str], known: Mapping[str, str], provider: heroku.Provider) -> dict[str, str]:
    """UUIDs by app: those in `known`, and else Heroku's. MissingPrerequisite, which names every app that is missing."""
    found, problems = {}, []
    for app in apps:
        if app in known:
            found[app] = known[app]
            continue
        try:
            # The answer holds the app's config vars too, so the API key must be allowed to read them.
            found[app] = heroku.app.get_app(name=app, opts=pulumi.InvokeOptions(provider=provider)).uuid
        except Exception as error:  # noqa: BLE001  as above
            problems.append(_no_app(app, str(error)))
    if problems:
        raise MissingPrerequisite("\n".join(problems))
    return found


def _no_user(user: str, said: str) -> str:
    if re.search("NoSuchEntity|cannot be found|couldn't find resource", said):
        return (
            f"breakGlassUser is {user}, and this AWS account has no such IAM user: create it, set breakGlassUser to "
            f"one that exists, or set breakGlassArns to ARNs of IAM users or roles{_quoted(said)}"
        )
    return (
        f"breakGlassUser is {user}, and this IAM user cannot be looked up: use AWS credentials that may iam:GetUser, "
        f"or set breakGlassArns, with which nothing is looked up{_quoted(said)}"
    )


def _no_app(app: str, said: str) -> str:
    if re.search("credentials|unauthorized", said, re.IGNORECASE):
        what = (
            "and Heroku does not accept the API key: run `pulumi config set --secret heroku:apiKey`, or export "
            "HEROKU_API_KEY; or, as for previews in CI, set the app's UUID in `appIds`, with which nothing is looked up"
        )
    elif re.search("couldn't find that|not[_ ]found", said, re.IGNORECASE):
        what = "and Heroku has no such app: correct or remove its name in `apps`"
    elif re.search("access|forbidden|permission|scope", said, re.IGNORECASE):
        what = (
            "and the Heroku API key may not read the app and its config vars: use a key that may, or set the app's "
            "UUID in `appIds`, with which nothing is looked up"
        )
    else:
        what = "and Heroku could not look it up: try again, or set the app's UUID in `appIds`"
    return f"apps names {app}, {what}{_quoted(said)}"


def _quoted(said: str) -> str:
    """What the provider said, on a line of its own; it can be several lines long."""
    return f"\n  The provider said: {' '.join(said.split())}"
