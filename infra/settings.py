"""The stack's settings: the only module that reads its configuration. Each has a type, a default and a check."""

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import Field, dataclass, field, fields
from difflib import get_close_matches
from typing import Any, NamedTuple, Self
from uuid import UUID

import pulumi
from pulumi.runtime.config import CONFIG

from contract import names, router_view
from contract.object_keys import APP_NAME
from contract.slots import DEFAULT_MINUTES, LENGTHS

PRODUCTION = "prod"
# Names of 100 apps are up to 3,099 of the 4,096 characters of a function's environment ("Lambda quotas").
_MOST_APPS = 100
# SSM takes 8,192 characters, and the other outputs have at most 2,600.
_MOST_OUTPUTS = 5500
_AWS_REGION = "aws:region"
# Former settings, and what to do instead.
_REPLACED = {"breakGlassArn": "set breakGlassArns, a list: pulumi config set --path 'breakGlassArns[0]' <arn>"}


class InvalidSettings(pulumi.RunError):
    """Settings that cannot be deployed; the message names every key, its value and what is allowed."""


class Rule(NamedTuple):
    """What a setting means and allows; each field of Settings has one as `metadata["rule"]`."""

    default: Any
    meaning: str
    allowed: str
    check: Callable[[Any], bool]
    key: str | None = None  # None: the field's name in camelCase
    elsewhere: Any = None  # the default in other environments than prod, with {environment} in it; None: the same


def _setting(
    default: Any,
    meaning: str,
    allowed: str,
    check: Callable[[Any], bool],
    key: str | None = None,
    elsewhere: Any = None,
) -> Any:
    rule = Rule(default, meaning, allowed, check, key, elsewhere)
    return field(default_factory=lambda: default, metadata={"rule": rule})


def _matches(pattern: str) -> Callable[[str], bool]:
    return lambda text: re.fullmatch(pattern, text, re.ASCII) is not None


def _between(least: int, most: int) -> Callable[[int], bool]:
    return lambda number: least <= number <= most


def _all(check: Callable[[str], bool]) -> Callable[[tuple[str, ...]], bool]:
    return lambda texts: all(map(check, texts))


def _is_email(text: str) -> bool:
    return re.fullmatch(r"[^@\s]+@[^@\s]+\.[^@\s]+", text) is not None


def _is_https(text: str) -> bool:
    return re.fullmatch(r"https://[!-~]+", text) is not None


def _is_silence(hours: str) -> bool:
    return re.fullmatch(r"\d{1,3}", hours, re.ASCII) is not None and int(hours) <= 168


def _is_tag(key: str, value: str) -> bool:
    return re.fullmatch(r"(?!aws:)[\w .:/=+@-]{1,128}", key) is not None and bool(
        re.fullmatch(r"[\w .:/=+@-]{0,256}", value)
    )


def _is_uuid(text: str) -> bool:
    try:
        return str(UUID(text)) == text
    except ValueError:
        return False


def _is_bucket_name(name: str) -> bool:
    """Check the rules of "General purpose bucket naming rules" that a name can break by mistake."""
    return (
        re.fullmatch(r"[a-z0-9][a-z0-9-]{1,61}[a-z0-9]", name) is not None
        and not name.startswith(("xn--", "sthree-", "amzn-s3-demo-"))
        and not name.endswith(("-s3alias", "--ol-s3", "--x-s3", "--table-s3"))
    )


def _are_apps(apps: tuple[str, ...]) -> bool:
    return 1 <= len(apps) <= _MOST_APPS and len(set(apps)) == len(apps) and all(map(APP_NAME.fullmatch, apps))


def _are_principals(arns: tuple[str, ...]) -> bool:
    return len(set(arns)) == len(arns) and all(map(_matches(_PRINCIPAL), arns))


_IAM_NAME = r"[\w+=,.@-]{1,64}"
_PRINCIPAL = r"arn:aws[a-z-]*:iam::\d{12}:(user/[\w+=,.@/-]+|role/(?!\*+$)[\w+=,.@/*-]+)"
_GLUE_NAME = r"[a-z_][a-z0-9_]{0,127}"


