"""The drain URL, `<endpoint>/drain?app=<app>&token=<token>`, and the drain keys from which its token is derived."""

import hmac
from base64 import urlsafe_b64encode
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
