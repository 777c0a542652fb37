import base64
import json
import logging
import socket
import threading
import zipfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from http.client import HTTPConnection, HTTPResponse
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from werkzeug.test import EnvironBuilder
from werkzeug.wrappers import Request

from local.aws.gateway import ARRIVAL_HEADER, BadAnswer, Gateway, Handler, OutOfTime, answer, event, route, within
from local.aws.lambda_function import Config, environment
from local.child import Child, LocalError

DRAIN = "/prod/drain?app=web&token=s3cret"
OK = {"statusCode": 200, "body": ""}


def made(request: Request, *, stage: str = "prod", route_key: str = "POST /drain", time_ms: int = 0) -> dict[str, Any]:
    return event(request, route_key=route_key, stage=stage, api_id="api", request_id="id", time_ms=time_ms)


def post(headers: list[tuple[str, str]] | None = None, body: bytes = b"", query: str = "") -> Request:
    return requested("/prod/drain", query, headers or [], body)


def requested(path: str, query: str, headers: list[tuple[str, str]], body: bytes, client: str = "127.0.0.1") -> Request:
    environ = {"REMOTE_ADDR": client, "SERVER_PROTOCOL": "HTTP/1.1"}
    made = EnvironBuilder(path, method="POST", query_string=query, headers=headers, data=body, environ_base=environ)
    return Request(made.get_environ())


# ---------------------------------------------------------------- the event


def test_event_is_the_documented_example_of_payload_format_2_0() -> None:
    """AWS's example request gives AWS's example event, and what AWS's own page leaves out of it."""
    request = requested(
        "/my/path",
        "parameter1=value1&parameter1=value2&parameter2=value",
        [
            ("Host", "id.execute-api.us-east-1.amazonaws.com"),
            ("User-Agent", "agent"),
            ("Content-Type", "text/plain"),
            ("Header1", "value1"),
            ("Header2", "value1,value2"),
            ("Cookie", "cookie1; cookie2"),
        ],
        b"Hello from Lambda",
        "192.0.2.1",
    )
    assert event(
        request, route_key="$default", stage="$default", api_id="api-id", request_id="id", time_ms=1583348638390
    ) == {
        "version": "2.0",
        "routeKey": "$default",
        "rawPath": "/my/path",
        "rawQueryString": "parameter1=value1&parameter1=value2&parameter2=value",
        "cookies": ["cookie1", "cookie2"],
        "headers": {
            "host": "id.execute-api.us-east-1.amazonaws.com",
            "user-agent": "agent",
            "content-type": "text/plain",
            "content-length": "17",
            "header1": "value1",
            "header2": "value1,value2",
            "x-forwarded-for": "192.0.2.1",
            "x-forwarded-port": "80",
            "x-forwarded-proto": "http",
        },
        "queryStringParameters": {"parameter1": "value1,value2", "parameter2": "value"},
        "requestContext": {
            "accountId": "123456789012",
            "apiId": "api-id",
            "domainName": "id.execute-api.us-east-1.amazonaws.com",
            "domainPrefix": "id",
            "http": {
                "method": "POST",
                "path": "/my/path",
                "protocol": "HTTP/1.1",
                "sourceIp": "192.0.2.1",
                "userAgent": "agent",
            },
            "requestId": "id",
            "routeKey": "$default",
            "stage": "$default",
            "time": "04/Mar/2020:19:03:58 +0000",
            "timeEpoch": 1583348638390,
        },
        "body": "Hello from Lambda",
        "isBase64Encoded": False,
    }


def test_event_leaves_out_what_a_request_does_not_have() -> None:
    """Without query, cookies and body these keys are absent, never null; rawQueryString is empty."""
    bare = made(post())
    assert not {"queryStringParameters", "cookies", "body"} & bare.keys()
    assert (bare["rawQueryString"], bare["isBase64Encoded"]) == ("", False)


def test_event_has_the_stage_in_its_paths_and_not_in_its_route_key() -> None:
    named = made(post())
    assert named["rawPath"] == named["requestContext"]["http"]["path"] == "/prod/drain"
    assert named["routeKey"] == named["requestContext"]["routeKey"] == "POST /drain"
    assert named["requestContext"]["stage"] == "prod"


