"""Renews the policies that AWS manages: `python -m tools.access.renew_managed_policies`, with any credentials of AWS.

It calls `iam:GetPolicy` and `iam:GetPolicyVersion`, which AWS's ReadOnlyAccess and SecurityAudit allow.
"""

import json
from pathlib import Path
from typing import Any

import boto3

from tools.access.managed_policies import FOLDER, managed_policy


def renewed(iam: Any, arn: str) -> dict[str, Any]:
    """The default version of a policy, as its file has it."""
    version = iam.get_policy(PolicyArn=arn)["Policy"]["DefaultVersionId"]
    found = iam.get_policy_version(PolicyArn=arn, VersionId=version)["PolicyVersion"]
    created = f"{found['CreateDate']:%Y-%m-%d}"
    return {"arn": arn, "version": version, "created": created, "source": "AWS IAM", "document": found["Document"]}


def renew(iam: Any, folder: Path = FOLDER) -> list[str]:
    """Write every policy that has a newer version; the names of those."""
    changed = []
    for path in sorted(folder.glob("*.json")):
        before = managed_policy(path.stem)
        after = renewed(iam, before.arn)
        if after["version"] != before.version:
            path.write_text(json.dumps(after, indent=1) + "\n", encoding="utf-8")
            changed.append(before.name)
    return changed


if __name__ == "__main__":
    print("renewed:", ", ".join(renew(boto3.client("iam"))) or "none")
