"""Each setting is checked before anything is deployed, and an error says key, value and what is allowed."""

import json
import re
from dataclasses import FrozenInstanceError, fields
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from infra.settings import InvalidSettings, Settings
from tests.support.paths import PROJECT as FOLDER

PROJECT = "heroku-log-archive"
PRODUCTION = yaml.safe_load((FOLDER / "Pulumi.prod.yaml").read_text())["config"]
UUID = "01234567-89ab-cdef-0123-456789abcdef"

Config = dict[str, Any]


def read(config: Config) -> Settings:
    """Settings from values by key, as Pulumi hands them over: text, or JSON of what is no text."""

    def get(key: str) -> str | None:
        if key not in config:
            return None
        value = config[key]
        return value if isinstance(value, str) else json.dumps(value)

    return Settings.read(PROJECT, get)


def with_setting(name: str, value: Any) -> Config:
    return {f"{PROJECT}:{name}": value}


def known_keys() -> set[str]:
    """Every key that is asked for."""
    asked: set[str] = set()
    Settings.read(PROJECT, lambda key: asked.add(key))
    return asked


# ---------------------------------------------------------------- names and defaults


def test_without_configuration_the_settings_are_productions() -> None:
    """Whose account it is, is not a default."""
    of_everyone = {key: value for key, value in PRODUCTION.items() if not key.endswith(":allowedAccountIds")}
    assert read({}) == read(of_everyone) == Settings()


def test_the_names_of_another_environment_follow_from_it() -> None:
    staging = read(with_setting("environment", "staging"))
    assert staging.apps == ("raxx-api-staging", "raxx-console-staging", "raxx-velvet-staging")
    assert staging.bucket_name == "raxx-heroku-logs-staging"
    assert (staging.database_name, staging.table_name) == ("raxx_heroku_logs_staging", "syslog")
    assert staging.workgroup_name == "raxx-log-queries-staging"
    assert staging.name_prefix == "raxx-log-staging"
    assert staging.reader_role_name == "raxx-log-athena-reader-staging"
    assert staging.restorer_role_name == "raxx-log-restorer-staging"
    assert staging.writer_user_name == "raxx-heroku-log-drain-staging"
    assert staging.parameter_prefix == "/raxx/log-drain-staging/"


def test_a_retired_app_keeps_its_settings() -> None:
    """So that it can come back."""
    apps = with_setting("retiredApps", ["raxx-old-prod"]) | with_setting("silenceHoursByApp", {"raxx-old-prod": 9})
    assert read(apps | with_setting("appIds", {"raxx-old-prod": UUID})).retired_apps == ("raxx-old-prod",)


def test_each_name_of_another_environment_can_be_set_on_its_own() -> None:
    staging = read(with_setting("environment", "staging") | with_setting("bucketName", "logs-of-staging"))
    assert (staging.bucket_name, staging.name_prefix) == ("logs-of-staging", "raxx-log-staging")


@pytest.mark.parametrize("environment", ["a", "staging", "a" * 15])
def test_the_names_of_each_environment_are_allowed(environment: str) -> None:
    """So that an error never names a setting that nobody wrote."""
    settings = read(with_setting("environment", environment))
    for field in fields(Settings):
        assert field.metadata["rule"].check(getattr(settings, field.name)), field.name


def test_production_sets_only_what_there_is() -> None:
    """A misspelt key would be ignored, and the default be deployed in its place."""
    assert PRODUCTION.keys() <= known_keys()


def test_production_is_as_designed() -> None:
    production = read(PRODUCTION)
    assert production.region == "us-east-1"
    assert production.apps == ("raxx-api-prod", "raxx-console-prod", "raxx-velvet-prod")
    assert production.bucket_name == "raxx-heroku-logs-prod"
    assert (production.database_name, production.table_name) == ("raxx_heroku_logs", "syslog")
    assert production.workgroup_name == "raxx-log-queries"
    assert production.reader_role_name == "raxx-log-athena-reader"
    assert production.writer_user_name == "raxx-heroku-log-drain"
    assert production.break_glass_user == "claude-infisical-bootstrap"
    assert production.parameter_prefix == "/raxx/log-drain/"
    assert (production.archive_after_days, production.expire_after_days) == (90, 365)
    assert production.results_expire_after_days == 30