def test_event_decodes_parameters_and_keeps_the_raw_query() -> None:
    query = "app=a%2Fb&empty=&plus=a+b"
    sent = made(post(query=query))
    assert sent["rawQueryString"] == query
    assert sent["queryStringParameters"] == {"app": "a/b", "empty": "", "plus": "a b"}


@pytest.mark.parametrize(
    ("content_type", "is_text"),
    [
        ("text/plain", True),
        ("TEXT/CSV; charset=latin-1", True),
        ("application/json", True),
        ("application/json; charset=utf-8", True),
        ("application/xml", True),
        ("application/javascript", True),
        ("application/logplex-1", False),
        ("application/x-www-form-urlencoded", False),
        ("application/octet-stream", False),
        ("application/problem+json", False),
        ("application/jsonl", False),
        ("multipart/form-data; boundary=x", False),
        (None, False),
    ],
)
def test_event_body_is_base64_unless_its_content_type_is_text(content_type: str | None, is_text: bool) -> None:
    body = "83 <40>1 … é".encode()
    sent = made(post([("Content-Type", content_type)] if content_type else [], body))
    assert sent["isBase64Encoded"] is not is_text
    assert sent["body"] == (body.decode() if is_text else base64.b64encode(body).decode())


def test_event_never_shows_hop_by_hop_headers_nor_the_arrival_header() -> None:
    hidden = ["Connection", "Transfer-Encoding", "Expect", "Keep-Alive", ARRIVAL_HEADER]
    sent = made(post([(name, "x") for name in hidden] + [("Logplex-Frame-Id", "f")]))
    assert sent["headers"].keys() == {
        "host",
        "logplex-frame-id",
        "content-length",
        "x-forwarded-for",
        "x-forwarded-port",
        "x-forwarded-proto",
    }


def test_event_appends_the_client_to_a_forwarded_for_that_was_sent() -> None:
    """The last address is the one that the gateway saw itself; sourceIp is never what a client claims."""
    sent = made(post([("X-Forwarded-For", "203.0.113.9")]))
    assert sent["headers"]["x-forwarded-for"] == "203.0.113.9, 127.0.0.1"
    assert sent["requestContext"]["http"]["sourceIp"] == "127.0.0.1"


@pytest.mark.parametrize(
    ("method", "path", "stage", "routes", "found"),
    [
        ("POST", "/prod/drain", "prod", ["POST /drain"], "POST /drain"),
        ("GET", "/prod/drain", "prod", ["POST /drain"], None),
        ("POST", "/prod/drain/", "prod", ["POST /drain"], None),
        ("POST", "/drain", "prod", ["POST /drain"], None),
        ("POST", "/production/drain", "prod", ["POST /drain"], None),
    ],
)
def test_route_is_one_of_the_stage(method: str, path: str, stage: str, routes: list[str], found: str | None) -> None:
    assert route(method, path, stage, routes) == found


# ---------------------------------------------------------------- the answer


@pytest.mark.parametrize(
    ("returned", "expected"),
    [
        ({"statusCode": 200}, (200, [("content-type", "text/plain; charset=utf-8")], b"")),
        (
            {"statusCode": 401, "headers": {"Content-Type": "text/html", "X-Count": 3}, "body": "é"},
            (401, [("content-type", "text/html"), ("x-count", "3")], "é".encode()),
        ),
        (
            {"statusCode": 200, "headers": {"content-type": "x/y"}, "body": "AP8=", "isBase64Encoded": True},
            (200, [("content-type", "x/y")], b"\0\xff"),
        ),
        (
            {"statusCode": 200, "headers": {"content-type": "x/y"}, "cookies": ["a=1", "b=2"]},
            (200, [("content-type", "x/y"), ("set-cookie", "a=1"), ("set-cookie", "b=2")], b""),
        ),
    ],
)
def test_answer_takes_status_headers_cookies_and_body(returned: dict[str, Any], expected: object) -> None:
    taken = answer(returned)
    headers = [(name.lower(), value) for name, value in taken.headers if name != "Content-Length"]
    assert (taken.status_code, headers, taken.data) == expected


