"""Heroku's API as the runbook asks it, and what is said when it does not answer as it should."""

import json
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from werkzeug.wrappers import Request, Response

from local.heroku.api import Heroku as StandIn
from local.http_server import HttpServer
from runbook.clients import heroku
from runbook.clients.heroku import Drain, Heroku
from runbook.drains import urls
from runbook.errors import Denied, RunbookError

APP = "raxx-api-prod"
URL = "https://a.execute-api.us-east-1.amazonaws.com/prod/drain?app=raxx-api-prod&token=a-secret-token"
KEY = "a-secret-key"


class Scripted(HttpServer):
    """An API whose responses a test gives; it keeps the requests."""

    def __init__(self, *responses: Response) -> None:
        self.responses, self.requests = list(responses), list[Request]()
        super().__init__(Request.application(self._respond))

    def _respond(self, request: Request) -> Response:
        self.requests.append(request)
        return self.responses.pop(0) if len(self.responses) > 1 else self.responses[0]


Script = Callable[..., tuple[Heroku, Scripted]]


@pytest.fixture
def script() -> Iterator[Script]:
    servers: list[Scripted] = []

    def start(*responses: Response) -> tuple[Heroku, Scripted]:
        server = Scripted(*responses)
        servers.append(server)
        return Heroku(KEY, server.origin), server

    yield start
    for server in servers:
        server.stop()


@pytest.fixture
def stand_in() -> Iterator[StandIn]:
    server = StandIn([APP])
    yield server
    server.stop()


def said(status: int, document: object, **headers: str) -> Response:
    return Response(json.dumps(document), status, {name.replace("_", "-"): value for name, value in headers.items()})


def listed(name: str) -> dict[str, object]:
    return {"id": name, "url": f"https://example.com/{name}", "addon": None}


def test_a_drain_is_registered_listed_and_removed(stand_in: StandIn) -> None:
    api = Heroku(KEY, stand_in.url)
    added = api.add_drain(APP, URL)
    [shown] = stand_in.drains(APP)
    assert api.drains(APP) == (added,)
    assert added == Drain(shown["id"], URL, name=shown["token"], created_at=shown["created_at"])
    api.remove_drain(APP, added.id)
    assert api.drains(APP) == ()


def test_a_drain_that_is_gone_is_removed(stand_in: StandIn) -> None:
    """So that a repeat of what was interrupted goes on."""
    Heroku(KEY, stand_in.url).remove_drain(APP, "no-such-drain")


def test_a_drain_of_an_app_that_is_not_there_is_not_removed(stand_in: StandIn) -> None:
    with pytest.raises(RunbookError, match="no app another-app"):
        Heroku(KEY, stand_in.url).remove_drain("another-app", "x")


@pytest.mark.parametrize("document", [{}, [1], [{"id": "a"}], "x", None])
def test_an_answer_of_another_shape_is_said(script: Script, document: object) -> None:
    api, _ = script(said(200, document))
    with pytest.raises(RunbookError):
        api.drains(APP)


def test_a_token_alone_is_not_repeated_either(script: Script) -> None:
    api, _ = script(
        said(422, {"message": "Url ?token=a-secret-token taken, a-secret-token-that-is-as-long-as-ours-are"})
    )
    with pytest.raises(RunbookError) as raised:
        api.add_drain(APP, URL)
    assert "a-secret" not in str(raised.value)


def test_an_apps_id_is_its_uuid(stand_in: StandIn) -> None:
    assert Heroku(KEY, stand_in.url).app_id(APP) == stand_in.app_id(APP)


def test_all_pages_are_read(script: Script) -> None:
    """206 with Next-Range says that there is more."""
    api, server = script(said(206, [listed("a")], Next_Range="]a..; max=1"), said(200, [listed("b")]))
    assert [drain.id for drain in api.drains(APP)] == ["a", "b"]
    assert [request.headers.get("range") for request in server.requests][1] == "]a..; max=1"


def test_an_add_ons_drain_is_told_apart(script: Script) -> None:
    api, _ = script(said(200, [listed("a") | {"addon": {"id": "x"}}, listed("b")]))
    assert [drain.addon for drain in api.drains(APP)] == [True, False]


def test_a_get_is_tried_again(script: Script) -> None:
    api, server = script(Response(status=503), Response(status=502), said(200, []))
    assert api.drains(APP) == ()
    assert len(server.requests) == 3


def test_a_post_is_not(script: Script) -> None:
    """It may have been done all the same."""
    api, server = script(Response(status=503))
    with pytest.raises(RunbookError, match="responded 503"):
        api.add_drain(APP, URL)
    assert len(server.requests) == 1