def test_a_setting_is_its_field_in_camel_case() -> None:
    own = known_keys() - {"aws:region"}
    assert len(own) == len(fields(Settings)) - 1
    assert {f"{PROJECT}:bucketName", f"{PROJECT}:receiverMemoryMb", f"{PROJECT}:apps"} <= own
    assert all(re.fullmatch(PROJECT + r":[a-z]+([A-Z][a-z]*)*", key) for key in own)


def test_each_setting_says_what_it_means_and_may_be() -> None:
    for field in fields(Settings):
        rule = field.metadata["rule"]
        assert rule.meaning.endswith(".")
        assert rule.allowed
        assert rule.check(rule.default), f"the default of {field.name} is not allowed"


def test_settings_cannot_be_changed() -> None:
    with pytest.raises(FrozenInstanceError):
        Settings().region = "eu-west-1"  # type: ignore[misc]


# ---------------------------------------------------------------- values


@pytest.mark.parametrize(
    ("name", "value", "field", "expected"),
    [
        pytest.param("apps", ["abc"], "apps", ("abc",), id="list"),
        pytest.param("appIds", {"raxx-api-prod": UUID}, "app_ids", {"raxx-api-prod": UUID}, id="object"),
        # `pulumi config set --path 'allowedAccountIds[0]' 123456789012` writes a number, `'tags.x' true` a boolean.
        pytest.param("allowedAccountIds", [123456789012], "allowed_account_ids", ("123456789012",), id="id-number"),
        pytest.param("allowedAccountIds", ["012345678901"], "allowed_account_ids", ("012345678901",), id="id-zero"),
        pytest.param(
            *("tags", {"n": 1234, "yes": True, "no": False, "below": -1, "text": "0x1"}),
            *("tags", {"n": "1234", "yes": "true", "no": "false", "below": "-1", "text": "0x1"}),
            id="tags-as-pulumi-writes-them",
        ),
        pytest.param("alarmEmail", "", "alarm_email", "", id="nobody"),
        pytest.param(
            *("alarmEndpoints", ["a@b.example", "https://c.example/d?e=f"]),
            *("alarm_endpoints", ("a@b.example", "https://c.example/d?e=f")),
            id="endpoints",
        ),
        pytest.param(
            *("silenceHoursByApp", {"raxx-api-prod": 0, "raxx-velvet-prod": "168"}),
            *("own_silence_hours", {"raxx-api-prod": 0, "raxx-velvet-prod": 168}),
            id="hours-of-apps",
        ),
        pytest.param("budgetTag", "project", "budget_tag_value", ("project", "heroku-log-archive"), id="budget-by-tag"),
        pytest.param("archiveAfterDays", 1, "archive_after_days", 1, id="least"),
        pytest.param("expireAfterDays", 3650, "expire_after_days", 3650, id="greatest"),
        pytest.param("tokenGeneration", "2", "token_generation", 2, id="number-as-text"),
        pytest.param("drainsEnabled", False, "drains_enabled", False, id="false"),
        pytest.param("drainsEnabled", "true", "drains_enabled", True, id="true-as-text"),
        pytest.param("breakGlassArns", [], "break_glass_arns", (), id="nothing"),
        *[
            pytest.param("breakGlassArns", [arn], "break_glass_arns", (arn,), id=why)
            for why, arn in {
                "user": "arn:aws:iam::123456789012:user/ops",
                "role-with-path": "arn:aws:iam::123456789012:role/ops/break-glass",
                "permission-set": (
                    "arn:aws:iam::123456789012:role/aws-reserved/sso.amazonaws.com/*AWSReservedSSO_Ops_*"
                ),
            }.items()
        ],
        pytest.param("archiveAfterDays", "60", "archive_after_days", 60, id="integer-by-config-set"),
        pytest.param("reservedConcurrency", "-1", "reserved_concurrency", -1, id="negative-by-config-set"),
        pytest.param("protectArchive", "false", "protect_archive", False, id="false-by-config-set"),
        pytest.param("apps", '["abc", "def"]', "apps", ("abc", "def"), id="list-as-json-text"),
        pytest.param("allowedAccountIds", '["123456789012"]', "allowed_account_ids", ("123456789012",), id="accounts"),
        pytest.param("allowedAccountIds", [], "allowed_account_ids", (), id="any-account"),
        pytest.param("tags", '{"team": "ops", "x": ""}', "tags", {"team": "ops", "x": ""}, id="map-as-json-text"),
        pytest.param("tags", {}, "tags", {}, id="no-tags"),
        pytest.param("reservedConcurrency", 2, "reserved_concurrency", 2, id="least-concurrency"),
        pytest.param("receiverMemoryMb", 128, "receiver_memory_mb", 128, id="least-memory"),
        pytest.param("receiverLogDays", 365, "receiver_log_days", 365, id="a-year-of-logs"),
        pytest.param("scanLimitGib", 10240, "scan_limit_gib", 10240, id="greatest-scan"),
        pytest.param("namePrefix", "a" * 40, "name_prefix", "a" * 40, id="40-characters"),
        pytest.param("bucketName", "a" * 63, "bucket_name", "a" * 63, id="63-characters"),
        pytest.param("parameterPrefix", "/a/", "parameter_prefix", "/a/", id="short-path"),
    ],
)
def test_a_good_value(name: str, value: Any, field: str, expected: Any) -> None:
    assert getattr(read(with_setting(name, value)), field) == expected


