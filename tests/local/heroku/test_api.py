import json
import logging
from collections.abc import Iterator
from contextlib import closing
from http.client import HTTPConnection
from typing import Any
from urllib.parse import quote, urlsplit
from uuid import UUID

import pytest

from local.heroku.api import Heroku
from local.logplex.losses import drain_name

URL = "https://logs.example.com/prod/drain?app=web&token=s3cret"
HEADERS = {"Authorization": "Bearer key", "Accept": "application/vnd.heroku+json; version=3"}


@pytest.fixture
def heroku() -> Iterator[Heroku]:
    heroku = Heroku(["web", "worker"])
    yield heroku
    heroku.stop()


def call(heroku: Heroku, method: str, path: str, body: object = None, headers: dict[str, str] = HEADERS) -> Any:
    parts = urlsplit(heroku.url)
    assert parts.hostname
    with closing(HTTPConnection(parts.hostname, parts.port, timeout=10)) as connection:
        sent = body if isinstance(body, bytes) or body is None else json.dumps(body)
        connection.request(method, path, sent, headers)
        response = connection.getresponse()
        return response.status, json.loads(response.read())


def add(heroku: Heroku, app: str = "web", url: object = URL) -> Any:
    return call(heroku, "POST", f"/apps/{app}/log-drains", {"url": url})


def test_a_drain_is_created_with_the_fields_of_the_platform_api(heroku: Heroku) -> None:
    status, drain = add(heroku)
    assert status == 201
    assert drain.keys() == {"addon", "app", "created_at", "id", "token", "updated_at", "url"}
    assert (drain["addon"], drain["url"]) == (None, URL)
    assert drain["app"] == {"id": heroku.app_id("web"), "name": "web"}
    assert UUID(drain["id"]) != UUID(drain["token"].removeprefix("d."))
    # By this name Logplex sends to it.
    assert drain["token"] == drain_name(URL)
    assert drain["created_at"] == drain["updated_at"]
    assert drain["created_at"].endswith("Z")


def test_drains_are_listed_in_the_order_of_their_creation_with_their_urls(heroku: Heroku) -> None:
    """In clear, with the token: whoever can read an app can read its drains."""
    drains = [add(heroku)[1], add(heroku, url=f"{URL}2")[1]]
    assert call(heroku, "GET", "/apps/web/log-drains") == (200, drains)
    assert heroku.drains("web") == drains
    assert call(heroku, "GET", "/apps/worker/log-drains") == (200, [])


@pytest.mark.parametrize("identity", ["id", "url", "token"])
def test_a_drain_is_found_and_deleted_by_id_url_or_token(heroku: Heroku, identity: str) -> None:
    drain = add(heroku)[1]
    other = add(heroku, url=f"{URL}2")[1]
    path = f"/apps/web/log-drains/{quote(drain[identity], safe='')}"
    assert call(heroku, "GET", path) == (200, drain)
    assert call(heroku, "DELETE", path) == (200, drain)
    assert call(heroku, "GET", path)[0] == 404
    assert call(heroku, "DELETE", path)[0] == 404
    assert heroku.drains("web") == [other]


def test_a_drain_of_one_app_is_not_found_in_another(heroku: Heroku) -> None:
    drain = add(heroku)[1]
    assert call(heroku, "DELETE", f"/apps/worker/log-drains/{drain['id']}")[0] == 404


def test_an_app_is_found_by_name_and_by_an_id_that_is_the_same_in_each_run(heroku: Heroku) -> None:
    """The stack's settings name apps by UUID: it must not change from run to run."""
    app_id = heroku.app_id("web")
    again = Heroku(["web"])
    again.stop()
    assert again.app_id("web") == app_id != heroku.app_id("worker")
    by_name, by_id = call(heroku, "GET", "/apps/web"), call(heroku, "GET", f"/apps/{app_id}")
    assert by_name == by_id
    assert (by_name[0], by_name[1]["id"], by_name[1]["name"]) == (200, app_id, "web")
    assert add(heroku, app_id)[0] == 201
    assert len(heroku.drains("web")) == 1


def test_the_same_url_twice_on_an_app_is_refused(heroku: Heroku) -> None:
    """And on two apps it is not: a URL is unique to its app only."""
    add(heroku)
    assert add(heroku) == (422, {"id": "invalid_params", "message": "Url has already been taken"})
    assert add(heroku, "worker")[0] == 201
    assert len(heroku.drains("web")) == 1


@pytest.mark.parametrize(
    "url",
    ["", "logs.example.com", "ftp://logs.example.com", "https://", "https://a b", "https://é", 1, None],
)
def test_a_bad_url_is_refused(heroku: Heroku, url: object) -> None:
    assert add(heroku, url=url) == (422, {"id": "invalid_params", "message": "Url is invalid."})
    assert heroku.drains("web") == []


def test_a_body_that_is_no_json_is_refused(heroku: Heroku) -> None:
    status, error = call(heroku, "POST", "/apps/web/log-drains", b"\xff{")
    assert (status, error["id"]) == (400, "bad_request")


@pytest.mark.parametrize("authorization", [None, "", "Bearer", "Bearer ", "key"])
def test_calls_without_credentials_are_unauthorized(heroku: Heroku, authorization: str | None) -> None:
    headers = {} if authorization is None else {"Authorization": authorization}
    error = {"id": "unauthorized", "message": "Invalid credentials provided."}
    assert call(heroku, "GET", "/apps/web/log-drains", headers=headers) == (401, error)
    assert call(heroku, "POST", "/apps/web/log-drains", {"url": URL}, headers) == (401, error)
    assert heroku.drains("web") == []


def test_the_providers_basic_credentials_are_taken(heroku: Heroku) -> None:
    assert call(heroku, "GET", "/apps/web", headers={"Authorization": "Basic OmtleQ=="})[0] == 200


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/apps/gone"),
        ("GET", "/apps/gone/config-vars"),
        ("GET", "/apps/gone/log-drains"),
        ("POST", "/apps/gone/log-drains"),
        ("GET", "/apps/web/log-drains/gone"),
        ("DELETE", "/apps/web/log-drains"),
        ("GET", "/"),
    ],
)
def test_what_is_not_there_is_not_found(heroku: Heroku, method: str, path: str) -> None:
    status, error = call(heroku, method, path, {"url": URL} if method == "POST" else None)
    assert (status, error["id"]) == (404, "not_found")


def test_drain_urls_are_never_logged(
    heroku: Heroku, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.DEBUG)
    add(heroku)
    add(heroku)
    call(heroku, "DELETE", f"/apps/web/log-drains/{quote(URL, safe='')}")
    assert "s3cret" not in caplog.text + "".join(capfd.readouterr())


def test_changing_what_drains_returned_changes_no_drain(heroku: Heroku) -> None:
    add(heroku)
    heroku.drains("web")[0]["url"] = "changed"
    assert heroku.drains("web")[0]["url"] == URL