@pytest.mark.parametrize(
    "returned",
    [
        None,
        "ok",
        [],
        {},
        {"body": "no status"},
        {"statusCode": "200"},
        {"statusCode": True},
        {"statusCode": 99},
        {"statusCode": 200, "body": {"not": "a string"}},
        {"statusCode": 200, "body": "%%%", "isBase64Encoded": True},
        {"statusCode": 200, "body": "é", "isBase64Encoded": True},
        {"statusCode": 200, "headers": ["x"]},
        {"statusCode": 200, "headers": {"x": "1\r\nset-cookie: a=b"}},
        {"statusCode": 200, "cookies": ["a=b\r\nx: y"]},
    ],
)
def test_answer_that_is_none_is_a_bad_answer(returned: object) -> None:
    with pytest.raises(BadAnswer):
        answer(returned)


def test_within_tells_a_call_out_of_time_from_a_call_that_raised_a_timeout() -> None:
    never = threading.Event()
    with pytest.raises(OutOfTime):
        within(0.01, never.wait)
    never.set()

    def fails() -> None:
        raise TimeoutError("its own")

    with pytest.raises(TimeoutError, match="its own"):
        within(10, fails)


# ---------------------------------------------------------------- over sockets


@contextmanager
def serving(handler: Handler, **options: Any) -> Iterator[Gateway]:
    gateway = Gateway(handler, api_id="api", stage="prod", routes=["POST /drain"], **options)
    try:
        yield gateway
    finally:
        gateway.stop()


@contextmanager
def connected(url: str) -> Iterator[HTTPConnection]:
    parts = urlsplit(url)
    assert parts.hostname
    with closing(HTTPConnection(parts.hostname, parts.port, timeout=10)) as connection:
        yield connection


def call(
    url: str, method: str = "POST", target: str = DRAIN, body: object = b"x", **headers: str
) -> tuple[HTTPResponse, bytes]:
    with connected(url) as connection:
        connection.request(method, target, body, headers)  # type: ignore[arg-type]
        response = connection.getresponse()
        return response, response.read()


def raw(url: str, request: bytes) -> bytes:
    """Send bytes and read what comes until the server closes."""
    parts = urlsplit(url)
    with closing(socket.create_connection((parts.hostname, parts.port or 0), timeout=10)) as connection:
        connection.sendall(request)
        return b"".join(iter(lambda: connection.recv(65_536), b""))


class Recorder:
    """A handler that keeps its events."""

    def __init__(self, returned: object = OK) -> None:
        self.events: list[dict[str, Any]] = []
        self._returned = returned

    def __call__(self, sent: dict[str, Any]) -> object:
        self.events.append(sent)
        return self._returned


def test_post_reaches_the_handler_and_its_answer_the_client() -> None:
    recorder = Recorder({"statusCode": 201, "headers": {"X-Seen": "yes"}, "body": "stored"})
    with serving(recorder, clock=lambda: 1_700_000_000.25) as gateway:
        assert gateway.url == f"{gateway.origin}/prod"
        response, body = call(gateway.url, body=b"\0\xff")
    assert (response.status, response.headers["x-seen"], body) == (201, "yes", b"stored")
    assert response.headers["Content-Length"] == "6"
    assert "Transfer-Encoding" not in response.headers
    (sent,) = recorder.events
    assert base64.b64decode(sent["body"]) == b"\0\xff"
    assert sent["rawQueryString"] == "app=web&token=s3cret"
    assert sent["requestContext"]["timeEpoch"] == 1_700_000_000_250


def test_an_empty_answer_has_a_content_length_and_is_never_chunked() -> None:
    """Logplex takes a 2xx for one only with an empty body of a known length."""
    with serving(Recorder()) as gateway:
        response, body = call(gateway.url)
    assert (response.headers["Content-Length"], body) == ("0", b"")
    assert "Transfer-Encoding" not in response.headers


def test_a_header_that_is_sent_twice_is_one_of_the_event() -> None:
    recorder = Recorder()
    with serving(recorder) as gateway:
        raw(gateway.url, b"POST /prod/drain HTTP/1.1\r\nX-Twice: 1\r\nx-twice: 2\r\nConnection: close\r\n\r\n")
    assert recorder.events[0]["headers"]["x-twice"] == "1, 2"


