"""The stack's outputs: the program exports them, the docs list them, the operator's tools parse them.

None of them is a secret.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any, Self

from contract.drain_url import DRAIN_PATH
from contract.object_keys import APP_NAME
from contract.principals import Principals

# Athena user guide, "Name databases, tables, and columns": these stand in SQL as they are.
_SQL_NAME = re.compile(r"[a-z_][a-z0-9_]{0,127}")
_SQL_NAMES = ("database", "table", "view")
_ARNS = ("breakGlassArns", "deployerArns")
_SAVE = "save the outputs with `pulumi stack output --json`"


class InvalidOutputs(ValueError):
    """A text that does not hold the outputs of a stack, in one line that says what to do."""


def _output(meaning: str) -> Any:
    return field(metadata={"meaning": meaning})


@dataclass(frozen=True)
class Outputs:
    """All outputs. The stack's name of `reader_role_arn` is `readerRoleArn`, and so on."""

    bucket: str = _output("Name of the archive's bucket.")
    endpoint: str = _output("URL of the drain endpoint, without app and token.")
    reader_role_arn: str = _output("ARN of the role that operators assume to query.")
    restorer_role_arn: str = _output("ARN of the role that restores logs from Glacier; the runbook assumes it.")
    writer_user_arn: str = _output("ARN of the user whose credentials a receiver outside Lambda has.")
    break_glass_arns: tuple[str, ...] = _output(
        "ARNs, or ARN patterns, of the principals that may assume the reader role."
    )
    deployer_arns: tuple[str, ...] = _output("ARNs, or ARN patterns, of the principals that deploy the stack.")
    workgroup: str = _output("Athena workgroup that holds the saved queries.")
    database: str = _output("Glue database of the table and the view.")
    table: str = _output("Glue table: every stored line.")
    view: str = _output("Glue view: the router's lines, with types.")
    apps: tuple[str, ...] = _output("Names of the Heroku apps whose logs are kept.")
    retired_apps: tuple[str, ...] = _output("Names of the apps that no longer drain and can still be queried.")
    parameter_prefix: str = _output("Path of the SSM parameters, with its trailing slash.")
    buffer: str = _output("Name of the DynamoDB table in which batches wait for the flusher.")
    flusher: str = _output("Name of the flusher's Lambda function; its log group is /aws/lambda/ and this.")
    flush_minutes: int = _output("Length of a slot in minutes; each app has one object per slot.")
    spill_queue: str = _output("URL of the queue that takes batches while the buffer does not.")
    dead_letter_queue: str = _output("URL of the queue for spilled batches that the buffer did not take for days.")
    receiver: str = _output("Name of the receiver's Lambda function; its log group is /aws/lambda/ and this.")
    name_prefix: str = _output("Beginning of the names of the functions, of what they use, and of the queues.")
    region: str = _output("Region of everything in AWS.")
    project: str = _output("Name of the Pulumi project.")
    stack: str = _output("Name of the Pulumi stack.")
    drains_enabled: bool = _output("Whether the apps drain; false after an emergency stop.")
    archive_after_days: int = _output("Days after which logs move to Glacier.")
    expire_after_days: int = _output("Days after which logs are deleted.")
    results_expire_after_days: int = _output("Days after which Athena's results are deleted.")
    silence_hours: int = _output("Hours without a line after which an app counts as silent.")
    silence_hours_by_app: Mapping[str, int] = _output("The same for apps that have their own; 0 if one may be silent.")
    alarm_topic_arn: str = _output("ARN of the SNS topic to which alarms and budget send.")
    dashboard: str = _output("URL of the dashboard.")
    budget_usd: int = _output("US dollars that a month may cost.")

    @classmethod
    def parse(cls, text: str, source: str) -> Self:
        """Read the JSON object of all outputs; InvalidOutputs names `source` and what is wrong there."""
        try:
            values = json.loads(text)
        except ValueError as error:
            raise InvalidOutputs(f"{source} is not valid JSON ({error}): {_SAVE}") from None
        if not isinstance(values, dict):
            raise InvalidOutputs(f"{source} is not a JSON object of outputs: {_SAVE}")
        if missing := [name for name in MEANINGS if name not in values]:
            raise InvalidOutputs(
                f"{source} lacks {', '.join(missing)}: it is from another version of the stack, or from another stack; "
                "deploy this version, or run the runbook of that one"
            )
        if wrong := [name for name, kind in _KINDS.items() if not _is_valid(name, kind, values[name])]:
            raise InvalidOutputs(f"{source} has values that are not valid for {', '.join(wrong)}: {_SAVE}")
        known: dict[str, Any] = {each.name: values[output_name(each.name)] for each in fields(cls)}
        lists: dict[str, Any] = {name: tuple(value) for name, value in known.items() if isinstance(value, list)}
        return cls(**{**known, **lists})

    @property
    def all_apps(self) -> tuple[str, ...]:
        """The apps that can be queried: those that drain, then those that are retired."""
        return self.apps + self.retired_apps

    def silence_of(self, app: str) -> int:
        """Hours without a line after which an app counts as silent; 0 if it may be silent."""
        return self.silence_hours_by_app.get(app, self.silence_hours)

    def by_name(self) -> dict[str, Any]:
        """All outputs by the stack's names of them."""
        return exported(**vars(self))

    @property
    def principals(self) -> Principals:
        """Whom the stack's policies name."""
        return Principals(
            partition=self.partition,
            account=self.account_id,
            name_prefix=self.name_prefix,
            reader_role=self.reader_role_arn.rpartition("/")[2],
            writer_user=self.writer_user_arn.rpartition("/")[2],
            break_glass=self.break_glass_arns,
            deployers=self.deployer_arns,
        )

    @property
    def partition(self) -> str:
        """AWS's partition, as ARNs have it."""
        return self.reader_role_arn.split(":")[1]

    @property
    def account_id(self) -> str:
        """The account of the stack."""
        return self.reader_role_arn.split(":")[4]

    @property
    def bucket_arn(self) -> str:
        """ARN of the archive's bucket."""
        return f"arn:{self.partition}:s3:::{self.bucket}"

    @property
    def stage_url(self) -> str:
        """The endpoint without its path: the beginning of drain URLs."""
        return self.endpoint.removesuffix(DRAIN_PATH)


