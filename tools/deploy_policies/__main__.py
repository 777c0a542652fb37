"""Writes the policies of the roles that deploy, preview and compare a stack: `python -m tools.deploy_policies`."""

import argparse
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml

from infra.settings import Settings
from tools.deploy_policies.documents import (
    EXAMPLE_ACCOUNT,
    EXAMPLE_STATE_BUCKET,
    EXAMPLE_STATE_KEY,
    PROJECT,
    Names,
    Role,
    documents,
)

_FOLDER = Path(__file__).parent.parent.parent
REFERENCE = _FOLDER / "docs" / "reference"


def files(names: Names) -> dict[str, str]:
    """The documents by file name; a role that has several has `deploy-policy-1.json` and so on."""
    found = {}
    for role in Role:
        made = documents(role, names)
        for number, policy in enumerate(made, 1):
            name = role.value if len(made) == 1 else f"{role.value}-{number}"
            found[f"{name}.json"] = json.dumps(policy, indent=2) + "\n"
    return found


def settings_of(stack: str) -> Settings:
    """Read the settings of `Pulumi.<stack>.yaml`; InvalidSettings, OSError. Encrypted values name nothing."""
    content = yaml.safe_load((_FOLDER / f"Pulumi.{stack}.yaml").read_text(encoding="utf-8"))
    config = {key: _text(value) for key, value in content["config"].items() if not _is_secret(value)}
    return Settings.read(PROJECT, config.get, config)


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def _is_secret(value: Any) -> bool:
    return isinstance(value, dict) and "secure" in value


def main(arguments: Sequence[str] | None = None) -> None:
    """Write the files, in place of those of an earlier run."""
    parser = argparse.ArgumentParser(prog="python -m tools.deploy_policies", description=__doc__)
    parser.add_argument("--stack", default="prod", help="stack whose settings name the resources")
    parser.add_argument("--account", default=EXAMPLE_ACCOUNT, help="id of the AWS account")
    parser.add_argument("--state-bucket", default=EXAMPLE_STATE_BUCKET, help="bucket of Pulumi's state")
    parser.add_argument("--state-key", default=EXAMPLE_STATE_KEY, help="alias of the KMS key of the state")
    parser.add_argument("--partition", default="aws", help="aws, aws-cn or aws-us-gov")
    parser.add_argument("--to", type=Path, default=REFERENCE, help="folder to write to")
    given = parser.parse_args(arguments)
    settings = settings_of(given.stack)
    names = Names.of(settings, given.stack, given.account, given.state_bucket, given.state_key, given.partition)
    given.to.mkdir(parents=True, exist_ok=True)
    for role in Role:
        for old in given.to.glob(f"{role.value}*.json"):
            old.unlink()
    for name, text in files(names).items():
        (given.to / name).write_text(text, encoding="utf-8")
        print(given.to / name)


if __name__ == "__main__":
    main()
