"""Heroku's Platform API, as far as it is about log drains.

Source: Heroku Dev Center, "Platform API Reference" (App, Log Drain, Ranges). The API returns drain URLs, which are
secret, in plain text: no error message and no repr contains them.
"""

import json
import netrc
import os
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlsplit

from runbook.errors import Denied, RunbookError

if TYPE_CHECKING:
    import urllib3

_API = "https://api.heroku.com"
_LOG_IN = 'log in with `heroku login`, and export HEROKU_API_KEY="$(heroku auth:token)"'
_TIMEOUT_S = 10.0
_TRIES = 3
_KEY = re.compile(r"[!-~]+")
_PLAIN_WORD = re.compile(r"[\w.,:;'()-]{1,24}")
_UNEXPECTED = "unexpected response from Heroku's API: see status.heroku.com, and check HEROKU_API_URL"


@dataclass(frozen=True)
class Drain:
    """A log drain of an app; `addon` says whether it belongs to an add-on.

    `name` is its name in Logplex, `d.<uuid>`, which Heroku calls its token and `heroku drains` shows (Dev Center, "Log
    Drains"): not a secret. `created_at` is in ISO 8601, UTC.
    """

    id: str
    url: str = field(repr=False)
    addon: bool = False
    name: str = ""
    created_at: str = ""


class Heroku:
    """Heroku's API with one key; thread-safe."""

    def __init__(self, key: str, url: str = _API) -> None:
        """`url` is the address of the API."""
        self._key, self._url = key, url.rstrip("/")

    def __repr__(self) -> str:
        return f"Heroku({self._url!r})"

    def app_id(self, app: str) -> str:
        """The UUID of an app. RunbookError, Denied."""
        return _field(self._ask("GET", app), "id")

    def drains(self, app: str) -> tuple[Drain, ...]:
        """All drains of an app, oldest first. RunbookError, Denied."""
        listed = self._ask("GET", app, "/log-drains")
        if not isinstance(listed, list):
            raise RunbookError(_UNEXPECTED)
        return tuple(map(_drain, sorted(listed, key=lambda found: _field(found, "created_at", ""))))

    def add_drain(self, app: str, url: str) -> Drain:
        """Register a drain. RunbookError, Denied."""
        return _drain(self._ask("POST", app, "/log-drains", {"url": url}))

    def remove_drain(self, app: str, drain_id: str) -> None:
        """Remove a drain, if it still exists. RunbookError, Denied."""
        self._ask("DELETE", app, f"/log-drains/{quote(drain_id, safe='')}", allow_missing=True)

    def _ask(self, method: str, app: str, path: str = "", body: object = None, *, allow_missing: bool = False) -> Any:
        found: Any = None
        ranges: str | None = "id ..; max=1000"
        while ranges:
            response = self._request(method, f"/apps/{quote(app, safe='')}{path}", body, ranges)
            if allow_missing and response.status == 404:
                # The drain is gone, unless the app is; then this raises.
                return self.drains(app)
            page = _read(response, app)
            found = found + page if found else page
            # 206: there are more pages ("Ranges").
            ranges = response.headers.get("Next-Range") if response.status == 206 else None
        return found

    def _request(self, method: str, path: str, body: object, ranges: str) -> "urllib3.BaseHTTPResponse":
        import urllib3

        headers = {
            "Accept": "application/vnd.heroku+json; version=3",
            "Authorization": f"Bearer {self._key}",
            "Range": ranges,
        }
        # Never retry a change: a missing response does not mean that it failed.
        retries = urllib3.Retry(_TRIES - 1, redirect=0, status_forcelist=(500, 502, 503, 504), raise_on_status=False)
        try:
            return urllib3.request(
                method, self._url + path, json=body, headers=headers, timeout=_TIMEOUT_S,
                retries=retries if method == "GET" else False,
            )  # fmt: skip
        except urllib3.exceptions.HTTPError as error:
            raise RunbookError(
                f"cannot reach Heroku's API at {self._url} ({type(error).__name__}): check the network, "
                "HEROKU_API_URL and status.heroku.com"
            ) from None


