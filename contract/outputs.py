"""The stack's outputs: the program exports them, the docs list them, the operator's tools parse them.

None of them is a secret.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING, Any, NamedTuple, Self

from contract.drain_url import DRAIN_PATH
from contract.output_values import is_valid
from contract.principals import Principals

_SAVE = "save the outputs with `pulumi stack output --json`, or give the RUNBOOK.md of the stack"
_UPDATE = "deploy this version of the stack, or run the version of hla that belongs to these outputs"
# Each has the account of the stack. Any will do, so that no command needs one of them for the account alone.
_OWN_ARNS = ("reader_role_arn", "restorer_role_arn", "writer_user_arn", "alarm_topic_arn")


class InvalidOutputs(ValueError):
    """Outputs that cannot be used, in one line that says which, where they are from, and what to do."""


class _Unusable(NamedTuple):
    """By field, what is wrong with the outputs that are missing or invalid; `error` is raised for their use."""

    problems: Mapping[str, str]
    error: type[Exception]


def _output(meaning: str) -> Any:
    return field(metadata={"meaning": meaning})


@dataclass(frozen=True)
class Outputs:
    """All outputs. The stack's name of `reader_role_arn` is `readerRoleArn`, and so on.

    Outputs that were parsed can lack some: using one that is missing or invalid raises an error that names it.
    """

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
    def parse(cls, text: str, source: str, error: type[Exception] = InvalidOutputs) -> Self:
        """Read a JSON object of outputs, and ignore those that are unknown.

        Raises `error`, which names `source`, if the text is not such an object, and later for each use of an output
        that is missing or invalid.
        """
        values = _object(text, source, error)
        if not values.keys() & MEANINGS.keys():
            raise error(f"{source} has no outputs of this project: {_SAVE}")
        outputs = cls.__new__(cls)
        problems = {}
        for each in fields(cls):
            name = output_name(each.name)
            if name not in values:
                problems[each.name] = f"{source} has no output {name}: {_UPDATE}"
            elif not is_valid(name, values[name]):
                problems[each.name] = f"{source} has an invalid value for the output {name}: {_UPDATE}"
            else:
                value = values[name]
                object.__setattr__(outputs, each.name, tuple(value) if isinstance(value, list) else value)
        if problems:
            # Not a field, so that it is not an output.
            object.__setattr__(outputs, "_unusable", _Unusable(problems, error))
        return outputs

    if not TYPE_CHECKING:

        def __getattr__(self, name: str) -> Any:
            # Only called for what is not set.
            unusable = vars(self).get("_unusable")
            if unusable and name in unusable.problems:
                raise unusable.error(unusable.problems[name])
            raise AttributeError(name)

    def __repr__(self) -> str:
        return f"Outputs({self.by_name()})"

    def has(self, name: str) -> bool:
        """Whether an output, by its field's name, can be used."""
        return name in vars(self)

    @property
    def problems(self) -> tuple[str, ...]:
        """What is wrong with the outputs that cannot be used, in one line each."""
        unusable: _Unusable | None = vars(self).get("_unusable")
        return tuple(unusable.problems.values()) if unusable else ()

    @property
    def all_apps(self) -> tuple[str, ...]:
        """The apps that can be queried: those that drain, then those that are retired."""
        return self.apps + self.retired_apps

    def silence_of(self, app: str) -> int:
        """Hours without a line after which an app counts as silent; 0 if it may be silent."""
        return self.silence_hours_by_app.get(app, self.silence_hours)

    def by_name(self) -> dict[str, Any]:
        """All outputs that can be used, by the stack's names of them."""
        return {output_name(each.name): getattr(self, each.name) for each in fields(self) if self.has(each.name)}

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
        return self._own_arn.split(":")[1]

    @property
    def account_id(self) -> str:
        """The account of the stack."""
        return self._own_arn.split(":")[4]

    @property
    def _own_arn(self) -> str:
        return str(getattr(self, next(filter(self.has, _OWN_ARNS), _OWN_ARNS[0])))

    @property
    def bucket_arn(self) -> str:
        """ARN of the archive's bucket."""
        return f"arn:{self.partition}:s3:::{self.bucket}"

    @property
    def stage_url(self) -> str:
        """The endpoint without its path: the beginning of drain URLs."""
        return self.endpoint.removesuffix(DRAIN_PATH)

    @property
    def knows_endpoint(self) -> bool:
        """Whether the endpoint is that of a deployment; before one it holds a placeholder, `<api-id>`."""
        return "<" not in self.endpoint


def output_name(field_name: str) -> str:
    """Give the stack's name of a field: readerRoleArn for reader_role_arn."""
    return re.sub(r"_(.)", lambda found: found[1].upper(), field_name)


# By the stack's names.
MEANINGS: Mapping[str, str] = {output_name(each.name): each.metadata["meaning"] for each in fields(Outputs)}


def exported(**values: Any) -> dict[str, Any]:
    """Give values of all fields, which need not be known yet, by the stack's names; TypeError unless it is all."""
    given = {output_name(name): value for name, value in values.items()}
    if given.keys() != MEANINGS.keys():
        raise TypeError(f"missing or unknown outputs: {', '.join(sorted(given.keys() ^ MEANINGS.keys()))}")
    return given


def _object(text: str, source: str, error: type[Exception]) -> dict[str, Any]:
    try:
        values = json.loads(text)
    except (ValueError, RecursionError) as wrong:
        raise error(f"{source} is not valid JSON ({wrong}): {_SAVE}") from None
    if not isinstance(values, dict):
        raise error(f"{source} is not a JSON object of outputs: {_SAVE}")
    return values
