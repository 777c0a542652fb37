"""The drain URL, `<endpoint>/drain?app=<app>&token=<token>`, and the drain keys from which its token is derived."""

import hmac
import json
from base64 import urlsafe_b64encode
from collections.abc import Sequence
from urllib.parse import urlencode

DRAIN_PATH = "/drain"


def token(key: str, app: str) -> str:
    """Derive an app's token from a drain key: base64url, unpadded, of HMAC-SHA256(key, app).

    One token per app: someone who can read one app's drains does not hold the tokens of the others.
    """
    digest = hmac.digest(key.encode(), app.encode(), "sha256")
    return urlsafe_b64encode(digest).rstrip(b"=").decode()


def url(endpoint: str, app: str, key: str) -> str:
    """Give the URL to register as an app's drain; `endpoint` is the API's stage, without a trailing slash."""
    return f"{endpoint}{DRAIN_PATH}?{urlencode({'app': app, 'token': token(key, app)})}"


def format_keys(keys: Sequence[str]) -> str:
    """Write the value of the SSM parameter `drain_keys`: the accepted drain keys, the current one first."""
    return json.dumps(keys)


def parse_keys(text: str) -> tuple[str, ...]:
    """Read such a value back; ValueError unless it is a JSON array of one key or more."""
    keys = json.loads(text)
    if not isinstance(keys, list) or not keys or not all(map(_is_key, keys)):
        raise ValueError("not a JSON array of drain keys")
    return tuple(keys)


def _is_key(value: object) -> bool:
    # An empty key would accept tokens that anyone can derive. JSON can escape half of a surrogate pair, which is not
    # printable and has no UTF-8.
    return isinstance(value, str) and value != "" and value.isprintable()