def output_name(field_name: str) -> str:
    """Give the stack's name of a field: readerRoleArn for reader_role_arn."""
    return re.sub(r"_(.)", lambda found: found[1].upper(), field_name)


# By the stack's names.
MEANINGS: Mapping[str, str] = {output_name(each.name): each.metadata["meaning"] for each in fields(Outputs)}
_KINDS = {output_name(each.name): each.type for each in fields(Outputs)}


def exported(**values: Any) -> dict[str, Any]:
    """Give values of all fields, which need not be known yet, by the stack's names; TypeError unless it is all."""
    given = {output_name(name): value for name, value in values.items()}
    if given.keys() != MEANINGS.keys():
        raise TypeError(f"missing or unknown outputs: {', '.join(sorted(given.keys() ^ MEANINGS.keys()))}")
    return given


def _is_valid(name: str, kind: object, value: object) -> bool:
    if name in ("apps", "retiredApps"):
        return isinstance(value, list) and all(map(_is_app, value)) and (bool(value) or name == "retiredApps")
    if name in _ARNS:
        return isinstance(value, list) and all(isinstance(arn, str) and arn.startswith("arn:") for arn in value)
    if name == "silenceHoursByApp":
        return isinstance(value, dict) and all(_is_app(app) and type(hours) is int for app, hours in value.items())
    if name in _SQL_NAMES:
        return isinstance(value, str) and _SQL_NAME.fullmatch(value) is not None
    return type(value) is kind and value != ""


def _is_app(value: object) -> bool:
    return isinstance(value, str) and APP_NAME.fullmatch(value) is not None
