"""Reads the event of API Gateway (HTTP API, payload format 2.0)."""

import binascii
import re
import zlib
from collections.abc import Mapping
from typing import Any, NamedTuple
from urllib.parse import parse_qs

from contract.drain_url import DRAIN_PATH
from contract.logplex.batch import Batch
from contract.object_keys import APP_NAME
from contract.stored_line import Reason

# The largest body that API Gateway accepts ("Quotas for configuring and running an HTTP API"). The limit applies to a
# decoded body too, because 10 KB of gzip can decode to 10 MB.
BODY_LIMIT = 10 * 1024 * 1024
_GZIP_MEMBER = 16 + zlib.MAX_WBITS
# Senders write one member. Each costs the decoder a window of its own, so their number is limited as well.
_GZIP_MEMBERS = 100
_COUNT = re.compile(r"\d{1,9}", re.ASCII)
# Logplex's names have 32 and 38 characters. A longer text is not one of them, and with odd text of any length an item
# of the buffer would become too large.
_NAME_CHARACTERS = 256


class Refused(Exception):
    """A request that is refused before its body is read; `status` is the response's."""

    def __init__(self, status: int) -> None:
        super().__init__(f"refused with status {status}")
        self.status = status


class Credentials(NamedTuple):
    """The app that a request claims to be from, and the token that has to prove it."""

    app: str
    token: str


def credentials(event: Mapping[str, Any]) -> Credentials:
    """Read the drain URL's parameters; Refused for another path (404), method (405) or a bad query (401)."""
    context = event.get("requestContext") or {}
    if _path(event, context) != DRAIN_PATH:
        raise Refused(404)
    if (context.get("http") or {}).get("method") != "POST":
        raise Refused(405)
    # queryStringParameters joins repeated values with a comma; only the raw string shows that they are repeated.
    try:
        query = parse_qs(event.get("rawQueryString") or "", keep_blank_values=True, max_num_fields=16)
    except ValueError:
        raise Refused(401) from None
    apps, tokens = query.get("app", []), query.get("token", [])
    if len(apps) != 1 or len(tokens) != 1 or not APP_NAME.fullmatch(apps[0]):
        raise Refused(401)
    return Credentials(apps[0], tokens[0])


def arrival_ms(event: Mapping[str, Any], now_ms: int) -> int:
    """Give the time at which the gateway received the request, ms since 1970; now, if the event does not say."""
    time_epoch = (event.get("requestContext") or {}).get("timeEpoch")
    return time_epoch if isinstance(time_epoch, int) and time_epoch > 0 else now_ms


def batch(event: Mapping[str, Any], app: str, arrival_ms: int) -> Batch:
    """Read the batch of an accepted request. Every body is accepted: one that cannot be decoded has a fault."""
    headers = event.get("headers") or {}
    body, fault = _sent(event)
    if not fault:
        body, fault = _decoded(body, _header(headers, "content-encoding"))
    drain = _name(headers, "logplex-drain-token")
    return Batch(app, _frame_id(headers), arrival_ms, body, fault, drain, _announced_frames(headers))


def _sent(event: Mapping[str, Any]) -> tuple[bytes, Reason | None]:
    """Give the bytes that were sent; if the event's base64 is not valid, its text and the reason."""
    text = str(event.get("body") or "")
    # The gateway decides by the content type whether to encode.
    if not event.get("isBase64Encoded"):
        return _utf8(text), None
    try:
        # binascii, because the base64 module copies the text first.
        return binascii.a2b_base64(text, strict_mode=True), None
    except ValueError:
        return _utf8(text), Reason.BAD_BASE64


def _header(headers: Mapping[str, Any], name: str) -> str:
    return str(headers.get(name) or "").strip()


def _frame_id(headers: Mapping[str, Any]) -> str | None:
    """Give the id that is the same on each try of a batch, if its sender gives one.

    log-shuttle sends no frame id but one X-Request-Id per batch (`logplex_formatter.go`). Other senders and proxies may
    give each try an X-Request-Id of its own, so theirs cannot be used.
    """
    frame_id = _name(headers, "logplex-frame-id")
    if not frame_id and _header(headers, "user-agent").startswith("log-shuttle/"):
        frame_id = _name(headers, "x-request-id")
    return frame_id


def _name(headers: Mapping[str, Any], header: str) -> str | None:
    text = _header(headers, header)
    return text if 0 < len(text) <= _NAME_CHARACTERS else None


def _announced_frames(headers: Mapping[str, Any]) -> int | None:
    """Give the number of frames that a POST has by its `Logplex-Msg-Count`; None if that is absent or not a number."""
    text = _header(headers, "logplex-msg-count")
    return int(text) if _COUNT.fullmatch(text) else None


def _decoded(sent: bytes, content_encoding: str) -> tuple[bytes, Reason | None]:
    """Remove a body's content coding (RFC 9110, section 8.4.1); if that fails, give what was sent and the reason."""
    codings = [coding.strip() for coding in content_encoding.lower().split(",")]
    codings = [coding for coding in codings if coding not in ("", "identity")]
    if not codings or not sent:
        return sent, None
    if codings not in (["gzip"], ["x-gzip"]):
        return sent, Reason.UNKNOWN_CODING
    try:
        return _gunzipped(sent), None
    except _TooLarge:
        return sent, Reason.GZIP_TOO_LARGE
    except zlib.error:
        return sent, Reason.BAD_GZIP


class _TooLarge(Exception):
    """Decodes to more than BODY_LIMIT."""


def _gunzipped(data: bytes) -> bytes:
    """Decode the members of a gzip body; zlib.error for a corrupt one, _TooLarge for one that decodes to too much."""
    decoded = bytearray()
    for _ in range(_GZIP_MEMBERS):
        decoder = zlib.decompressobj(_GZIP_MEMBER)
        decoded += decoder.decompress(data, BODY_LIMIT + 1 - len(decoded))
        if len(decoded) > BODY_LIMIT:
            raise _TooLarge
        if not decoder.eof:
            raise zlib.error("the stream ends too early")
        data = decoder.unused_data
        if not data:
            return bytes(decoded)
    raise zlib.error("too many members")


def _utf8(text: str) -> bytes:
    # An HTTP body cannot have a lone surrogate, but a hand-made event can.
    return text.encode("utf-8", "surrogatepass")


def _path(event: Mapping[str, Any], context: Mapping[str, Any]) -> str:
    path = str(event.get("rawPath") or "")
    stage = f"/{context.get('stage')}"
    return path.removeprefix(stage) if path.startswith(f"{stage}/") else path
