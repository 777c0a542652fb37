"""What the senders say was lost before it came here: their loss reports, and Logplex's count of frames.

A loss report is a message of Logplex (L10, `logplex_http_drain.erl`, in an old wording and a new one) or of
log-shuttle (L12 dropped, L13 lost, `logplex_formatter.go`):

    Error L10 (output buffer overflow): 7 messages dropped since <time>.
    Error L10 (output buffer overflow): drain 'd.…' dropped 7 messages since <time>.
    Error L12: 7 messages dropped since <time>
"""

import re
from collections.abc import Mapping
from typing import Any

from contract.stored_line import PRI

# An application can write the same words: only PROCID tells who reports. This is a stored line's beginning.
_REPORT = re.compile(
    rb"<\d{1,3}>1 \S+ \S+ \S+ (?:logplex|log-shuttle) \S+ - (?:- )?"
    rb"Error L1[023](?: \([^)\n]*\))?: (?:drain \S+ dropped )?(?P<count>\d{1,9}) messages "
)
# The beginning of the frames that Logplex and log-shuttle put in front of a batch. log-shuttle's has STRUCTURED-DATA.
_LEADING = re.compile(
    PRI + rb"[!-~]+ [!-~]+ (?:heroku logplex - Error L10 |[!-~]+ log-shuttle (?:- )?- Error L1[23]: )"
)
_COUNT = re.compile(r"\d{1,9}", re.ASCII)


def lost(lines: bytes) -> int:
    """Count the messages that the loss reports among stored lines tell of, each line ended by LF."""
    messages = begin = 0
    # Nearly all lines have no report, and this search is far cheaper than a match per line.
    while (found := lines.find(b"Error L1", begin)) >= 0:
        begin = max(begin, lines.rfind(b"\n", begin, found) + 1)
        if report := _REPORT.match(lines, begin):
            messages += int(report["count"])
        # On from the next line, whatever else this one holds: a search that goes back may never end.
        begin = lines.find(b"\n", found) + 1
        if not begin:
            break
    return messages


def leads_batch(frame: bytes) -> bool:
    """Say whether a frame is a loss report as its sender puts it in front of a batch.

    It is rendered anew on each try (`logplex_http_drain.erl`, `logplex_formatter.go`), so a leading one must not
    influence the batch's id or time.
    """
    return _LEADING.match(frame) is not None


def announced_frames(event: Mapping[str, Any]) -> int | None:
    """Give the frames that `Logplex-Msg-Count` says a POST has; None where it says none, or no number."""
    text = str((event.get("headers") or {}).get("logplex-msg-count") or "").strip()
    return int(text) if _COUNT.fullmatch(text) else None