@dataclass(frozen=True)
class Settings:
    """What `Pulumi.<stack>.yaml` can contain. The field `bucket_name` is the setting `bucketName` of the project."""

    region: str = _setting(
        "us-east-1",
        "Region of everything in AWS.",
        "a region such as us-east-1",
        _matches(r"[a-z]{2}(-[a-z]+)+-\d"),
        key=_AWS_REGION,
    )
    environment: str = _setting(
        PRODUCTION,
        "What the stack is for. The default names of all that it declares follow from it, so that several stacks can "
        "be in one account.",
        "1 to 15 of a-z and 0-9, beginning with a letter",
        _matches(r"[a-z][a-z0-9]{0,14}"),
    )
    allowed_account_ids: tuple[str, ...] = _setting(
        (),
        "AWS accounts to which the stack may be deployed. In the environment `prod` it must name one; elsewhere an "
        "empty list allows any account.",
        "account ids of 12 digits; in the file, put an id that begins with 0 in quotes",
        _all(_matches(r"\d{12}")),
    )
    tags: Mapping[str, str] = _setting(
        {"project": "heroku-log-archive"},
        "Tags for every AWS resource that supports tags.",
        "at most 40 tags: a key of 1 to 128 characters that does not begin with aws:, a value of up to 256; in the "
        "file, put a fraction in quotes",
        lambda tags: len(tags) <= 40 and all(_is_tag(key, value) for key, value in tags.items()),
    )
    apps: tuple[str, ...] = _setting(
        ("raxx-api-prod", "raxx-console-prod", "raxx-velvet-prod"),
        "Heroku apps whose logs are kept.",
        f"1 to {_MOST_APPS} different Heroku app names (3 to 30 of a-z, 0-9 and '-', beginning with a letter)",
        _are_apps,
        elsewhere=("raxx-api-{environment}", "raxx-console-{environment}", "raxx-velvet-{environment}"),
    )
    retired_apps: tuple[str, ...] = _setting(
        (),
        "Apps that no longer drain. What is stored of them can still be queried.",
        f"up to {_MOST_APPS} different Heroku app names, none of them in `apps`",
        lambda apps: not apps or _are_apps(apps),
    )
    app_ids: Mapping[str, str] = _setting(
        {},
        "UUIDs by app, for apps that the Heroku API key may not read. The other apps are looked up.",
        "app name: UUID in lower case",
        lambda ids: all(APP_NAME.fullmatch(app) and _is_uuid(value) for app, value in ids.items()),
    )
    bucket_name: str = _setting(
        "raxx-heroku-logs-prod",
        "Bucket of the archive.",
        "3 to 63 of a-z, 0-9 and '-', beginning and ending with a letter or digit",
        _is_bucket_name,
        elsewhere="raxx-heroku-logs-{environment}",
    )
    database_name: str = _setting(
        "raxx_heroku_logs",
        "Glue database.",
        "1 to 128 of a-z, 0-9 and '_', not beginning with a digit",
        _matches(_GLUE_NAME),
        elsewhere="raxx_heroku_logs_{environment}",
    )
    table_name: str = _setting(
        "syslog",
        "Glue table of the lines.",
        "1 to 128 of a-z, 0-9 and '_', not beginning with a digit",
        _matches(_GLUE_NAME),
    )
    workgroup_name: str = _setting(
        "raxx-log-queries",
        "Athena workgroup.",
        "1 to 128 of letters, digits and '.', '_', '-'",
        _matches(r"[a-zA-Z0-9._-]{1,128}"),
        elsewhere="raxx-log-queries-{environment}",
    )
    name_prefix: str = _setting(
        "raxx-log",
        "Beginning of the names of the functions, of what they use, and of the queues.",
        "3 to 40 of a-z, 0-9 and '-', beginning with a letter, ending with a letter or digit",
        _matches(r"[a-z][a-z0-9-]{1,38}[a-z0-9]"),
        elsewhere="raxx-log-{environment}",
    )
    reader_role_name: str = _setting(
        names.DEFAULT_READER_ROLE,
        "Role that operators assume to query.",
        "an IAM name: 1 to 64 of letters, digits and '+=,.@_-'",
        _matches(_IAM_NAME),
        elsewhere=f"{names.DEFAULT_READER_ROLE}-{{environment}}",
    )
    restorer_role_name: str = _setting(
        "raxx-log-restorer",
        "Role that `restore` assumes to restore logs from Glacier.",
        "an IAM name: 1 to 64 of letters, digits and '+=,.@_-'",
        _matches(_IAM_NAME),
        elsewhere="raxx-log-restorer-{environment}",
    )
    writer_user_name: str = _setting(
        "raxx-heroku-log-drain",
        "User for a receiver outside Lambda. The stack creates no access key for it.",
        "an IAM name: 1 to 64 of letters, digits and '+=,.@_-'",
        _matches(_IAM_NAME),
        elsewhere="raxx-heroku-log-drain-{environment}",
    )
    writer_runs_receiver: bool = _setting(
        False,
        "Whether that user may also list logs, read hashes of tokens, fill the buffer and send to the spill queue. A "
        "receiver outside Lambda needs this.",
        "true or false",
        lambda _: True,
    )
    break_glass_user: str = _setting(
        "claude-infisical-bootstrap",
        "IAM user that may assume the reader role. It is looked up unless breakGlassArns is set.",
        "an IAM name: 1 to 64 of letters, digits and '+=,.@_-'",
        _matches(_IAM_NAME),
    )
    break_glass_arns: tuple[str, ...] = _setting(
        (),
        "Principals that may assume the reader role, instead of breakGlassUser: ARNs, and for roles of IAM Identity "
        "Center patterns with `*`.",
        "different ARNs of IAM users or roles; the name of a role may contain '*', but not be '*' alone",
        _are_principals,
    )
    restore_arns: tuple[str, ...] = _setting(
        (),
        "Principals that may assume the restorer role; an empty list means those that may assume the reader role.",
        "as breakGlassArns",
        _are_principals,
    )
    break_glass_mfa: bool = _setting(
        False,
        "Whether IAM users must have signed in with MFA to assume either role. Sessions of roles, also of IAM Identity "
        "Center, never say that they have.",
        "true or false",
        lambda _: True,
    )
    deployer_arns: tuple[str, ...] = _setting(
        (),
        "ARNs of the principals that deploy the stack, or patterns of them. Only they and break-glass principals may "
        "delete logs, and change the bucket's policy, lifecycle and versioning. An empty list means whoever runs "
        "`pulumi up`: set it if several principals do, or if CI previews with a role of its own.",
        "ARNs of IAM users and roles, in which `*` is any text",
        _all(_matches(r"arn:aws[a-z-]*:iam::\d{12}:(user|role)/[\w+=,.@/*-]+")),
    )
    parameter_prefix: str = _setting(
        names.DEFAULT_PARAMETER_PREFIX,
        "Path of the SSM parameters.",
        "a path of letters, digits and '_.-', beginning and ending with '/', not beginning with /aws or /ssm",
        _matches(r"/(?!(?i:aws|ssm))([a-zA-Z0-9_.-]+/){1,12}"),
        elsewhere="/raxx/log-drain-{environment}/",
    )
    archive_after_days: int = _setting(
        90, "Days after which logs move to Glacier Flexible Retrieval.", "1 to 3650", _between(1, 3650)
    )
    expire_after_days: int = _setting(
        365, "Days after which logs are deleted.", "2 to 3650, more than archiveAfterDays", _between(2, 3650)
    )
    results_expire_after_days: int = _setting(
        30, "Days after which Athena's results are deleted.", "1 to 3650", _between(1, 3650)
    )
    object_lock_days: int = _setting(
        0,
        "Days for which S3 Object Lock, in governance mode, keeps logs and digests from being deleted; 0 for none. It "
        "locks what is written from then on. A bucket that has had Object Lock once has it for ever: back at 0, new "
        "objects are not locked.",
        "0 to 3650, not more than expireAfterDays",
        _between(0, 3650),
    )
    token_generation: int = _setting(
        1, "Generation of the drain tokens. Increase it by one to rotate them.", "1 to 1000", _between(1, 1000)
    )
    accept_previous_token: bool = _setting(
        True,
        "Whether tokens of the previous generation are still accepted. Set it to false to shut out a leaked token.",
        "true or false",
        lambda _: True,
    )
    accept_replaced_token: bool = _setting(
        False,
        "Whether tokens of an earlier version of the stack, with the parameter `drain_keys`, are accepted. Set it to "
        "true for the update from there, and remove it afterwards.",
        "true or false",
        lambda _: True,
    )
    endpoint_generation: int = _setting(
        1,
        "Generation of the drain endpoint. Increase it by one to move all drains to a new URL, for example during a "
        "flood.",
        "1 to 1000",
        _between(1, 1000),
    )
    requests_per_second: int = _setting(
        1000,
        "Requests per second above which API Gateway answers 429. It bounds what a flood costs.",
        "100 to 10000",
        _between(100, 10_000),
    )
    drains_enabled: bool = _setting(
        True,
        "Whether drains are registered at all. Set it to false for an emergency stop.",
        "true or false",
        lambda _: True,
    )
    flush_minutes: int = _setting(
        DEFAULT_MINUTES,
        "Length of a slot in minutes. Each app has one object per slot.",
        f"a divisor of 60: {', '.join(map(str, LENGTHS))}",
        lambda minutes: minutes in LENGTHS,
    )
    answer_after_ms: int = _setting(
        0,
        "Milliseconds after the arrival of a small batch at which it is answered. Logplex then sends fewer and larger "
        "batches.",
        "0 to 1000",
        _between(0, 1000),
    )
    receiver_memory_mb: int = _setting(
        256, "Memory of the receiver in MB. Its CPU grows with it.", "128 to 10240", _between(128, 10240)
    )
    flusher_memory_mb: int = _setting(
        1024,
        "Memory of the flusher in MB. Its CPU grows with it.",
        "1024 to 10240",
        _between(1024, 10240),
    )
    receiver_log_days: int = _setting(
        30,
        "Days for which the logs of receiver, flusher and endpoint are kept.",
        "1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180 or 365",
        lambda days: days in {1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365},
    )
    reserved_concurrency: int = _setting(
        -1,
        "Executions reserved for the receiver; -1 reserves none. AWS keeps 100 executions unreserved, so accounts with "
        "a small limit refuse any reservation.",
        "-1, or 2 to 1000",
        lambda count: count == -1 or 2 <= count <= 1000,
    )
    protect_archive: bool = _setting(
        True,
        "Whether the bucket with its settings, the buffer and the queues are protected. If they are, `pulumi destroy` "
        "deletes nothing, and they outlive the stack.",
        "true or false",
        lambda _: True,
    )
    scan_limit_gib: int = _setting(
        10,
        "Maximum that one query may scan, in GiB. Athena cancels a query that exceeds it.",
        "1 to 10240",
        _between(1, 10240),
    )

    alarm_email: str = _setting(
        "ops@raxx.app",
        "Address to which alarms and budget write. Whoever reads it has to confirm the subscription.",
        "an e-mail address, or empty for none",
        lambda text: text == "" or _is_email(text),
    )
    alarm_endpoints: tuple[str, ...] = _setting(
        (),
        "More addresses for the same: e-mail addresses, and https URLs of services that confirm by themselves.",
        "e-mail addresses and https URLs, each once",
        lambda texts: len(set(texts)) == len(texts) and all(_is_email(text) or _is_https(text) for text in texts),
    )
    alarm_topic_key: bool = _setting(
        False,
        "Whether alarms are encrypted with a KMS key of the stack, which costs $1 per month. Without it they are "
        "encrypted as SNS encrypts everything.",
        "true or false",
        lambda _: True,
    )
    silence_hours: int = _setting(
        2, "Hours without a line after which an app counts as silent.", "1 to 168", _between(1, 168)
    )
    silence_hours_by_app: Mapping[str, str] = _setting(
        {},
        "The same for apps that have their own; 0 for an app that may be silent for any time.",
        "app name: 0 to 168",
        lambda hours: all(APP_NAME.fullmatch(app) and _is_silence(text) for app, text in hours.items()),
    )
    budget_tag: str = _setting(
        "",
        "Key of one of the tags, by which the budget finds the costs of this stack. Activate it as a cost allocation "
        "tag first. Without it the budget counts what the account pays for the AWS services that the stack uses.",
        "a key in `tags`, or empty",
        lambda _: True,
    )
    budget_usd: int = _setting(20, "Maximum cost per month in US dollars.", "1 to 100000", _between(1, 100_000))

    @property
    def own_silence_hours(self) -> dict[str, int]:
        """The hours of silence of the apps that have their own."""
        return {app: int(hours) for app, hours in self.silence_hours_by_app.items()}

    @property
    def silence_of_apps(self) -> dict[str, int]:
        """The hours of silence of each app; 0 for an app that may be silent."""
        return {app: self.own_silence_hours.get(app, self.silence_hours) for app in self.apps}

    @property
    def alarm_addresses(self) -> list[str]:
        """All addresses to which alarms and budget write, each once."""
        return [*dict.fromkeys(address for address in (self.alarm_email, *self.alarm_endpoints) if address)]

    @property
    def budget_tag_value(self) -> tuple[str, str] | None:
        """The tag by which the budget finds its costs, with its value."""
        return (self.budget_tag, self.tags[self.budget_tag]) if self.budget_tag else None

    @classmethod
    def load(cls) -> Self:
        """Read the configuration of the stack that runs; InvalidSettings lists all problems together."""

        def get(key: str) -> str | None:
            namespace, _, name = key.partition(":")
            return pulumi.Config(namespace).get(name)

        return cls.read(pulumi.get_project(), get, CONFIG.get())

    @classmethod
    def read(cls, project: str, get: Callable[[str], str | None], keys: Iterable[str] = ()) -> Self:
        """Read settings from texts: `get` gives the text of a key such as `project:bucketName`, None if it is not set.

        `keys` are all keys that are set. A key of the project that is not a setting is a problem: it would have no
        effect.
        """
        values, invalid = {}, set()
        problems = _unknown(project, keys, known=[key_of(setting, project) for setting in fields(cls)])
        for setting in fields(cls):
            rule: Rule = setting.metadata["rule"]
            key = key_of(setting, project)
            text = get(key)
            if text is None:
                continue
            try:
                value = _parse(text, rule.default)
                valid = rule.check(value)
            except ValueError:
                valid = False
            if valid:
                values[setting.name] = value
            else:
                problems.append(f"{key} is {text!r}: it must be {rule.allowed}")
                invalid.add(setting.name)
        settings = cls(**{**_names(values.get("environment", PRODUCTION)), **values})
        # An invalid value was replaced by its default, and nobody wrote what the default contradicts.
        problems += [problem for about, problem in settings._contradictions() if not about & invalid]
        if problems:
            raise InvalidSettings("\n  ".join(["these settings are invalid:", *problems]))
        return settings

    def _contradictions(self) -> Iterator[tuple[set[str], str]]:
        """Problems of values that are each allowed, with the fields that they are about."""
        archived, expired = self.archive_after_days, self.expire_after_days
        if expired <= archived:
            problem = f"expireAfterDays is {expired}: it must be more than archiveAfterDays, {archived}"
            yield {"expire_after_days", "archive_after_days"}, problem
        if self.object_lock_days > expired:
            problem = f"objectLockDays is {self.object_lock_days}: it must not be more than expireAfterDays, {expired}"
            yield {"object_lock_days", "expire_after_days"}, problem
        yield from self._contradictions_of_apps()
        for name, arns in (("breakGlassArns", self.break_glass_arns), ("restoreArns", self.restore_arns)):
            if self.break_glass_mfa and (roles := [arn for arn in arns if ":role/" in arn]):
                problem = f"breakGlassMfa is true, and {name} names {', '.join(roles)}: only IAM users can show MFA"
                yield {"break_glass_mfa", _snake_case(name)}, problem
        if self.budget_tag and self.budget_tag not in self.tags:
            problem = f"budgetTag is {self.budget_tag}: it must be the key of one of the `tags`"
            yield {"budget_tag", "tags"}, problem
        if self.table_name == router_view.NAME:
            yield {"table_name"}, f"tableName is {router_view.NAME}: choose another name, as the view has this one"

    def _contradictions_of_apps(self) -> Iterator[tuple[set[str], str]]:
        if both := set(self.apps).intersection(self.retired_apps):
            problem = f"retiredApps names {', '.join(sorted(both))}: an app may be in `apps` or in `retiredApps`"
            yield {"retired_apps", "apps"}, problem
        # An app keeps its settings when it is retired, so that it can come back.
        known = {*self.apps, *self.retired_apps}
        for name, ids in (("appIds", self.app_ids), ("silenceHoursByApp", self.silence_hours_by_app)):
            if unknown := ids.keys() - known:
                problem = f"{name} names {', '.join(sorted(unknown))}: it may only name apps that are in `apps`"
                yield {_snake_case(name), "apps"}, problem
        arns = (self.break_glass_arns, self.deployer_arns)
        told = json.dumps([self.apps, self.retired_apps, dict(self.silence_hours_by_app), *arns])
        if len(told) > _MOST_OUTPUTS:
            problem = (
                f"apps with retiredApps, silenceHoursByApp and ARNs have {len(told):,} characters: {_MOST_OUTPUTS:,} "
                "fit into the SSM parameter of the outputs; set silenceHours for all, remove retired apps whose logs "
                "have expired, or deploy a second stack"
            )
            yield {"apps", "retired_apps", "silence_hours_by_app"}, problem


