"""The whole way of a line: the declared stack, in the stand-ins, over real sockets."""

import json
import re
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs, urlsplit
from uuid import uuid4

import pytest

from contract import drain_url
from contract.object_keys import ObjectKey
from contract.outputs import MEANINGS
from local.logplex.field_bodies import FieldBody, field_bodies
from local.logplex.nodes import post
from local.stack import LocalStack, Options
from tests.support.logplex_frames import unnumbered
from tests.support.naive_reader import numbered
from tests.support.stored import keys, lines

# In the past, so that it is flushed at once, and far from the times in the bodies.
ARRIVAL = datetime(2026, 2, 1, 12, tzinfo=UTC)
API, CONSOLE, VELVET = "raxx-api-prod", "raxx-console-prod", "raxx-velvet-prod"


def escaped(data: bytes) -> bytes:
    """The line's escaping, written a second time from the rule: byte for byte."""
    text = "".join(
        char if not 0xDC80 <= ord(char) <= 0xDCFF else f"\\x{ord(char) - 0xDC00:02x}"
        for char in data.decode("utf-8", "surrogateescape")
    )
    return re.sub(r"[\x00-\x08\x0a-\x1f\x7f]", lambda found: f"#{ord(found[0]):03o}", text).encode()


def stored_form(body: FieldBody) -> list[bytes]:
    """The syslog lines that a body from the field must give, from the frames that its record lists."""
    return numbered(
        [
            f"<{each.pri}>1 {each.timestamp} {each.hostname} {each.appname} {each.procid} {each.msgid} - ".encode()
            + escaped(re.sub(rb"\r?\n\Z", b"", each.message))
            for each in body.frames
        ]
    )


@pytest.mark.parametrize(
    ("number", "body"), list(enumerate(field_bodies())), ids=[body.name for body in field_bodies()]
)
def test_a_body_from_the_field_is_stored_once_and_to_the_byte(stack: LocalStack, number: int, body: FieldBody) -> None:
    """Every frame is one line, every other byte is in a quarantine line, and two more tries add nothing."""
    before, frame_id = keys(stack), uuid4().hex
    # A slot of its own, as lines are numbered over a slot.
    arrival = ARRIVAL + timedelta(hours=number)
    assert [post(stack.drain_urls[API], body.body, frame_id, arrival) for _ in range(3)] == [200] * 3

    stack.flush()
    new = keys(stack) - before
    assert len(new) == (1 if body.body else 0)
    found = lines(stack, sorted(new))
    assert [line for line in found if b" logdrain quarantine " not in line] == stored_form(body)
    quarantined = [unnumbered(line).split(b" - ", 1)[1] for line in found if b" logdrain quarantine " in line]
    assert quarantined == [escaped(rest) for rest in [body.malformed_remainder] if rest]


def with_query(url: str, **parameters: str) -> str:
    parts = urlsplit(url)
    given = {name: values[0] for name, values in parse_qs(parts.query).items()} | parameters
    return parts._replace(query="&".join(f"{name}={value}" for name, value in given.items())).geturl()


def test_a_token_opens_its_own_apps_drain_and_no_other(stack: LocalStack) -> None:
    """A wrong token, another app's token and an unknown app are 401, and nothing is written."""
    before, body = keys(stack), field_bodies()[0].body
    other = parse_qs(urlsplit(stack.drain_urls[CONSOLE]).query)["token"][0]
    refused = [
        with_query(stack.drain_urls[API], token="wrong"),
        with_query(stack.drain_urls[API], token=other),
        with_query(stack.drain_urls[API], app="raxx-unknown-prod"),
        stack.drain_urls[API] + "&app=" + API,
        stack.drain_urls[API].partition("?")[0],
    ]
    assert [post(url, body, uuid4().hex, ARRIVAL) for url in refused] == [401] * len(refused)
    assert stack.flush() == 0
    assert keys(stack) == before


def test_an_object_is_where_its_key_says(stack: LocalStack) -> None:
    """boto3 finds what was posted under the app and day, by the contract's own reading of the key."""
    before = keys(stack)
    frame = b"<190>1 2026-02-01T00:00:00+00:00 host app web.1 - hello"
    assert post(stack.drain_urls[VELVET], b"%d %b" % (len(frame), frame), uuid4().hex, ARRIVAL) == 200
    stack.flush()
    [key] = keys(stack) - before
    assert ObjectKey.parse(key).app == VELVET


def test_heroku_and_ssm_hold_the_same_drain_urls(stack: LocalStack) -> None:
    """The operator compares the two; SSM has them encrypted."""
    ssm = stack.client("ssm")
    for app, url in stack.drain_urls.items():
        parameter = ssm.get_parameter(Name=f"/raxx/log-drain/drain_url/{app}", WithDecryption=True)["Parameter"]
        assert (parameter["Type"], parameter["Value"]) == ("SecureString", url)


def test_outputs_are_the_runbooks_and_hold_no_secret(stack: LocalStack) -> None:
    """The `outputs` parameter has all of them, and no token is in any."""
    assert set(stack.outputs) == MEANINGS.keys()
    text = stack.client("ssm").get_parameter(Name="/raxx/log-drain/outputs")["Parameter"]["Value"]
    assert json.loads(text) == stack.outputs
    tokens = [parse_qs(urlsplit(url).query)["token"][0] for url in stack.drain_urls.values()]
    assert not any(token in text for token in tokens)
    assert all(url.startswith(stack.outputs["endpoint"] + "?") for url in stack.drain_urls.values())


@pytest.mark.parametrize(
    ("config", "accepted"),
    [
        pytest.param({"tokenGeneration": "2"}, [200, 200, 200], id="previous, current and next"),
        pytest.param({"tokenGeneration": "2", "acceptPreviousToken": "false"}, [401, 200, 200], id="previous shut out"),
    ],
)
def test_generations_of_tokens(config: dict[str, str], accepted: list[int]) -> None:
    """The key before is accepted unless that is switched off, the next one always: it is published ahead."""
    with LocalStack(Options(config=config)) as stack:
        keys = [stack.cloud.made[f"drain-keys-generation-{generation}"][1]["result"] for generation in (1, 2, 3)]
        endpoint = stack.outputs["endpoint"].removesuffix(drain_url.DRAIN_PATH)
        urls = [drain_url.url(endpoint, API, key) for key in keys]
        assert stack.drain_urls[API] == urls[1]
        assert [post(url, b"", uuid4().hex) for url in urls] == accepted


def test_drains_can_be_switched_off() -> None:
    """The emergency stop registers no drain and leaves the rest."""
    with LocalStack(Options(config={"drainsEnabled": "false"})) as stack:
        assert stack.drain_urls == {}
        assert stack.outputs["bucket"]