def test_the_region_is_the_aws_providers() -> None:
    assert read({"aws:region": "eu-central-1"}).region == "eu-central-1"


APPS = "1 to 100 different Heroku app names (3 to 30 of a-z, 0-9 and '-', beginning with a letter)"
PRINCIPALS = "different ARNs of IAM users or roles; the name of a role may contain '*', but not be '*' alone"
IAM_NAME = "an IAM name: 1 to 64 of letters, digits and '+=,.@_-'"
BUCKET = "3 to 63 of a-z, 0-9 and '-', beginning and ending with a letter or digit"
GLUE_NAME = "1 to 128 of a-z, 0-9 and '_', not beginning with a digit"
PATH = "a path of letters, digits and '_.-', beginning and ending with '/', not beginning with /aws or /ssm"
BOOL = "true or false"
ACCOUNTS = "account ids of 12 digits; in the file, put an id that begins with 0 in quotes"
ENDPOINTS = "e-mail addresses and https URLs, each once"
TAGS = (
    "at most 40 tags: a key of 1 to 128 characters that does not begin with aws:, a value of up to 256; in the file, "
    "put a fraction in quotes"
)
PREFIX = "3 to 40 of a-z, 0-9 and '-', beginning with a letter, ending with a letter or digit"
LOG_DAYS = "1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180 or 365"
CONCURRENCY = "-1, or 2 to 1000"


