"""Checks the permissions of the writer user, and who can assume the reader role."""

from collections.abc import Generator, Iterator
from typing import Any

from contract import names, policies
from contract.object_keys import LOGS_PREFIX, RESULTS_PREFIX
from contract.outputs import Outputs
from runbook.clients import aws
from runbook.doctor import faults
from runbook.doctor.context import Context, Finding, Findings, explained
from runbook.errors import Denied

_EXAMPLE_KEY = "2026/01/01/1767225600000-00000000-0000-5000-8000-000000000000.gz"


def writer(context: Context) -> Findings:
    """Simulate the writer user's own policies; the check `bucket` covers the bucket policy."""
    outputs = context.outputs
    user, bucket = outputs.writer_user_arn.rpartition("/")[2], outputs.bucket_arn
    log = f"{bucket}/{LOGS_PREFIX}{outputs.apps[0]}/{_EXAMPLE_KEY}"
    put = _decision(context, "s3:PutObject", log)
    if put != "allowed":
        yield Finding.of(faults.WRITER_MAY_NOT, decision=put)
    table = _arn(outputs, "dynamodb", f"table/{outputs.buffer}")
    for action, resource in (
        ("s3:GetObject", log),
        ("s3:DeleteObject", log),
        ("s3:ListBucket", bucket),
        ("s3:PutObject", f"{bucket}/{RESULTS_PREFIX}x"),
        ("dynamodb:Query", table),
        ("dynamodb:DeleteItem", table),
        ("lambda:InvokeFunction", _arn(outputs, "lambda", f"function:{outputs.flusher}")),
    ):
        if _decision(context, action, resource) == "allowed":
            yield Finding.of(faults.WRITER_MAY_MORE, action=action, resource=resource, user=user)
    decisions = {action: _decision(context, action, resource) for action, resource in _outside_receiver(outputs)}
    allowed = [action for action, decision in decisions.items() if decision == "allowed"]
    if missing := [action for action in decisions if action not in allowed] if allowed else []:
        yield Finding.of(faults.WRITER_MAY_HALF, allowed=", ".join(allowed), missing=", ".join(missing))
    more = " and run a receiver" if allowed else ""
    return f"{user} can put log objects{more}, but not read or delete them"


def _outside_receiver(outputs: Outputs) -> list[tuple[str, str]]:
    """What a receiver outside Lambda does beside putting log objects, by policies.outside_receiver."""
    policy = policies.outside_receiver(
        outputs.bucket_arn,
        _arn(outputs, "ssm", f"parameter{outputs.parameter_prefix}{names.token_hashes(outputs.apps[0])}"),
        _arn(outputs, "sqs", outputs.spill_queue.rpartition("/")[2]),
        _arn(outputs, "dynamodb", f"table/{outputs.buffer}"),
    )
    # Without a context a simulation denies what has a condition.
    return [
        (action, statement["Resource"])
        for statement in policy["Statement"]
        if "Condition" not in statement
        for action in ([statement["Action"]] if isinstance(statement["Action"], str) else statement["Action"])
    ]


def _arn(outputs: Outputs, service: str, name: str) -> str:
    return f"arn:{outputs.partition}:{service}:{outputs.region}:{outputs.account_id}:{name}"


def _decision(context: Context, action: str, resource: str) -> str:
    iam = context.break_glass.client("iam")
    with explained():
        answer = iam.simulate_principal_policy(
            PolicySourceArn=context.outputs.writer_user_arn, ActionNames=[action], ResourceArns=[resource]
        )
    return str(answer["EvaluationResults"][0]["EvalDecision"])


def reader(context: Context) -> Findings:
    """Read the trust policies of the reader role and the restorer role, and assume the first.

    The second may trust others than who runs the doctor.
    """
    arn = context.outputs.reader_role_arn
    role = _name(arn)
    trusted = yield from _trusted(context, arn)
    yield from _trusted(context, context.outputs.restorer_role_arn)
    if not trusted:
        return ""
    try:
        context.break_glass.role(arn).client("sts").get_caller_identity()
    except Exception as error:
        denied = aws.explain(error)
        if not isinstance(denied, Denied) or _me(context) not in trusted:
            raise
        yield Finding.of(faults.READER_REFUSED, role=role, reason=denied)
    return f"you and {', '.join(trusted)} can assume {role}"


def _trusted(context: Context, arn: str) -> Generator[Finding, None, list[str]]:
    """Give whom a role trusts; find that it does not exist, or trusts principals that are deleted."""
    iam = context.break_glass.client("iam")
    with explained():
        try:
            trust = iam.get_role(RoleName=_name(arn))["Role"]["AssumeRolePolicyDocument"]
        except iam.exceptions.NoSuchEntityException:
            yield Finding.of(faults.READER_MISSING, role=arn)
            return []
    trusted = list(_principals(trust))
    # IAM stores a principal's unique id and shows it instead of the ARN once the principal is deleted ("AWS JSON policy
    # elements: Principal").
    if orphans := [principal for principal in trusted if not principal.startswith("arn:")]:
        yield Finding.of(faults.READER_ORPHANED, role=_name(arn), principal=", ".join(orphans))
        return []
    return trusted


def _name(arn: str) -> str:
    return arn.rpartition("/")[2]


def _me(context: Context) -> str:
    return str(context.break_glass.client("sts").get_caller_identity()["Arn"])


def _principals(trust: Any) -> Iterator[str]:
    """Principals, and patterns of them; for a pattern the principal is its account (policies.assumable_by)."""
    for statement in trust["Statement"]:
        patterns = statement.get("Condition", {}).get("ArnLike", {}).get("aws:PrincipalArn")
        principals = patterns or statement.get("Principal", {}).get("AWS", [])
        yield from [principals] if isinstance(principals, str) else principals
