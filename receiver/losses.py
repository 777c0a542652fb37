"""What was lost before it came here, as far as the senders say: their loss reports, and Logplex's count of frames.

A loss report is a message of Logplex (L10, `logplex_http_drain.erl`, in an old wording and a new one) or of
log-shuttle (L12 dropped, L13 lost, `logplex_formatter.go`):

    Error L10 (output buffer overflow): 7 messages dropped since <time>.
    Error L10 (output buffer overflow): drain 'd.…' dropped 7 messages since <time>.
    Error L12: 7 messages dropped since <time>.
"""

import re
from collections.abc import Mapping
from typing import Any, NamedTuple

from receiver.framing import split

# An application can write the same words: only PROCID tells who reports.
_REPORT = re.compile(
    rb"<\d{1,3}>1 \S+ \S+ \S+ (?:logplex|log-shuttle) \S+ (?:- )?"
    rb"Error (?P<code>L10|L12|L13)(?: \([^)]*\))?: (?:drain \S+ dropped )?(?P<count>\d{1,9}) messages "
)
_COUNT = re.compile(r"\d{1,9}", re.ASCII)


class Losses(NamedTuple):
    """How many messages the loss reports of a body tell of, and whether the first frame is Logplex's own report."""

    messages: int
    leading_report: bool


def reported(body: bytes) -> Losses:
    """Read the loss reports of a body. Whatever the body is, that is no error."""
    # Most bodies hold none, and need not be split to know it.
    if b"Error L1" not in body:
        return Losses(0, leading_report=False)
    frames, _ = split(body)
    leading = _REPORT.match(frames[0]) if frames else None
    return Losses(
        sum(int(report["count"]) for report in map(_REPORT.match, frames) if report),
        leading_report=leading is not None and leading["code"] == b"L10",
    )


def announced_frames(event: Mapping[str, Any]) -> int | None:
    """Give the frames that `Logplex-Msg-Count` says a POST has; None where it says none, or no number."""
    text = str((event.get("headers") or {}).get("logplex-msg-count") or "").strip()
    return int(text) if _COUNT.fullmatch(text) else None