def test_arrival_header_is_the_events_time() -> None:
    recorder = Recorder()
    with serving(recorder) as gateway:
        call(gateway.url, **{ARRIVAL_HEADER: "1583348638390"})
    (sent,) = recorder.events
    assert sent["requestContext"]["timeEpoch"] == 1583348638390
    assert sent["requestContext"]["time"] == "04/Mar/2020:19:03:58 +0000"
    assert ARRIVAL_HEADER.lower() not in sent["headers"]


def test_arrival_header_that_is_no_time_is_refused(caplog: pytest.LogCaptureFixture) -> None:
    recorder = Recorder()
    with serving(recorder) as gateway:
        response, _ = call(gateway.url, **{ARRIVAL_HEADER: "yesterday"})
    assert (response.status, recorder.events) == (400, [])
    assert f"{ARRIVAL_HEADER} is not a time in milliseconds since 1970: 'yesterday'" in caplog.text


@pytest.mark.parametrize(
    ("method", "target"),
    [("GET", "/prod/drain"), ("PUT", "/prod/drain"), ("POST", "/prod/other"), ("POST", "/drain"), ("POST", "/")],
)
def test_unknown_route_is_the_gateways_own_404(method: str, target: str) -> None:
    recorder = Recorder()
    with serving(recorder) as gateway:
        response, body = call(gateway.url, method, target)
    assert (response.status, json.loads(body), recorder.events) == (404, {"message": "Not Found"}, [])


def test_head_is_answered_without_a_body() -> None:
    """A body after HEAD would be read as the next answer on a connection that is kept."""
    with serving(Recorder()) as gateway:
        assert raw(gateway.url, b"HEAD /prod/drain HTTP/1.1\r\nConnection: close\r\n\r\n").endswith(b"\r\n\r\n")


def raises(_: dict[str, Any]) -> object:
    raise KeyError("boom")


def exits(_: dict[str, Any]) -> object:
    raise SystemExit(3)


@pytest.mark.parametrize(
    ("handler", "logged"),
    [
        (raises, "the function failed"),
        (exits, "the function failed"),
        (Recorder({"body": "x"}), "the function's answer is not a response: KeyError: 'statusCode'"),
    ],
)
def test_a_failing_function_is_a_500_and_a_line_in_the_log(
    handler: Handler, logged: str, caplog: pytest.LogCaptureFixture
) -> None:
    with serving(handler) as gateway:
        response, body = call(gateway.url)
    assert (response.status, json.loads(body)) == (500, {"message": "Internal Server Error"})
    assert logged in caplog.text


def test_a_function_that_hangs_is_a_503_at_the_integrations_time_out(caplog: pytest.LogCaptureFixture) -> None:
    never = threading.Event()
    with serving(lambda _: never.wait(), timeout_s=0.02) as gateway:
        response, body = call(gateway.url)
    never.set()
    assert (response.status, json.loads(body)) == (503, {"message": "Service Unavailable"})
    assert "the function did not answer within 0.02 s" in caplog.text


def test_no_query_string_is_ever_printed(caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]) -> None:
    """It holds the drain's token, which is a secret; requests that no one could parse hold it too."""
    caplog.set_level(logging.DEBUG)
    with serving(raises) as gateway:
        call(gateway.url)
        call(gateway.url, "GET")
        for malformed in (
            b"POST %b\r\n\r\n",
            b"POST %b HTTP/9.9.9\r\n\r\n",
            b"BREW %b HTTP/1.1\r\nConnection: close\r\n\r\n",
        ):
            assert b"s3cret" not in raw(gateway.url, malformed % DRAIN.encode())
    assert "s3cret" not in caplog.text + "".join(capfd.readouterr())


@pytest.mark.parametrize(
    ("size", "message"),
    [
        pytest.param(4_717_000, None, id="an event of less than 6 MB"),
        pytest.param(4_719_000, "Request Too Long", id="an event of more than 6 MB"),
        pytest.param(8_000_000, "Request Too Long", id="8 MB"),
        pytest.param(10 * 1024 * 1024, "Request Too Long", id="10 MB"),
        pytest.param(10 * 1024 * 1024 + 1, "Request Entity Too Large", id="more than 10 MB"),
    ],
)
@pytest.mark.parametrize("chunked", [False, True])
def test_bodies_that_lambda_or_the_gateway_does_not_take_are_refused(
    size: int, message: str | None, chunked: bool
) -> None:
    """Lambda takes events of 6 MB, and a drain's bodies are in them as base64; the gateway itself reads 10 MB."""
    recorder = Recorder()
    body = b"x" * size
    with serving(recorder) as gateway:
        response, answered = call(gateway.url, body=iter([body[:1000], body[1000:]]) if chunked else body)
    assert response.status == (413 if message else 200)
    assert len(recorder.events) == (message is None)
    if message:
        assert json.loads(answered) == {"message": message}


