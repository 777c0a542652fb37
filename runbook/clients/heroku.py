"""The runbook's way to Heroku: the part of the Platform API that registers log drains.

Source: Heroku Dev Center, "Platform API Reference" (App, Log Drain, Ranges). A drain's URL is a secret, which the API
gives in clear: it is in no message of an error and in no repr.
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
_LOG_IN = 'log in by `heroku login`, and export HEROKU_API_KEY="$(heroku auth:token)"'
_TIMEOUT_S = 10.0
_TRIES = 3
_KEY = re.compile(r"[!-~]+")
_PLAIN_WORD = re.compile(r"[\w.,:;'()-]{1,24}")
_OTHER = "Heroku's API answered something that it does not say of itself: see status.heroku.com, and HEROKU_API_URL"


@dataclass(frozen=True)
class Drain:
    """A log drain of an app; `addon` is whether an add-on has made it, and then it is the add-on's."""

    id: str
    url: str = field(repr=False)
    addon: bool = False


class Heroku:
    """Heroku's API by one key; safe to use from several threads."""

    def __init__(self, key: str, url: str = _API) -> None:
        """Ask nothing yet. `url` is where the API is."""
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
            raise RunbookError(_OTHER)
        return tuple(map(_drain, sorted(listed, key=lambda found: _field(found, "created_at", ""))))

    def add_drain(self, app: str, url: str) -> Drain:
        """Register a drain. RunbookError, Denied."""
        return _drain(self._ask("POST", app, "/log-drains", {"url": url}))

    def remove_drain(self, app: str, drain_id: str) -> None:
        """Remove a drain; one that is gone already is as well. RunbookError, Denied."""
        self._ask("DELETE", app, f"/log-drains/{quote(drain_id, safe='')}", gone_is_fine=True)

    def _ask(self, method: str, app: str, path: str = "", body: object = None, *, gone_is_fine: bool = False) -> Any:
        found: Any = None
        ranges: str | None = "id ..; max=1000"
        while ranges:
            answer = self._request(method, f"/apps/{quote(app, safe='')}{path}", body, ranges)
            if gone_is_fine and answer.status == 404:
                # Unless it is the app that is not there, which this says.
                return self.drains(app)
            page = _read(answer, app)
            found = found + page if found else page
            # 206: there is more ("Ranges").
            ranges = answer.headers.get("Next-Range") if answer.status == 206 else None
        return found

    def _request(self, method: str, path: str, body: object, ranges: str) -> "urllib3.BaseHTTPResponse":
        import urllib3

        headers = {
            "Accept": "application/vnd.heroku+json; version=3",
            "Authorization": f"Bearer {self._key}",
            "Range": ranges,
        }
        # What changes something is sent once: an answer that did not come does not say that it was not done.
        retries = urllib3.Retry(_TRIES - 1, redirect=0, status_forcelist=(500, 502, 503, 504), raise_on_status=False)
        try:
            return urllib3.request(
                method, self._url + path, json=body, headers=headers, timeout=_TIMEOUT_S,
                retries=retries if method == "GET" else False,
            )  # fmt: skip
        except urllib3.exceptions.HTTPError as error:
            raise RunbookError(
                f"Heroku's API at {self._url} cannot be reached ({type(error).__name__}): check the network, "
                "HEROKU_API_URL and status.heroku.com"
            ) from None


def from_environment() -> Heroku:
    """The API as HEROKU_API_KEY says, or else the login that the Heroku CLI keeps in ~/.netrc; HEROKU_API_URL is where.

    RunbookError when there is neither.
    """
    url = os.environ.get("HEROKU_API_URL") or _API
    try:
        host = urlsplit(url).hostname or ""
    except ValueError:
        raise RunbookError(f"HEROKU_API_URL is {url!r}, which is no URL: unset it") from None
    key = os.environ.get("HEROKU_API_KEY", "").strip() or _login(host)
    if not key:
        raise RunbookError(f"there is no Heroku key: {_LOG_IN}")
    # As a header's value it would be refused by an error that quotes it.
    if not _KEY.fullmatch(key):
        raise RunbookError(f"the Heroku key has spaces or signs that no key has: {_LOG_IN}")
    return Heroku(key, url)


def _login(host: str) -> str | None:
    try:
        found = netrc.netrc().authenticators(host)
    except (OSError, netrc.NetrcParseError):
        return None
    return found[2] if found else None


def _drain(found: Any) -> Drain:
    return Drain(_field(found, "id"), _field(found, "url"), found.get("addon") is not None)


def _field(found: Any, name: str, default: str | None = None) -> str:
    value = found.get(name, default) if isinstance(found, dict) else None
    if not isinstance(value, str):
        raise RunbookError(_OTHER)
    return value


def _read(answer: "urllib3.BaseHTTPResponse", app: str) -> Any:
    try:
        found = json.loads(answer.data)
    except ValueError:
        found = None
    if 200 <= answer.status < 300 and found is not None:
        return found
    said = found.get("message", "") if isinstance(found, dict) else ""
    match answer.status:
        case 401:
            raise RunbookError(f"Heroku does not accept the key: {_LOG_IN}")
        case 403:
            raise Denied(f"this Heroku key may not do that with {app}; one of a member who may manage {app} may")
        case 404:
            raise RunbookError(f"Heroku shows no app {app} to this key: check its name, or use a member's key")
        case 422:
            raise RunbookError(f"Heroku refuses the drain of {app}: {_printable(said)}")
        case 429:
            raise RunbookError("Heroku's API has had too many requests of this key: try again in a minute")
    raise RunbookError(f"Heroku's API answered {answer.status}: see status.heroku.com, and try again")


def _printable(text: str) -> str:
    """What Heroku says, on one line, without a URL or a token that it may repeat."""
    return " ".join(word if _PLAIN_WORD.fullmatch(word) else "(…)" for word in str(text).split())
