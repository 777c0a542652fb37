"""The rows of docs/reference/access.md: whoever could ask for something of the stack."""

from contract import names
from tools.access import managed_policies
from tools.access.declared import ACCOUNT, Declared
from tools.access.managed_policies import managed_policy
from tools.access.rights import Who
from tools.policy_evaluation.requests import Principal
from tools.policy_evaluation.statements import Statement, statements

DEPLOYER = f"arn:aws:iam::{ACCOUNT}:role/deployer"
BREAK_GLASS = f"arn:aws:iam::{ACCOUNT}:user/break-glass"
# The settings under which the program is looked at: those that name principals, and all optional policies but one.
SETTINGS = {
    "breakGlassArns": f'["{BREAK_GLASS}"]',
    "deployerArns": f'["{DEPLOYER}"]',
    "alarmTopicKey": "true",
}
# That one: the policy of the writer user while there is a receiver outside Lambda.
WITH_OUTSIDE_RECEIVER = {**SETTINGS, "writerRunsReceiver": "true"}


def everybody(found: Declared, with_outside_receiver: Declared) -> list[Who]:
    """All rows, in the order of the page."""
    writer = found.arn("iam/user", found.settings.writer_user_name)
    writing = tuple(with_outside_receiver.identities[writer])
    return [
        *_strangers(),
        *_services(found),
        *_identities(found),
        Who("outside-receiver", "the writer user, with `writerRunsReceiver`", Principal.of(writer), writing),
        *_people(),
    ]


def _identities(found: Declared) -> list[Who]:
    """Every role and user that the program declares, with exactly the policies that it declares."""
    titles = _titles(found)
    return [
        Who(*titles.get(arn, (arn, f"`{arn}`")), Principal.of(arn), tuple(policies))
        for arn, policies in sorted(found.identities.items(), key=lambda item: [*titles, item[0]].index(item[0]))
    ]


def _titles(found: Declared) -> dict[str, tuple[str, str]]:
    settings = found.settings
    prefix = settings.name_prefix
    roles = {
        names.receiver_function(prefix): ("receiver", "the receiver's role"),
        names.flusher_function(prefix): ("flusher", "the flusher's role"),
        names.canary_function(prefix): ("canary", "the canary's role"),
        f"{names.flusher_function(prefix)}-schedule": ("flusher-schedule", "the role of the flusher's schedule"),
        f"{names.canary_function(prefix)}-schedule": ("canary-schedule", "the role of the canary's schedule"),
        names.digester_function(prefix): ("digester", "the digester's role"),
        f"{names.digester_function(prefix)}-schedule": ("digester-schedule", "the role of the digester's schedule"),
        settings.reader_role_name: ("reader", "the reader role"),
        settings.restorer_role_name: ("restorer", "the restorer role"),
    }
    arns = {found.arn("iam/role", name): title for name, title in roles.items()}
    return arns | {found.arn("iam/user", settings.writer_user_name): ("writer", "the writer user")}


def _strangers() -> list[Who]:
    other = Principal.of("arn:aws:iam::999999999999:user/other")
    return [
        Who("anyone", "anyone on the Internet, without credentials of AWS", Principal.of("")),
        Who(
            "other-account", "an administrator of another AWS account", other, _managed(managed_policies.ADMINISTRATOR)
        ),
    ]


def _people() -> list[Who]:
    """Those whose policies are not the stack's. A principal of the account may have any: each row says which."""
    root = f"arn:aws:iam::{ACCOUNT}:root"
    admin = _managed(managed_policies.ADMINISTRATOR)
    holders = [
        Who(name, f"anyone in the account with `{name}`", _user(name), _managed(name))
        for name in managed_policies.FOR_READERS
    ]
    return [
        *holders,
        Who("nobody", "anyone in the account without a policy", _user("nobody")),
        Who("break-glass", "the break-glass principal, without a policy", Principal.of(BREAK_GLASS)),
        Who("break-glass-admin", "the break-glass principal, as an administrator", Principal.of(BREAK_GLASS), admin),
        Who("deployer", "the deployer, as an administrator", Principal.of(DEPLOYER), admin),
        Who("administrator", "any other administrator of the account", _user("administrator"), admin),
        Who("root", "the account's root user", Principal.of(root)),
    ]


def _services(found: Declared) -> list[Who]:
    """Services that act for themselves, for this stack: what they do for a principal is in the principal's row."""
    region, prefix = found.settings.region, found.settings.name_prefix
    api = found.of_type("apigatewayv2/api")[0]["executionArn"]
    sources = {
        "s3": ("S3", found.arn("s3/bucket", found.settings.bucket_name)),
        "cloudwatch": (
            "CloudWatch's alarms",
            f"arn:aws:cloudwatch:{region}:{ACCOUNT}:alarm:{names.alarm(prefix, 'x')}",
        ),
        "budgets": ("AWS Budgets", f"arn:aws:budgets::{ACCOUNT}:budget/{prefix}"),
        "apigateway": ("API Gateway", f"{api}/prod/POST/drain"),
        "lambda": ("Lambda", found.arn("lambda/function", names.flusher_function(prefix))),
        "scheduler": ("EventBridge Scheduler", found.arn("scheduler/scheduleGroup", names.flusher_function(prefix))),
    }
    return [
        Who(
            service,
            f"{title}, for this stack",
            Principal.of(f"{service}.amazonaws.com"),
            context={"aws:SourceArn": arn, "aws:SourceAccount": ACCOUNT},
        )
        for service, (title, arn) in sources.items()
    ]


def _user(name: str) -> Principal:
    return Principal.of(f"arn:aws:iam::{ACCOUNT}:user/{name}")


def _managed(name: str) -> tuple[Statement, ...]:
    return statements(f"`{name}`", managed_policy(name).document)
