"""Copies of AWS's policies are renewed from IAM."""

import json
from datetime import UTC, datetime
from pathlib import Path
from shutil import copytree
from typing import Any

from tools.access import managed_policies
from tools.access.renew_managed_policies import renew

DOCUMENT = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "a4b:Get*", "Resource": "*"}]}


class Iam:
    """IAM with a newer version of ReadOnlyAccess, and the same of all others."""

    def get_policy(self, PolicyArn: str) -> dict[str, Any]:  # noqa: N803
        name = PolicyArn.rpartition("/")[2]
        version = "v999" if name == "ReadOnlyAccess" else managed_policies.managed_policy(name).version
        return {"Policy": {"DefaultVersionId": version}}

    def get_policy_version(self, PolicyArn: str, VersionId: str) -> dict[str, Any]:  # noqa: N803
        return {"PolicyVersion": {"Document": DOCUMENT, "CreateDate": datetime(2030, 1, 2, tzinfo=UTC)}}


def test_only_a_newer_version_is_written(tmp_path: Path) -> None:
    folder = copytree(managed_policies.FOLDER, tmp_path / "policies")
    before = {path.name: path.read_text() for path in folder.glob("*.json")}
    assert renew(Iam(), folder) == ["ReadOnlyAccess"]
    after = {path.name: path.read_text() for path in folder.glob("*.json")}
    assert {name for name in after if after[name] != before[name]} == {"ReadOnlyAccess.json"}
    written = json.loads(after["ReadOnlyAccess.json"])
    assert (written["version"], written["created"], written["document"]) == ("v999", "2030-01-02", DOCUMENT)