# What AWS or Heroku would refuse in the middle of a deployment, or take and make nonsense of.
@pytest.mark.parametrize(
    ("name", "value", "allowed"),
    [
        pytest.param("apps", [], APPS, id="no-apps"),
        pytest.param("apps", ["abc", "abc"], APPS, id="app-twice"),
        pytest.param("apps", ["Raxx"], APPS, id="app-in-capitals"),
        pytest.param("apps", ["a b"], APPS, id="app-with-space"),
        pytest.param("apps", ["ab"], APPS, id="app-too-short"),
        pytest.param("apps", ["a" * 31], APPS, id="app-too-long"),
        pytest.param("apps", ["1abc"], APPS, id="app-beginning-with-a-digit"),
        pytest.param("apps", ["abc,def"], APPS, id="apps-in-one"),
        pytest.param("apps", "raxx-api-prod", APPS, id="app-outside-a-list"),
        pytest.param("apps", [1], APPS, id="app-as-number"),
        pytest.param("alarmEmail", "ops", "an e-mail address, or empty for none", id="no-e-mail"),
        pytest.param("alarmEndpoints", ["http://a.example"], ENDPOINTS, id="plain-http"),
        pytest.param("alarmEndpoints", ["a@b.example", "a@b.example"], ENDPOINTS, id="an-endpoint-twice"),
        pytest.param("silenceHoursByApp", {"raxx-api-prod": 169}, "app name: 0 to 168", id="silence-too-long"),
        pytest.param("silenceHoursByApp", {"raxx-api-prod": "two"}, "app name: 0 to 168", id="silence-in-words"),
        pytest.param("appIds", {"raxx-api-prod": "x"}, "app name: UUID in lower case", id="no-uuid"),
        pytest.param("appIds", {"raxx-api-prod": UUID.upper()}, "app name: UUID in lower case", id="uuid-in-capitals"),
        pytest.param("appIds", {"raxx-api-prod": 1}, "app name: UUID in lower case", id="uuid-as-number"),
        pytest.param("appIds", [UUID], "app name: UUID in lower case", id="uuids-in-a-list"),
        pytest.param("bucketName", "", BUCKET, id="bucket-empty"),
        pytest.param("bucketName", "ab", BUCKET, id="bucket-too-short"),
        pytest.param("bucketName", "a" * 64, BUCKET, id="bucket-too-long"),
        pytest.param("bucketName", "Raxx-logs", BUCKET, id="bucket-in-capitals"),
        pytest.param("bucketName", "raxx.logs", BUCKET, id="bucket-with-dot"),
        pytest.param("bucketName", "raxx-logs-", BUCKET, id="bucket-ending-with-dash"),
        pytest.param("bucketName", "xn--logs", BUCKET, id="bucket-reserved-beginning"),
        pytest.param("bucketName", "logs-s3alias", BUCKET, id="bucket-reserved-end"),
        pytest.param("bucketName", "raxx-logs\n", BUCKET, id="bucket-with-newline"),
        pytest.param("databaseName", "raxx-logs", GLUE_NAME, id="database-with-dash"),
        pytest.param("databaseName", "Raxx", GLUE_NAME, id="database-in-capitals"),
        pytest.param("tableName", "1syslog", GLUE_NAME, id="table-beginning-with-a-digit"),
        pytest.param("tableName", 'a"; DROP', GLUE_NAME, id="table-with-sql"),
        pytest.param("workgroupName", "a b", "1 to 128 of letters, digits and '.', '_', '-'", id="workgroup"),
        pytest.param("readerRoleName", "a/b", IAM_NAME, id="role-with-path"),
        pytest.param("readerRoleName", "rôle", IAM_NAME, id="role-not-ASCII"),
        pytest.param("writerUserName", "a" * 65, IAM_NAME, id="user-too-long"),
        *[
            pytest.param(
                "environment", name, "1 to 15 of a-z and 0-9, beginning with a letter", id=f"environment-{why}"
            )
            for why, name in {"empty": "", "dash": "pre-prod", "capital": "Prod", "long": "a" * 16}.items()
        ],
        pytest.param("breakGlassUser", "", IAM_NAME, id="user-empty"),
        *[
            pytest.param("breakGlassArns", [arn], PRINCIPALS, id=f"arn-{why}")
            for why, arn in {
                "name": "claude-infisical-bootstrap",
                "anybody": "*",
                "account": "arn:aws:iam::123456789012:root",
                "short-account": "arn:aws:iam::12345678901:user/a",
                "other-digits": "arn:aws:iam::12345678901٢:user/a",
                "session": "arn:aws:sts::123456789012:assumed-role/a/b",
                "any-user": "arn:aws:iam::123456789012:user/*",
                "any-role": "arn:aws:iam::123456789012:role/*",
                "any-account": "arn:aws:iam::*:role/ops",
                "newline": "arn:aws:iam::123456789012:role/ops\n",
            }.items()
        ],
        pytest.param("parameterPrefix", "/raxx/log-drain", PATH, id="prefix-without-slash-at-the-end"),
        pytest.param("parameterPrefix", "raxx/", PATH, id="prefix-without-slash-before"),
        pytest.param("parameterPrefix", "/", PATH, id="prefix-root"),
        pytest.param("parameterPrefix", "/a//b/", PATH, id="prefix-empty-level"),
        pytest.param("parameterPrefix", "/a b/", PATH, id="prefix-with-space"),
        pytest.param("parameterPrefix", "/" + "a/" * 13, PATH, id="prefix-too-deep"),
        *[
            pytest.param("parameterPrefix", f"/{name}/", PATH, id=f"prefix-{name}")
            for name in ("aws", "ssm", "AWS", "awsome")
        ],
        pytest.param("archiveAfterDays", 0, "1 to 3650", id="days-zero"),
        pytest.param("archiveAfterDays", -90, "1 to 3650", id="days-negative"),
        pytest.param("archiveAfterDays", 90.5, "1 to 3650", id="days-fraction"),
        pytest.param("archiveAfterDays", "ninety", "1 to 3650", id="days-in-words"),
        pytest.param("archiveAfterDays", "", "1 to 3650", id="days-empty"),
        pytest.param("archiveAfterDays", True, "1 to 3650", id="days-true"),
        pytest.param("archiveAfterDays", "NaN", "1 to 3650", id="days-not-a-number"),
        pytest.param("archiveAfterDays", "9" * 5000, "1 to 3650", id="days-5000-digits"),
        pytest.param("expireAfterDays", 3651, "2 to 3650, more than archiveAfterDays", id="expiry-too-late"),
        pytest.param("resultsExpireAfterDays", 0, "1 to 3650", id="results-zero"),
        pytest.param("tokenGeneration", 0, "1 to 1000", id="generation-zero"),
        pytest.param("acceptPreviousToken", "yes", BOOL, id="yes"),
        pytest.param("drainsEnabled", 0, BOOL, id="bool-as-number"),
        pytest.param("drainsEnabled", "True", BOOL, id="capital-true"),
        pytest.param("receiverMemoryMb", 127, "128 to 10240", id="memory"),
        pytest.param("receiverLogDays", 31, LOG_DAYS, id="log-days"),
        pytest.param("receiverLogDays", 0, LOG_DAYS, id="log-days-for-ever"),
        pytest.param("receiverMemoryMb", 10241, "128 to 10240", id="memory-too-much"),
        pytest.param("receiverMemoryMb", "512 MB", "128 to 10240", id="memory-with-unit"),
        pytest.param("scanLimitGib", 0, "1 to 10240", id="scan-limit"),
        pytest.param("scanLimitGib", 0.5, "1 to 10240", id="scan-limit-fraction"),
        pytest.param("scanLimitGib", 10241, "1 to 10240", id="scan-limit-too-much"),
        pytest.param("tokenGeneration", 1001, "1 to 1000", id="generation-too-high"),
        pytest.param("reservedConcurrency", 0, CONCURRENCY, id="concurrency-none-at-all"),
        pytest.param("reservedConcurrency", 1, CONCURRENCY, id="concurrency-less-than-a-redrive"),
        pytest.param("reservedConcurrency", -2, CONCURRENCY, id="concurrency-negative"),
        pytest.param("reservedConcurrency", 1001, CONCURRENCY, id="concurrency-too-high"),
        pytest.param("protectArchive", "no", BOOL, id="no"),
        pytest.param("protectArchive", None, BOOL, id="null"),
        pytest.param("allowedAccountIds", ["12345678901"], ACCOUNTS, id="account-of-11-digits"),
        # 012345678901 without quotes: YAML has lost the zero, or reads it as octal.
        pytest.param("allowedAccountIds", [12345678901], ACCOUNTS, id="account-that-lost-its-zero"),
        pytest.param("allowedAccountIds", [1402433619], ACCOUNTS, id="account-read-as-octal"),
        pytest.param("allowedAccountIds", [123456789012.0], ACCOUNTS, id="account-as-fraction"),
        pytest.param("allowedAccountIds", [True], ACCOUNTS, id="account-as-bool"),
        pytest.param("allowedAccountIds", [None], ACCOUNTS, id="account-missing"),
        pytest.param("allowedAccountIds", [["123456789012"]], ACCOUNTS, id="account-in-a-list-of-lists"),
        pytest.param("allowedAccountIds", "123456789012", ACCOUNTS, id="account-outside-a-list"),
        pytest.param("allowedAccountIds", ["12345678901\u0662"], ACCOUNTS, id="account-of-other-digits"),
        pytest.param("namePrefix", "ab", PREFIX, id="name-prefix-too-short"),
        pytest.param("namePrefix", "a" * 41, PREFIX, id="name-prefix-too-long"),
        pytest.param("namePrefix", "raxx-", PREFIX, id="name-prefix-ending-with-dash"),
        pytest.param("namePrefix", "Raxx", PREFIX, id="name-prefix-in-capitals"),
        pytest.param("namePrefix", "raxx_log", PREFIX, id="name-prefix-with-underscore"),
        pytest.param("tags", {"aws:x": "y"}, TAGS, id="tag-reserved"),
        pytest.param("tags", {"": "y"}, TAGS, id="tag-without-key"),
        pytest.param("tags", {"x": "y" * 257}, TAGS, id="tag-too-long"),
        pytest.param("tags", {"x" * 129: "y"}, TAGS, id="tag-key-too-long"),
        pytest.param("tags", {"x": "<y>"}, TAGS, id="tag-with-other-characters"),
        pytest.param("tags", {f"k{number}": "" for number in range(41)}, TAGS, id="tags-too-many"),
        pytest.param("tags", {"x": 1.1}, TAGS, id="tag-as-fraction"),
        pytest.param("tags", {"x": None}, TAGS, id="tag-without-value"),
        pytest.param("tags", {"x": {"y": "z"}}, TAGS, id="tag-of-tags"),
        pytest.param("tags", ["x"], TAGS, id="tags-in-a-list"),
        pytest.param("tags", "x=y", TAGS, id="tags-as-text"),
    ],
)
def test_a_bad_value_is_refused_with_key_value_and_what_is_allowed(name: str, value: Any, allowed: str) -> None:
    with pytest.raises(InvalidSettings) as invalid:
        read(with_setting(name, value))
    text = value if isinstance(value, str) else json.dumps(value)
    assert str(invalid.value) == (f"these settings are invalid:\n  {PROJECT}:{name} is {text!r}: it must be {allowed}")


