"""Keys, tokens and drain URLs are secrets wherever they occur: in clear they are in no input, name or output."""

import itertools
from collections.abc import Iterator
from typing import Any

import pulumi
import pytest

from contract import drain_url
from infra.drain_keys import DrainKeys, DrainKeysArgs
from tests.support.recording_monitor import UNKNOWN, Run, Secret, drain_key, run

API_KEY = "HRKU-the-api-key"
SETTINGS = {"heroku:apiKey": API_KEY, "tokenGeneration": "2"}
APPS = ("raxx-api-prod", "raxx-console-prod", "raxx-velvet-prod")

# Every input that may hold a secret.
SECRET_INPUTS = {
    ("pulumi:providers:heroku", "apiKey"),
    ("aws:ssm/parameter:Parameter", "value"),
    ("heroku:drain/drain:Drain", "sensitiveUrl"),
}


@pytest.fixture(scope="module", params=[False, True], ids=["update", "preview"])
def either(request: pytest.FixtureRequest) -> Run:
    return run(SETTINGS, preview=request.param)


@pytest.fixture(scope="module")
def update() -> Run:
    return run(SETTINGS)


def in_clear(value: Any) -> Iterator[str]:
    """Every text of a value that is not within a secret, keys of mappings too."""
    if isinstance(value, dict):
        for key, item in value.items():
            yield key
            yield from in_clear(item)
    elif isinstance(value, list | tuple | frozenset):
        for item in value:
            yield from in_clear(item)
    elif not isinstance(value, Secret):
        yield str(value)


def everything_in_clear(recorded: Run) -> Iterator[str]:
    for resource in recorded.resources.values():
        yield from in_clear([resource.name, resource.urn, resource.id, resource.aliases, dict(resource.inputs)])
    yield from in_clear([recorded.outputs, recorded.component_outputs, recorded.lookups])


def test_a_secure_parameter_is_a_secret_and_a_plain_one_is_none(either: Run) -> None:
    """What holds a secret without being SecureString would be stored in clear."""
    parameters = either.of_type(":Parameter")
    assert {parameter.inputs["type"] for parameter in parameters} == {"String", "SecureString"}
    for parameter in parameters:
        secure = parameter.inputs["type"] == "SecureString"
        assert isinstance(parameter.inputs["value"], Secret) == secure, parameter.name


@pytest.mark.parametrize("preview", [False, True], ids=["update", "preview"])
def test_keys_and_urls_are_secrets_before_any_resource_takes_them(preview: bool) -> None:
    """The random provider's word for it is not needed, and an export or another resource could not show them."""

    def program() -> None:
        keys = DrainKeys("keys", DrainKeysArgs(1, True, False, APPS, "/p/"))
        pulumi.export("url", keys.url(pulumi.Output.from_input("https://endpoint"), APPS[0]))

    recorded = run(preview=preview, program=program)
    assert isinstance(recorded.outputs["url"], Secret)


def test_a_drain_url_is_a_secret_at_heroku_too(either: Run) -> None:
    """Heroku's provider shows `url` in every plan."""
    drains = either.of_type(":Drain")
    assert len(drains) == 3
    for each in drains:
        assert isinstance(each.inputs["sensitiveUrl"], Secret)
        assert "url" not in each.inputs


def test_the_heroku_api_key_is_a_secret(either: Run) -> None:
    assert either["heroku"].inputs == {"apiKey": Secret(API_KEY)}


def test_without_an_api_key_in_the_configuration_none_is_given() -> None:
    """The provider then takes HEROKU_API_KEY, which an empty one would hide."""
    assert run()["heroku"].inputs == {}


def test_secrets_are_only_where_they_are_needed(either: Run) -> None:
    """A secret that spreads makes whole policies and outputs unreadable in every plan."""
    found = {
        (resource.type, name)
        for resource in either.resources.values()
        for name, value in resource.inputs.items()
        if isinstance(value, Secret)
    }
    assert found == SECRET_INPUTS
    assert not [name for name, value in either.outputs.items() if isinstance(value, Secret)]


def test_only_the_keys_of_an_earlier_version_have_ids_that_tell_something(update: Run) -> None:
    """A check of the search below: a RandomBytes would be found."""
    replaced = run({**SETTINGS, "acceptReplacedToken": "true"})
    told = {each.id for each in replaced.of_type(":RandomBytes")}
    assert len(told) == 3
    assert told <= {*everything_in_clear(replaced)}
    assert not update.of_type(":RandomBytes")


def test_no_key_token_or_drain_url_is_in_clear_anywhere(update: Run) -> None:
    """Nor in an id: the engine never encrypts ids and names, and shows them in every diff."""
    keys = [drain_key(generation) for generation in (1, 2, 3)]
    tokens = [drain_url.token(key, app) for key, app in itertools.product(keys, APPS)]
    drain_urls = [each.inputs["sensitiveUrl"].value for each in update.of_type(":Drain")]
    texts = "\n".join(everything_in_clear(update))
    assert update.outputs["bucket"] in texts
    assert not [secret for secret in (*keys, *tokens, *drain_urls, "token=", API_KEY) if secret in texts]


def test_the_published_urls_are_those_of_the_current_key(update: Run) -> None:
    """Else the search above would be for secrets that are none."""
    current = drain_key(2)
    for app in APPS:
        url = update[f"drains-{app}"].inputs["sensitiveUrl"]
        assert url == update[f"parameters-drain-url-{app}"].inputs["value"]
        assert url == Secret(drain_url.url("https://a1b2c3d4e5.execute-api.us-east-1.amazonaws.com/prod", app, current))
        assert UNKNOWN not in url.value