def test_a_function_that_may_not_be_called_is_not() -> None:
    """Without the permission in the function's policy an HTTP API answers 500 by itself."""
    recorder = Recorder()
    with serving(recorder, permitted=[]) as gateway:
        response, answered = call(gateway.url)
    assert (response.status, json.loads(answered)) == (500, {"message": "Internal Server Error"})
    assert not recorder.events


def test_connections_are_kept_and_requests_served_at_once() -> None:
    """Each of three requests waits in the function for the others."""
    together = threading.Barrier(3, timeout=10)

    def handler(_: dict[str, Any]) -> object:
        together.wait()
        return OK

    sockets = []
    with ExitStack() as stack:
        gateway = stack.enter_context(serving(handler))
        connections = [stack.enter_context(connected(gateway.url)) for _ in range(3)]
        for _ in range(2):
            for connection in connections:
                connection.request("POST", DRAIN, b"x")
            for connection in connections:
                response = connection.getresponse()
                assert (response.status, response.read()) == (200, b"")
            sockets.append([connection.sock for connection in connections])
    assert sockets[0] == sockets[1]


def test_stop_closes_kept_connections_and_frees_the_port() -> None:
    with serving(Recorder()) as gateway, connected(gateway.url) as connection:
        connection.request("POST", DRAIN, b"x")
        connection.getresponse().read()
        gateway.stop()
        assert connection.sock.recv(1) == b""
        port = urlsplit(gateway.url).port
        again = Gateway(Recorder(), api_id="api", stage="prod", routes=[], port=port or 0)
        again.stop()


def test_a_port_in_use_and_a_strange_route_are_one_clear_error() -> None:
    with serving(Recorder()) as gateway:
        port = urlsplit(gateway.url).port
        with pytest.raises(LocalError, match=rf"^cannot listen on 127\.0\.0\.1:{port} \(.*\): choose another port"):
            Gateway(Recorder(), api_id="api", stage="prod", routes=[], port=port or 0)
    with pytest.raises(LocalError, match=r"does not serve the route 'GET /\{proxy\+\}': declare it as METHOD /path"):
        Gateway(Recorder(), api_id="api", stage="prod", routes=["GET /{proxy+}"])


# ---------------------------------------------------------------- the function's process

HANDLER = """
import json, os, sys
print("cold start")

def handler(event, context):
    import contract.object_keys
    try:
        import infra
        checkout = True
    except ImportError:
        checkout = False
    print("line of the function")
    if event["rawQueryString"] == "hang":
        import threading
        threading.Event().wait()
    return {"statusCode": 200, "body": json.dumps({
        "greeting": contract.object_keys.GREETING,
        "checkout": checkout,
        "environment": {name: os.environ.get(name) for name in
            ("LOG_BUCKET", "AWS_LAMBDA_FUNCTION_NAME", "AWS_ACCESS_KEY_ID", "AWS_PROFILE", "_HANDLER")},
        "in_root": os.getcwd() == os.environ["LAMBDA_TASK_ROOT"] == sys.path[0],
        "remaining": context.get_remaining_time_in_millis(),
        "request_id": context.aws_request_id,
    })}
"""


GATEWAY = {"api_id": "api", "stage": "prod", "routes": ["POST /drain"], "permitted": ["POST /drain"]}


@pytest.fixture
def config(tmp_path: Path) -> dict[str, Any]:
    archive = tmp_path / "receiver.zip"
    with zipfile.ZipFile(archive, "w") as files:
        files.writestr("receiver/handler.py", HANDLER)
        files.writestr("contract/object_keys.py", "GREETING = 'from the archive'")
    return {
        "archive": str(archive),
        "handler": "receiver.handler.handler",
        "environment": {"LOG_BUCKET": "logs"},
        "timeout_s": 10,
        "memory_mb": 256,
        "name": "receiver",
        "address": str(tmp_path / "receiver.url"),
        "gateway": GATEWAY,
    }