def _names(environment: str) -> dict[str, Any]:
    """The defaults that follow from an environment other than prod, by field."""
    if environment == PRODUCTION:
        return {}
    rules = {setting.name: setting.metadata["rule"] for setting in fields(Settings)}
    return {name: _filled(rule.elsewhere, environment) for name, rule in rules.items() if rule.elsewhere}


def _filled(form: str | tuple[str, ...], environment: str) -> str | tuple[str, ...]:
    """A form, or several, with the environment's name."""
    if isinstance(form, str):
        return form.format(environment=environment)
    return tuple(each.format(environment=environment) for each in form)


def key_of(setting: Field[Any], project: str) -> str:
    """Give the configuration key of a field of Settings, such as `project:bucketName`."""
    rule: Rule = setting.metadata["rule"]
    return rule.key or f"{project}:{_camel_case(setting.name)}"


def _camel_case(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(word.capitalize() for word in rest)


def _snake_case(name: str) -> str:
    return re.sub("[A-Z]", lambda found: f"_{found[0].lower()}", name)


def _unknown(project: str, keys: Iterable[str], known: list[str]) -> list[str]:
    """Name the keys of the project that are not settings, each with the setting that may be meant."""
    problems = []
    for key in sorted(set(keys).difference(known)):
        namespace, _, name = key.partition(":")
        if namespace == project and name in _REPLACED:
            problems.append(f"{key} is no longer a setting: {_REPLACED[name]}")
        elif namespace == project:
            meant = get_close_matches(name, [setting.partition(":")[2] for setting in known], n=1)
            problems.append(f"{key} is not a setting" + (f": did you mean {meant[0]}?" if meant else ""))
    return problems


def _parse(text: str, default: Any) -> Any:
    """Read a value of the default's type; ValueError when it has another type."""
    if isinstance(default, str):
        return text
    value = json.loads(text)
    if isinstance(default, tuple) and isinstance(value, list):
        return tuple(map(_text, value))
    if isinstance(default, Mapping) and isinstance(value, dict):
        return {key: _text(item) for key, item in value.items()}
    # bool is an int in Python, and not in a configuration file.
    if type(value) is type(default):
        return value
    raise ValueError(text)


def _text(item: Any) -> str:
    """Read an item of a list or map of strings; ValueError when its original text is lost.

    `pulumi config set --path` writes true, false and integers without quotes, except integers that begin with 0
    (its help; `coerce` in sdk/go/common/resource/config/object.go). A fraction in the file may have lost zeros: 1.10.
    """
    if isinstance(item, str):
        return item
    if isinstance(item, bool | int):
        return json.dumps(item)
    raise ValueError(item)