def from_environment() -> Heroku:
    """The API at HEROKU_API_URL, with HEROKU_API_KEY or the Heroku CLI's login in ~/.netrc. RunbookError without."""
    url = os.environ.get("HEROKU_API_URL") or _API
    try:
        host = urlsplit(url).hostname or ""
    except ValueError:
        raise RunbookError(f"HEROKU_API_URL is not a valid URL: {url!r}: unset it") from None
    key = os.environ.get("HEROKU_API_KEY", "").strip() or _login(host)
    if not key:
        raise RunbookError(f"no Heroku key found: {_LOG_IN}")
    # urllib3 would refuse it as a header, with an error that quotes it.
    if not _KEY.fullmatch(key):
        raise RunbookError(f"the Heroku key has invalid characters: {_LOG_IN}")
    return Heroku(key, url)


def _login(host: str) -> str | None:
    try:
        found = netrc.netrc().authenticators(host)
    except (OSError, netrc.NetrcParseError):
        return None
    return found[2] if found else None


def _drain(found: Any) -> Drain:
    return Drain(
        _field(found, "id"),
        _field(found, "url"),
        found.get("addon") is not None,
        _field(found, "token", ""),
        _field(found, "created_at", ""),
    )


def _field(found: Any, name: str, default: str | None = None) -> str:
    value = found.get(name, default) if isinstance(found, dict) else None
    if not isinstance(value, str):
        raise RunbookError(_UNEXPECTED)
    return value


def _read(response: "urllib3.BaseHTTPResponse", app: str) -> Any:
    try:
        found = json.loads(response.data)
    except ValueError:
        found = None
    if 200 <= response.status < 300 and found is not None:
        return found
    message, id_ = (found.get(name, "") if isinstance(found, dict) else "" for name in ("message", "id"))
    match response.status:
        case 401:
            raise RunbookError(f"Heroku rejects the key: {_LOG_IN}")
        case 402:
            raise RunbookError(
                f"the account has an unpaid invoice or no confirmed payment method: the owner of {app} settles it in "
                "Heroku's dashboard"
            )
        case 403:
            raise _forbidden(id_, message, app)
        case 404:
            raise RunbookError(f"this Heroku key sees no app {app}: check the name, or use a member's key")
        case 422:
            raise RunbookError(f"Heroku refuses the drain of {app}: {_printable(message)}")
        case 429:
            raise RunbookError("too many requests to Heroku's API with this key: try again in a minute")
    raise RunbookError(f"Heroku's API responded {response.status}: see status.heroku.com, and try again")


def _forbidden(id_: str, message: str, app: str) -> RunbookError:
    """Tell the reasons of a 403 apart (Platform API reference, "Error responses")."""
    if id_ == "two_factor":
        # The Heroku CLI asks for the code, and with it authorizes the app for a short time (heroku/heroku-cli-command,
        # api-client.ts, twoFactorRetry; heroku/hk #172). A direct authorization needs none (Heroku Help, "MFA
        # Requirement - Users and login types").
        return Denied(
            f"Heroku requires your second authentication factor for {app}: run `heroku drains --app {app}`, enter the "
            "code, and run this again; or use a token of `heroku authorizations:create` as HEROKU_API_KEY"
        )
    if id_ == "suspended":
        return RunbookError(f"Heroku suspended {app} or your account: ask Heroku support (help.heroku.com)")
    says = f" (Heroku: {_printable(message)})" if message else ""
    return Denied(f"this Heroku key is not allowed to do that with {app}; use the key of a member who is{says}")


def _printable(text: str) -> str:
    """Heroku's message on one line, without any URL or token in it."""
    return " ".join(word if _PLAIN_WORD.fullmatch(word) else "(…)" for word in str(text).split())
