"""Sends a canary as Logplex sends a batch: a POST of one frame, three tries without a pause, five seconds for each."""

import http.client
from urllib.parse import urlsplit

from contract import canary

TRIES = 3
_TIMEOUT_S = 5.0


class NotAccepted(Exception):
    """The endpoint did not answer 200 to any try. `reason` is a short code for logs: without the URL, so no token."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


def post(url: str, sent_ms: int) -> None:
    """Send the canary of a time, in milliseconds since 1970, to a drain URL; NotAccepted with the last try's reason."""
    message = canary.message(sent_ms)
    body = b"%d %b" % (len(message), message)
    headers = {
        "Content-Type": "application/logplex-1",
        "Logplex-Frame-Id": canary.frame_id(sent_ms),
        "Logplex-Msg-Count": "1",
        "User-Agent": "heroku-log-archive-canary",
    }
    reason = ""
    for _ in range(TRIES):
        reason = _try(url, body, headers)
        if not reason:
            return
    raise NotAccepted(reason)


def _try(url: str, body: bytes, headers: dict[str, str]) -> str:
    """Post once, and give why it was not accepted; empty if it was."""
    parts = urlsplit(url)
    connect = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
    try:
        connection = connect(parts.netloc, timeout=_TIMEOUT_S)
        try:
            connection.request("POST", f"{parts.path}?{parts.query}", body, headers)
            status = connection.getresponse().status
        finally:
            connection.close()
    except (OSError, http.client.HTTPException) as error:
        return type(error).__name__
    return "" if status == http.HTTPStatus.OK else f"status-{status}"