@pytest.mark.parametrize(
    ("answer", "kind", "message"),
    [
        (
            said(401, {"id": "unauthorized", "message": "no"}),
            RunbookError,
            "rejects the key: .*HEROKU_API_KEY",
        ),
        (
            said(403, {"id": "forbidden"}),
            Denied,
            "not allowed to do that with raxx-api-prod; use the key of a member who is",
        ),
        (
            # heroku/hk #172, heroku/heroku-repo #24.
            said(
                403,
                {
                    "id": "two_factor",
                    "message": "A second authentication factor or pre-authorization is required for this request. Your "
                    "account has either two-factor or a Yubikey registered.",
                    "app": {"id": "x", "name": APP},
                },
            ),
            Denied,
            "your second authentication factor for raxx-api-prod: run `heroku drains --app raxx-api-prod`, enter",
        ),
        (said(403, {"id": "suspended", "message": "x"}), RunbookError, "suspended raxx-api-prod or your account"),
        (said(402, {"id": "delinquent", "message": "x"}), RunbookError, "unpaid invoice"),
        (
            said(403, {"id": "new", "message": f"not from here {URL}"}),
            Denied,
            r"a member who is \(Heroku: not from here",
        ),
        (said(404, {"id": "not_found"}), RunbookError, "sees no app raxx-api-prod: check the name"),
        (
            said(422, {"message": f"{URL} has already been taken"}),
            RunbookError,
            r"refuses .*: \(…\) has already been",
        ),
        (said(429, {}), RunbookError, "try again in a minute"),
        (Response("<html>"), RunbookError, "responded 200"),
        (Response(status=302, headers={"Location": "https://example.com/"}), RunbookError, "responded 302"),
    ],
)
def test_what_heroku_refuses_is_one_line_that_says_what_to_do(
    script: Script, answer: Response, kind: type[RunbookError], message: str
) -> None:
    api, _ = script(answer)
    with pytest.raises(kind, match=message) as raised:
        api.add_drain(APP, URL)
    printed = "".join(traceback.format_exception(raised.value))
    assert "\n" not in str(raised.value)
    assert "a-secret" not in printed


def test_an_api_that_cannot_be_reached_is_said_without_secrets() -> None:
    server = Scripted(Response(status=200))
    server.stop()
    with pytest.raises(RunbookError, match="cannot reach") as raised:
        Heroku(KEY, server.origin).add_drain(APP, URL)
    assert "a-secret" not in "".join(traceback.format_exception(raised.value))


def test_neither_key_nor_url_is_in_a_repr() -> None:
    assert "a-secret" not in repr((Heroku(KEY), Drain("a", URL)))


# ---------------------------------------------------------------- the key


def test_the_key_is_the_environments(monkeypatch: pytest.MonkeyPatch, script: Script) -> None:
    _, server = script(said(200, []))
    monkeypatch.setenv("HEROKU_API_KEY", KEY)
    monkeypatch.setenv("HEROKU_API_URL", server.origin)
    heroku.from_environment().drains(APP)
    assert server.requests[0].headers.get("authorization") == f"Bearer {KEY}"


def test_or_else_the_one_that_the_heroku_cli_keeps(
    monkeypatch: pytest.MonkeyPatch, script: Script, tmp_path: Path
) -> None:
    _, server = script(said(200, []))
    monkeypatch.setenv("HEROKU_API_URL", server.origin)
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / ".netrc").write_text(f"machine 127.0.0.1\n  login ops@raxx.app\n  password {KEY}\n")
    (tmp_path / ".netrc").chmod(0o600)
    heroku.from_environment().drains(APP)
    assert server.requests[0].headers.get("authorization") == f"Bearer {KEY}"


@pytest.mark.parametrize("text", [None, "machine example.com login x password y", "nonsense {"])
def test_without_a_key_it_is_said_how_to_get_one(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, text: str | None
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    if text:
        (tmp_path / ".netrc").write_text(text)
    with pytest.raises(RunbookError, match="log in with `heroku login`, and export HEROKU_API_KEY"):
        heroku.from_environment()


@pytest.mark.parametrize("key", ["a-secret key", "a-secret\nkey", "a-secret-k\u00e9y"])
def test_a_key_that_is_none_is_refused_unquoted(monkeypatch: pytest.MonkeyPatch, key: str) -> None:
    monkeypatch.setenv("HEROKU_API_KEY", key)
    with pytest.raises(RunbookError, match="invalid characters") as raised:
        heroku.from_environment()
    assert "a-secret" not in str(raised.value)


# ---------------------------------------------------------------- URLs

ENDPOINT = "https://a.execute-api.us-east-1.amazonaws.com/prod/drain"


@pytest.mark.parametrize(
    ("url", "ours"),
    [
        (URL, True),
        (ENDPOINT, True),
        (ENDPOINT.replace("https", "http"), False),
        (ENDPOINT.replace("//a.", "//b."), False),
        (ENDPOINT + "2?app=x", False),
        ("syslog://a.example.com:514", False),
        (ENDPOINT.replace("//", "//user@"), False),
        (ENDPOINT.replace("//a.", "//A.").replace(".com/", ".com:443/"), True),
        ("https://[", False),
    ],
)
def test_a_drain_is_ours_by_scheme_host_and_path(url: str, ours: bool) -> None:
    assert urls.is_ours(url, ENDPOINT) is ours


def test_a_url_is_shown_without_what_may_be_secret() -> None:
    shown = urls.masked("https://user:a-secret@logs.example.com/x?token=a-secret")
    assert shown == "https://logs.example.com/x?…"
