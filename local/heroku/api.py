"""Heroku on this machine: the part of the Platform API that registers log drains.

The fields are those of the Platform API's schema (Heroku Dev Center, "Platform API Reference", App and Log Drain); the
messages are quoted from the tests of Heroku's clients. Nothing is logged, because drain URLs contain tokens.
"""

import json
import re
import threading
from collections.abc import Iterable
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any
from urllib.parse import unquote
from uuid import NAMESPACE_DNS, uuid4, uuid5

from werkzeug.wrappers import Request, Response

from local.http_server import HttpServer
from local.logplex.losses import drain_name

# The Terraform provider, and so Pulumi's, sends its key as the password of Basic.
_CREDENTIALS = re.compile(r"(?:Bearer|Basic) +\S.*", re.IGNORECASE)


class _ApiError(Exception):
    def __init__(self, status: HTTPStatus, error_id: str, message: str) -> None:
        super().__init__(message)
        self.status, self.id = status, error_id


class Heroku(HttpServer):
    """An account with these apps, which have no drains at first."""

    def __init__(self, apps: Iterable[str], *, host: str = "127.0.0.1", port: int = 0) -> None:
        """Listen and serve; LocalError if the port is not available."""
        self._drains: dict[str, list[dict[str, Any]]] = {app: [] for app in apps}
        self._lock = threading.Lock()
        super().__init__(Request.application(self._respond), host=host, port=port)
        self.url = self.origin

    @staticmethod
    def app_id(name: str) -> str:
        """Give an app's UUID, the same in each run."""
        return str(uuid5(NAMESPACE_DNS, f"{name}.herokuapp.com"))

    @property
    def drains_by_app(self) -> dict[str, list[dict[str, Any]]]:
        """All drains by app. Tests change it as somebody else would change drains at Heroku."""
        return self._drains

    def drains(self, name: str) -> list[dict[str, Any]]:
        """Give an app's drains, oldest first, as the API shows them."""
        with self._lock:
            return [dict(drain) for drain in self._drains[name]]

    def _respond(self, request: Request) -> Response:
        try:
            if not _CREDENTIALS.fullmatch(request.headers.get("Authorization", "")):
                raise _ApiError(HTTPStatus.UNAUTHORIZED, "unauthorized", "Invalid credentials provided.")
            with self._lock:
                return _json(*self._call(request))
        except _ApiError as error:
            return _json(error.status, {"id": error.id, "message": str(error)})

    def _call(self, request: Request) -> tuple[HTTPStatus, Any]:
        # The path may contain a drain's URL, so it is split before it is decoded.
        path = request.environ["REQUEST_URI"].partition("?")[0]
        match request.method, [unquote(part) for part in path.split("/")[1:]]:
            case "GET", ["apps", app]:
                return HTTPStatus.OK, _app(self._find_app(app))
            case "GET", ["apps", app, "log-drains"]:
                return HTTPStatus.OK, self._drains[self._find_app(app)]
            case "POST", ["apps", app, "log-drains"]:
                return HTTPStatus.CREATED, self._create_drain(self._find_app(app), request.get_data())
            case "GET", ["apps", app, "log-drains", drain]:
                return HTTPStatus.OK, self._find_drain(self._find_app(app), drain)
            case "DELETE", ["apps", app, "log-drains", drain]:
                name = self._find_app(app)
                deleted = self._find_drain(name, drain)
                self._drains[name].remove(deleted)
                return HTTPStatus.OK, deleted
        raise _ApiError(HTTPStatus.NOT_FOUND, "not_found", "The requested API endpoint was not found.")

    def _find_app(self, name_or_id: str) -> str:
        for name in self._drains:
            if name_or_id in (name, Heroku.app_id(name)):
                return name
        raise _ApiError(HTTPStatus.NOT_FOUND, "not_found", "Couldn't find that app.")

    def _find_drain(self, app: str, query: str) -> dict[str, Any]:
        for drain in self._drains[app]:
            if query in (drain["id"], drain["url"], drain["token"]):
                return drain
        raise _ApiError(HTTPStatus.NOT_FOUND, "not_found", "Couldn't find that log drain.")

    def _create_drain(self, app: str, body: bytes) -> dict[str, Any]:
        url = _drain_url(body)
        if any(drain["url"] == url for drain in self._drains[app]):
            raise _ApiError(HTTPStatus.UNPROCESSABLE_ENTITY, "invalid_params", "Url has already been taken")
        now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        drain = {
            "addon": None,
            "app": {"id": Heroku.app_id(app), "name": app},
            "created_at": now,
            "id": str(uuid4()),
            "token": drain_name(url),
            "updated_at": now,
            "url": url,
        }
        self._drains[app].append(drain)
        return drain


def _app(name: str) -> dict[str, Any]:
    # The fields that Pulumi's provider and the runbook read.
    return {
        "id": Heroku.app_id(name),
        "name": name,
        "region": {"id": str(uuid5(NAMESPACE_DNS, "us.heroku.com")), "name": "us"},
        "web_url": f"https://{name}.herokuapp.com/",
    }


def _drain_url(body: bytes) -> str:
    try:
        parameters = json.loads(body)
    except ValueError:
        raise _ApiError(
            HTTPStatus.BAD_REQUEST, "bad_request", "Request invalid, validate usage and try again."
        ) from None
    url = parameters.get("url") if isinstance(parameters, dict) else None
    if not isinstance(url, str) or not _is_drain_url(url):
        raise _ApiError(HTTPStatus.UNPROCESSABLE_ENTITY, "invalid_params", "Url is invalid.")
    return url


def _is_drain_url(url: str) -> bool:
    return re.fullmatch(r"(https?|syslog(\+tls)?)://[!-~]+", url) is not None


def _json(status: HTTPStatus, value: Any) -> Response:
    return Response(json.dumps(value), status, content_type="application/json")