@pytest.mark.parametrize("region", ["", "us-east", "US-EAST-1", "us-east-1 ", "us-east-\u0661"])
def test_a_region_that_is_none(region: str) -> None:
    with pytest.raises(InvalidSettings, match=r"aws:region is .*: it must be a region such as us-east-1"):
        read({"aws:region": region})


def test_all_problems_are_told_together() -> None:
    bad = {"aws:region": "here", **with_setting("bucketName", "B"), **with_setting("archiveAfterDays", 0)}
    with pytest.raises(InvalidSettings) as invalid:
        read(bad)
    assert str(invalid.value) == (
        "these settings are invalid:\n"
        "  aws:region is 'here': it must be a region such as us-east-1\n"
        f"  {PROJECT}:bucketName is 'B': it must be {BUCKET}\n"
        f"  {PROJECT}:archiveAfterDays is '0': it must be 1 to 3650"
    )


# ---------------------------------------------------------------- values that contradict each other

IAM = "arn:aws:iam::123456789012"
MANY = [f"raxx-a-name-of-30-letters-{number:04d}" for number in range(100)]


@pytest.mark.parametrize(
    ("config", "problems"),
    [
        pytest.param(
            with_setting("archiveAfterDays", 365),
            ["expireAfterDays is 365: it must be more than archiveAfterDays, 365"],
            id="deleted-when-archived",
        ),
        pytest.param(
            with_setting("objectLockDays", 366),
            ["objectLockDays is 366: it must not be more than expireAfterDays, 365"],
            id="locked-when-expired",
        ),
        pytest.param(
            with_setting("appIds", {"other-app": UUID}),
            ["appIds names other-app: it may only name apps that are in `apps`"],
            id="app-id-of-another-app",
        ),
        pytest.param(
            with_setting("retiredApps", ["raxx-old-prod", "raxx-api-prod"]),
            ["retiredApps names raxx-api-prod: an app may be in `apps` or in `retiredApps`"],
            id="retired-and-not",
        ),
        pytest.param(
            with_setting("apps", MANY) | with_setting("silenceHoursByApp", dict.fromkeys(MANY, 3)),
            [
                (
                    "apps with retiredApps, silenceHoursByApp and ARNs have 7,316 characters: 5,500 fit into the SSM "
                    "parameter of the outputs; set silenceHours for all, remove retired apps whose logs have expired, "
                    "or deploy a second stack"
                )
            ],
            id="too-many-apps-with-settings",
        ),
        pytest.param(
            with_setting("silenceHoursByApp", {"other-app": 1}),
            ["silenceHoursByApp names other-app: it may only name apps that are in `apps`"],
            id="silence-of-another-app",
        ),
        pytest.param(
            with_setting("breakGlassMfa", True) | with_setting("breakGlassArns", [f"{IAM}:role/a", f"{IAM}:user/b"]),
            [f"breakGlassMfa is true, and breakGlassArns names {IAM}:role/a: only IAM users can show MFA"],
            id="mfa-of-a-role",
        ),
        pytest.param(
            with_setting("breakGlassMfa", True) | with_setting("restoreArns", [f"{IAM}:role/a"]),
            [f"breakGlassMfa is true, and restoreArns names {IAM}:role/a: only IAM users can show MFA"],
            id="mfa-of-a-restoring-role",
        ),
        pytest.param(
            with_setting("budgetTag", "owner"),
            ["budgetTag is owner: it must be the key of one of the `tags`"],
            id="budget-by-no-tag",
        ),
        pytest.param(
            with_setting("tableName", "router_requests"),
            ["tableName is router_requests: choose another name, as the view has this one"],
            id="table-named-like-the-view",
        ),
        pytest.param(
            with_setting("expireAfterDays", 2) | with_setting("appIds", {"two-app": UUID, "one-app": UUID}),
            [
                "expireAfterDays is 2: it must be more than archiveAfterDays, 90",
                "appIds names one-app, two-app: it may only name apps that are in `apps`",
            ],
            id="both",
        ),
    ],
)
def test_contradictions_are_told_together(config: Config, problems: list[str]) -> None:
    with pytest.raises(InvalidSettings) as invalid:
        read(config)
    assert str(invalid.value).splitlines() == [
        "these settings are invalid:",
        *(f"  {line}" for line in problems),
    ]