@pytest.fixture
def function(config: dict[str, Any], tmp_path: Path) -> Iterator[Callable[..., Child]]:
    started: list[Child] = []

    def start(**changes: Any) -> Child:
        env = {
            "AWS_PROFILE": "real",
            "AWS_ACCESS_KEY_ID": "real",
            "AWS_REGION": "us-east-1",
            "PYTHONUNBUFFERED": "",  # nothing of the surroundings may help the log along
        }
        started.append(Child("local.aws.lambda_function", {**config, **changes}, log=tmp_path / "log", env=env))
        return started[-1]

    yield start
    for child in started:
        child.stop()


def test_function_runs_the_archives_code_and_never_the_checkouts(function: Callable[..., Child]) -> None:
    """A module that is in both is the archive's; one that only the checkout has is missing."""
    _, body = call(function().ready["url"])
    seen = json.loads(body)
    assert (seen["greeting"], seen["checkout"], seen["in_root"]) == ("from the archive", False, True)


def test_function_has_the_declared_environment_lambdas_own_and_no_real_credentials(
    function: Callable[..., Child],
) -> None:
    _, body = call(function().ready["url"])
    assert json.loads(body)["environment"] == {
        "LOG_BUCKET": "logs",
        "AWS_LAMBDA_FUNCTION_NAME": "receiver",
        "AWS_ACCESS_KEY_ID": "local",
        "AWS_PROFILE": None,
        "_HANDLER": "receiver.handler.handler",
    }


def test_function_gets_a_context_of_its_own_for_each_event(function: Callable[..., Child]) -> None:
    url = function().ready["url"]
    first, second = (json.loads(call(url)[1]) for _ in range(2))
    assert 0 < first["remaining"] <= 10_000
    assert first["request_id"] != second["request_id"]


def test_what_the_function_prints_is_in_the_log_at_once(function: Callable[..., Child], tmp_path: Path) -> None:
    call(function().ready["url"])
    assert (tmp_path / "log").read_text().splitlines() == ["cold start", "line of the function"]


def test_a_function_out_of_its_own_time_is_a_500(function: Callable[..., Child], tmp_path: Path) -> None:
    """Lambda ends it, before the gateway's own time-out: that would be a 503."""
    response, _ = call(function(timeout_s=0.05).ready["url"], target="/prod/drain?hang")
    assert response.status == 500
    assert "TimeoutError: the function was not done within its 0.05 s" in (tmp_path / "log").read_text()


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"handler": "receiver.handler.gone"}, "has no attribute 'gone'"),
        ({"handler": "receiver.gone.handler"}, "ModuleNotFoundError: No module named 'receiver.gone'"),
        ({"gateway": {**GATEWAY, "routes": ["GET /{proxy+}"]}}, "does not serve the route"),
    ],
)
def test_a_function_that_cannot_run_is_one_clear_line(
    function: Callable[..., Child], changes: dict[str, Any], reason: str
) -> None:
    with pytest.raises(LocalError) as error:
        function(**changes)
    assert reason in str(error.value)
    assert "\n" not in str(error.value)


def test_a_port_in_use_is_one_clear_line(function: Callable[..., Child]) -> None:
    with serving(Recorder()) as gateway:
        port = urlsplit(gateway.url).port
        with pytest.raises(LocalError, match=f"cannot listen on 127.0.0.1:{port} "):
            function(gateway={**GATEWAY, "port": port})


def test_declared_variables_go_above_lambdas_own(config: dict[str, Any]) -> None:
    """That is how the stack gives its function another region, or credentials of its own."""
    declared = Config(**{**config, "environment": {"AWS_REGION": "eu-west-1", "AWS_ACCESS_KEY_ID": "role"}})
    variables = environment(declared, Path("/task"), "us-east-1")
    assert variables["AWS_REGION"] == variables["AWS_DEFAULT_REGION"] == "eu-west-1"
    assert variables["AWS_ACCESS_KEY_ID"] == "role"
