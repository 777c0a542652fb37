"""What must exist before the stack does: when it is missing, one clear error, and nothing is created."""

import pulumi
import pytest

from infra.lookups import MissingPrerequisite
from infra.settings import InvalidSettings
from tests.support.recording_monitor import run, run_refused

USER = "aws:iam/getUser:getUser claude-infisical-bootstrap"
CALLER = "aws:index/getCallerIdentity:getCallerIdentity "
API, CONSOLE = (f"heroku:app/getApp:getApp {app}" for app in ("raxx-api-prod", "raxx-console-prod"))
# In the providers' words: the AWS provider's data source of a user (hashicorp/terraform-provider-aws), and Heroku's
# messages by status (Heroku Dev Center, "Platform API Reference", Error Responses).
NO_USER = (
    "invocation of aws:iam/getUser:getUser returned an error: reading IAM User (claude-infisical-bootstrap): operation "
    "error IAM: GetUser, https response error StatusCode: 404, RequestID: 2ad78f83, NoSuchEntity: The user with name "
    "claude-infisical-bootstrap cannot be found."
)
NOT_ALLOWED = "operation error IAM: GetUser, https response error StatusCode: 403, AccessDenied: User is not authorized"
NO_APP = "invoking heroku:app/getApp:getApp: 1 error occurred:\n\t* Couldn't find that app.\n"
NO_ACCESS = "1 error occurred:\n\t* You do not have access to the app raxx-console-prod.\n"
NO_KEY = "1 error occurred:\n\t* Invalid credentials provided.\n"


@pytest.mark.parametrize(
    ("refused", "said"),
    [
        pytest.param(
            {USER: NO_USER},
            ["breakGlassUser is claude-infisical-bootstrap", "no such IAM user: create it", "breakGlassArns", NO_USER],
            id="no user",
        ),
        pytest.param(
            {USER: NOT_ALLOWED},
            ["breakGlassUser is claude-infisical-bootstrap", "iam:GetUser", "breakGlassArns", NOT_ALLOWED],
            id="user may not be read",
        ),
        pytest.param(
            {API: NO_APP}, ["apps names raxx-api-prod", "no such app", "`apps`", "Couldn't find that app."], id="no app"
        ),
        pytest.param(
            {CONSOLE: NO_ACCESS}, ["apps names raxx-console-prod", "may not read the app", "`appIds`"], id="no access"
        ),
        pytest.param(
            {API: NO_KEY}, ["heroku:apiKey", "HEROKU_API_KEY", "`appIds`", "Invalid credentials"], id="no key"
        ),
        pytest.param({API: "dial tcp: i/o timeout"}, ["apps names raxx-api-prod", "i/o timeout"], id="no network"),
    ],
)
def test_what_is_missing_is_one_clear_error_and_nothing_is_created(refused: dict[str, str], said: list[str]) -> None:
    """It names the setting and says what to do. Only the providers are declared, which is what asks."""
    recorded, error = run_refused(refused)
    assert isinstance(error, MissingPrerequisite)
    assert all(words in str(error) for words in said)
    assert all(resource.is_provider for resource in recorded.resources.values())


def test_every_app_that_is_missing_is_named_at_once() -> None:
    _, error = run_refused({API: NO_APP, CONSOLE: NO_ACCESS})
    assert [line.split(",")[0] for line in str(error).splitlines() if line.startswith("apps")] == [
        "apps names raxx-api-prod",
        "apps names raxx-console-prod",
    ]


ANY_ACCOUNT = {"allowedAccountIds": "[]"}
ALLOW = "pulumi config set --path 'allowedAccountIds[0]'"


@pytest.mark.parametrize(
    ("refused", "said"),
    [
        pytest.param({}, ["allowedAccountIds is empty", "account 123456789012", f"{ALLOW} 123456789012"], id="known"),
        pytest.param({CALLER: "ExpiredToken"}, ["aws sts get-caller-identity", "ExpiredToken"], id="unknown"),
    ],
)
def test_prod_goes_only_to_accounts_that_it_names(refused: dict[str, str], said: list[str]) -> None:
    """Otherwise credentials of another account would make a second archive there, and move the drains to it."""
    recorded, error = run_refused(refused, ANY_ACCOUNT)
    assert isinstance(error, MissingPrerequisite)
    assert all(words in str(error) for words in said)
    assert all(resource.is_provider for resource in recorded.resources.values())


def test_another_environment_goes_to_any_account() -> None:
    recorded = run({**ANY_ACCOUNT, "environment": "staging"})
    assert "allowedAccountIds" not in recorded["aws"].inputs


def test_what_the_settings_give_is_not_looked_up() -> None:
    """The way out of each of these errors, and what lets CI's preview do without a Heroku key."""
    recorded = run(
        {
            "breakGlassArns": '["arn:aws:iam::123456789012:role/ops"]',
            "apps": '["raxx-api-prod"]',
            "appIds": '{"raxx-api-prod": "01234567-89ab-cdef-0123-456789abcdef"}',
        }
    )
    assert recorded.lookups == ["aws:index/getCallerIdentity:getCallerIdentity "]


@pytest.mark.parametrize("kind", [MissingPrerequisite, InvalidSettings])
def test_the_programs_errors_have_no_traceback(kind: type[Exception]) -> None:
    """The language host shows only the message of a RunError (sdk/python/cmd/pulumi-language-python-exec)."""
    assert issubclass(kind, pulumi.RunError)