def test_bad_values_and_contradictions_are_told_together() -> None:
    """One deployment shows all that is wrong with the settings."""
    bad = (
        with_setting("namePrefix", "R")
        | with_setting("reservedConcurrency", 1)
        | with_setting("expireAfterDays", 90)
        | with_setting("appIds", {"other-app": UUID})
    )
    with pytest.raises(InvalidSettings) as invalid:
        read(bad)
    assert str(invalid.value).splitlines() == [
        "these settings are invalid:",
        f"  {PROJECT}:namePrefix is 'R': it must be {PREFIX}",
        f"  {PROJECT}:reservedConcurrency is '1': it must be {CONCURRENCY}",
        "  expireAfterDays is 90: it must be more than archiveAfterDays, 90",
        "  appIds names other-app: it may only name apps that are in `apps`",
    ]


@pytest.mark.parametrize(
    ("config", "problem"),
    [
        pytest.param(
            with_setting("archiveAfterDays", "3O") | with_setting("expireAfterDays", 60),
            f"{PROJECT}:archiveAfterDays is '3O': it must be 1 to 3650",
            id="days",
        ),
        pytest.param(
            with_setting("apps", ["Other-app"]) | with_setting("appIds", {"other-app": UUID}),
            f"{PROJECT}:apps is '[\"Other-app\"]': it must be {APPS}",
            id="apps",
        ),
    ],
)
def test_a_bad_value_contradicts_nothing(config: Config, problem: str) -> None:
    """Its default would be told of in its place, a value that nobody has written."""
    with pytest.raises(InvalidSettings) as invalid:
        read(config)
    assert str(invalid.value).splitlines() == ["these settings are invalid:", f"  {problem}"]


