"""The stack's outputs, by which the runbook finds everything: from SSM, or from a file."""

import json
import re
import sys
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from contract.drain_url import DRAIN_PATH
from contract.object_keys import APP_NAME
from runbook.errors import RunbookError

if TYPE_CHECKING:
    from mypy_boto3_ssm import SSMClient

# Athena user guide, "Name databases, tables, and columns": these stand in SQL as they are.
_SQL_NAME = re.compile(r"[a-z_][a-z0-9_]{0,127}")
_SQL_NAMES = ("database", "table", "view")
_SAVE = "save them with `pulumi stack output --json`"


@dataclass(frozen=True)
class Outputs:
    """All outputs; what each means is `infra.outputs.MEANINGS`, where readerRoleArn is what is reader_role_arn here."""

    bucket: str
    endpoint: str
    reader_role_arn: str
    writer_user_arn: str
    workgroup: str
    database: str
    table: str
    view: str
    apps: tuple[str, ...]
    parameter_prefix: str
    spill_queue: str
    dead_letter_queue: str
    receiver: str
    name_prefix: str
    region: str
    project: str
    stack: str
    drains_enabled: bool
    archive_after_days: int
    expire_after_days: int
    results_expire_after_days: int
    silence_hours: int
    budget_usd: int

    @classmethod
    def parse(cls, text: str, source: str) -> Self:
        """Read the JSON object of all outputs; RunbookError names `source` and what is wrong there."""
        try:
            values = json.loads(text)
        except ValueError as error:
            raise RunbookError(f"{source} holds no JSON ({error}): {_SAVE}") from None
        if not isinstance(values, dict):
            raise RunbookError(f"{source} holds no JSON object of outputs: {_SAVE}")
        names = {field.name: output_name(field.name) for field in fields(cls)}
        if missing := [name for name in names.values() if name not in values]:
            raise RunbookError(
                f"{source} lacks {', '.join(missing)}: it is of another version of the stack, or of another stack; "
                "deploy this version, or run the runbook of that one"
            )
        found: dict[str, Any] = {field: values[name] for field, name in names.items()}
        _check(found, source)
        return cls(**{**found, "apps": tuple(found["apps"])})

    @property
    def partition(self) -> str:
        """AWS's partition, as ARNs have it."""
        return self.reader_role_arn.split(":")[1]

    @property
    def bucket_arn(self) -> str:
        """ARN of the archive's bucket."""
        return f"arn:{self.partition}:s3:::{self.bucket}"

    @property
    def stage_url(self) -> str:
        """The endpoint without its path, as drain URLs are made of it."""
        return self.endpoint.removesuffix(DRAIN_PATH)

    def check_app(self, app: str) -> str:
        """Give the app back; RunbookError names the apps of the stack when it is none of them."""
        if app not in self.apps:
            raise RunbookError(f"{app!r} is no app of this stack: it has {', '.join(self.apps)}")
        return app


def output_name(field: str) -> str:
    """Give the stack's name of a field: readerRoleArn for reader_role_arn."""
    return re.sub(r"_(.)", lambda found: found[1].upper(), field)


def output_names(outputs: Outputs) -> dict[str, Any]:
    """All outputs by the stack's names of them."""
    return {output_name(field.name): getattr(outputs, field.name) for field in fields(outputs)}


def from_file(path: str) -> Outputs:
    """Read the outputs from a file, or from standard input for `-`."""
    if path == "-":
        return Outputs.parse(sys.stdin.read(), "standard input")
    try:
        text = Path(path).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or error
        raise RunbookError(f"cannot read {path} ({reason}): {_SAVE} > {path}") from None
    return Outputs.parse(text, path)


def from_ssm(ssm: "SSMClient", prefix: str) -> Outputs:
    """Read the outputs from the parameter `<prefix>outputs`; RunbookError when it is not there."""
    name = f"{prefix}outputs"
    try:
        text = ssm.get_parameter(Name=name)["Parameter"]["Value"]
    except ssm.exceptions.ParameterNotFound:
        raise RunbookError(
            f"there is no SSM parameter {name} in {ssm.meta.region_name}: set --region or --prefix to the stack's, "
            "or deploy the stack"
        ) from None
    return Outputs.parse(text, f"the SSM parameter {name}")


def _check(values: Mapping[str, Any], source: str) -> None:
    """RunbookError for a value that is not of its kind; names that stand in SQL must be ones that need no quotes."""
    apps = values["apps"]
    kinds = {field.name: field.type for field in fields(Outputs)}
    wrong = [
        output_name(field)
        for field, value in values.items()
        if field != "apps" and not (type(value) is kinds[field] and value != "")
    ]
    wrong += [field for field in _SQL_NAMES if field not in wrong and not _SQL_NAME.fullmatch(values[field])]
    if not (isinstance(apps, list) and apps and all(isinstance(app, str) and APP_NAME.fullmatch(app) for app in apps)):
        wrong.append("apps")
    if wrong:
        raise RunbookError(f"{source} has values that no stack of ours has, of {', '.join(wrong)}: {_SAVE}")
