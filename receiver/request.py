"""API Gateway's event (HTTP API, payload format 2.0) -> what the receiver needs of it."""

import binascii
from collections.abc import Mapping
from contextlib import suppress
from typing import Any, NamedTuple
from urllib.parse import parse_qs

from contract.drain import DRAIN_PATH
from contract.keys import APP_NAME
from receiver.batch import Batch


class Refused(Exception):
    """A request that is answered without a look at its body; `status` is the answer."""

    def __init__(self, status: int) -> None:
        super().__init__(f"answered {status}")
        self.status = status


class Credentials(NamedTuple):
    """The app that a request says it is from, and the token that has to prove it."""

    app: str
    token: str


def credentials(event: Mapping[str, Any]) -> Credentials:
    """Read the drain URL's parameters; Refused for another path (404), method (405) or a bad query (401)."""
    context = event.get("requestContext") or {}
    if _path(event, context) != DRAIN_PATH:
        raise Refused(404)
    if (context.get("http") or {}).get("method") != "POST":
        raise Refused(405)
    # queryStringParameters joins values given twice with a comma; only the raw string tells.
    try:
        query = parse_qs(event.get("rawQueryString") or "", keep_blank_values=True, max_num_fields=16)
    except ValueError:
        raise Refused(401) from None
    apps, tokens = query.get("app", []), query.get("token", [])
    if len(apps) != 1 or len(tokens) != 1 or not APP_NAME.fullmatch(apps[0]):
        raise Refused(401)
    return Credentials(apps[0], tokens[0])


def arrival_ms(event: Mapping[str, Any], now_ms: int) -> int:
    """Give the time at which the gateway took the request, ms since 1970; now where the event does not say."""
    time_epoch = (event.get("requestContext") or {}).get("timeEpoch")
    return time_epoch if isinstance(time_epoch, int) and time_epoch > 0 else now_ms


def batch(event: Mapping[str, Any], app: str, arrival_ms: int) -> Batch:
    """Read the batch that an accepted request carries. Whatever the body is, it is taken."""
    frame_id = str((event.get("headers") or {}).get("logplex-frame-id") or "").strip() or None
    text = str(event.get("body") or "")
    # The gateway decides by content type whether to encode.
    encoded = bool(event.get("isBase64Encoded"))
    if encoded:
        # Not by the module base64, which makes a copy of the text first.
        with suppress(ValueError):
            return Batch(app, frame_id, arrival_ms, binascii.a2b_base64(text, strict_mode=True))
    # A lone surrogate can only come from elsewhere.
    return Batch(app, frame_id, arrival_ms, text.encode("utf-8", "surrogatepass"), undecodable=encoded)


def _path(event: Mapping[str, Any], context: Mapping[str, Any]) -> str:
    path = str(event.get("rawPath") or "")
    stage = f"/{context.get('stage')}"
    return path.removeprefix(stage) if path.startswith(f"{stage}/") else path
