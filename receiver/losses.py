"""What was lost before it came here, as far as the senders say: their loss reports, and Logplex's count of frames.

A loss report is a message of Logplex (L10, `logplex_http_drain.erl`, in an old wording and a new one) or of
log-shuttle (L12 dropped, L13 lost, `logplex_formatter.go`):

    Error L10 (output buffer overflow): 7 messages dropped since <time>.
    Error L10 (output buffer overflow): drain 'd.…' dropped 7 messages since <time>.
    Error L12: 7 messages dropped since <time>.
"""

import re
from collections.abc import Mapping
from typing import Any

# An application can write the same words: only PROCID tells who reports. This is a stored line's beginning.
_REPORT = re.compile(
    rb"<\d{1,3}>1 \S+ \S+ \S+ (?:logplex|log-shuttle) \S+ - (?:- )?"
    rb"Error L1[023](?: \([^)]*\))?: (?:drain \S+ dropped )?(?P<count>\d{1,9}) messages "
)
# More than a report has from there on.
_REPORT_BYTES = 1 << 9
_LOGPLEX_OWN = re.compile(rb"<\d{1,3}>1 \S+ \S+ heroku logplex - Error L10 ")
_COUNT = re.compile(r"\d{1,9}", re.ASCII)


def lost(lines: bytes) -> int:
    """Count the messages that the loss reports among stored lines tell of, each line ended by LF."""
    messages, found = 0, -1
    while (found := lines.find(b"Error L1", found + 1)) >= 0:
        if report := _REPORT.match(lines, lines.rfind(b"\n", 0, found) + 1, found + _REPORT_BYTES):
            messages += int(report["count"])
            found = report.end()
    return messages


def is_drains_own(frame: bytes) -> bool:
    """Say whether a frame is the report that Logplex itself puts in front of a drain's batch.

    It is rendered anew on each try (logplex_http_drain.erl), so nothing in a key may come from it.
    """
    return _LOGPLEX_OWN.match(frame) is not None


def announced_frames(event: Mapping[str, Any]) -> int | None:
    """Give the frames that `Logplex-Msg-Count` says a POST has; None where it says none, or no number."""
    text = str((event.get("headers") or {}).get("logplex-msg-count") or "").strip()
    return int(text) if _COUNT.fullmatch(text) else None