@given(st.sampled_from(sorted(known_keys())), st.text(max_size=40))
def test_any_text_is_a_setting_or_a_problem(key: str, text: str) -> None:
    try:
        read({key: text})
    except InvalidSettings as invalid:
        told = str(invalid)
    else:
        return
    assert key.rpartition(":")[2] in told


@pytest.mark.parametrize(
    ("key", "told"),
    [
        pytest.param("p:bucktName", "p:bucktName is not a setting: did you mean bucketName?", id="misspelt"),
        pytest.param("p:zzz", "p:zzz is not a setting$", id="of nothing here"),
        pytest.param("p:breakGlassArn", r"p:breakGlassArn is no longer a setting: set breakGlassArns", id="former"),
    ],
)
def test_a_key_that_is_no_setting_is_told(key: str, told: str) -> None:
    """It would do nothing, in silence."""
    with pytest.raises(InvalidSettings, match=told):
        Settings.read("p", {key: "x"}.get, [key])


def test_keys_of_others_are_none_of_ours() -> None:
    """Providers have theirs in the same file."""
    assert Settings.read("p", lambda _: None, ["aws:profile", "heroku:apiKey", "p:apps"]) == Settings()


# ---------------------------------------------------------------- what Pulumi's own command writes


def as_pulumi_writes(text: str) -> Any:
    """What `pulumi config set --path` writes for a text (`coerce` in sdk/go/common/resource/config/object.go)."""
    if text in ("true", "false"):
        return text == "true"
    if re.fullmatch(r"-?(0|[1-9]\d*)", text):
        return int(text)
    return text


@pytest.mark.parametrize(
    "text", ["1234", "0", "-1", "true", "false", "True", "0123", "1.10", "1e3", "0x10", "1_000", "null", "", "ops"]
)
def test_what_pulumi_writes_into_a_map_is_what_was_typed(text: str) -> None:
    assert read(with_setting("tags", {"key": as_pulumi_writes(text)})).tags == {"key": text}


@pytest.mark.parametrize("text", ["123456789012", "012345678901", "000000000000"])
def test_what_pulumi_writes_into_a_list_is_what_was_typed(text: str) -> None:
    assert read(with_setting("allowedAccountIds", [as_pulumi_writes(text)])).allowed_account_ids == (text,)
