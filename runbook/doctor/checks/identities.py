"""The writer user and the reader role: what they may, and who may become one."""

from collections.abc import Iterator
from typing import Any

from contract.object_keys import LOGS_PREFIX, RESULTS_PREFIX
from runbook.clients import aws
from runbook.doctor import faults
from runbook.doctor.examination import Examination, Finding, Surroundings, explained
from runbook.errors import Denied

_EXAMPLE_KEY = "2026/01/01/1767225600000-00000000-0000-5000-8000-000000000000.gz"


def writer(surroundings: Surroundings) -> Examination:
    """Ask IAM what the writer user's own policies allow; the bucket's policy is a check of its own."""
    outputs = surroundings.outputs
    user, bucket = outputs.writer_user_arn.rpartition("/")[2], outputs.bucket_arn
    log = f"{bucket}/{LOGS_PREFIX}{outputs.apps[0]}/{_EXAMPLE_KEY}"
    put = _decision(surroundings, "s3:PutObject", log)
    if put != "allowed":
        yield Finding.of(faults.WRITER_MAY_NOT, decision=put)
    for action, resource in (
        ("s3:GetObject", log),
        ("s3:DeleteObject", log),
        ("s3:ListBucket", bucket),
        ("s3:PutObject", f"{bucket}/{RESULTS_PREFIX}x"),
    ):
        if _decision(surroundings, action, resource) == "allowed":
            yield Finding.of(faults.WRITER_MAY_MORE, action=action, resource=resource, user=user)
    return f"{user} may put log objects and nothing else in the bucket"


def _decision(surroundings: Surroundings, action: str, resource: str) -> str:
    iam = surroundings.break_glass.client("iam")
    with explained():
        answer = iam.simulate_principal_policy(
            PolicySourceArn=surroundings.outputs.writer_user_arn, ActionNames=[action], ResourceArns=[resource]
        )
    return str(answer["EvaluationResults"][0]["EvalDecision"])


def reader(surroundings: Surroundings) -> Examination:
    """Look at the reader role, and assume it."""
    arn = surroundings.outputs.reader_role_arn
    role = arn.rpartition("/")[2]
    iam = surroundings.break_glass.client("iam")
    with explained():
        try:
            trust = iam.get_role(RoleName=role)["Role"]["AssumeRolePolicyDocument"]
        except iam.exceptions.NoSuchEntityException:
            yield Finding.of(faults.READER_MISSING, role=arn)
            return ""
    trusted = list(_principals(trust))
    # IAM keeps a principal's unique id, and shows that in place of the ARN of one that was deleted ("AWS JSON policy
    # elements: Principal").
    if orphans := [principal for principal in trusted if not principal.startswith("arn:")]:
        yield Finding.of(faults.READER_ORPHANED, principal=", ".join(orphans))
        return ""
    try:
        surroundings.break_glass.role(arn).client("sts").get_caller_identity()
    except Exception as error:
        denied = aws.explain(error)
        if not isinstance(denied, Denied) or _me(surroundings) not in trusted:
            raise
        yield Finding.of(faults.READER_REFUSED, role=role, reason=denied)
    return f"{role} can be assumed by you, and by {', '.join(trusted)}"


def _me(surroundings: Surroundings) -> str:
    return str(surroundings.break_glass.client("sts").get_caller_identity()["Arn"])


def _principals(trust: Any) -> Iterator[str]:
    for statement in trust["Statement"]:
        principals = statement.get("Principal", {}).get("AWS", [])
        yield from [principals] if isinstance(principals, str) else principals
