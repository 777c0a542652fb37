"""What the senders say about lost messages: their loss reports, and Logplex's count of frames.

A loss report is a message of Logplex (L10, `logplex_http_drain.erl`, in an old wording and a new one) or of
log-shuttle (L12 dropped, L13 lost, `logplex_formatter.go`):

    Error L10 (output buffer overflow): 7 messages dropped since <time>.
    Error L10 (output buffer overflow): drain 'd.…' dropped 7 messages since <time>.
    Error L12: 7 messages dropped since <time>
"""

import re
from collections.abc import Mapping
from typing import Any

from contract.stored_line import PRI, Record, one_line

# Matches the beginning of a stored line. An application can write the same words: only PROCID shows who reports.
_REPORT = re.compile(
    rb"<\d{1,3}>1 \S+ \S+ \S+ (?:logplex|log-shuttle) \S+ - (?:- )?"
    rb"Error L1[023](?: \([^)\n]*\))?: (?:drain \S+ dropped )?(?P<count>\d{1,9}) messages "
)
# The beginning of the frames that Logplex and log-shuttle put first in a batch. log-shuttle's has STRUCTURED-DATA.
_LEADING = re.compile(
    PRI + rb"[!-~]+ [!-~]+ (?:heroku logplex - Error L10 |[!-~]+ log-shuttle (?:- )?- Error L1[23]: )"
)
# Longer than any loss report.
_REPORT_BYTES = 1 << 9
_COUNT = re.compile(r"\d{1,9}", re.ASCII)


def lost(record: Record) -> int:
    """Give the number of messages that a record, if it is a loss report, says were lost; 0 for any other."""
    # Very few records are reports, and this search is far cheaper than the match.
    if b"Error L1" not in record.message:
        return 0
    report = _REPORT.match(record.header + b" -" + one_line(record.message[:_REPORT_BYTES]))
    return int(report["count"]) if report else 0


def leads_batch(frame: bytes) -> bool:
    """Say whether a frame is a loss report of the kind that its sender puts first in a batch.

    The sender renders it anew on each try (`logplex_http_drain.erl`, `logplex_formatter.go`), so a leading one must not
    influence the batch's id or time.
    """
    return _LEADING.match(frame) is not None


def announced_frames(event: Mapping[str, Any]) -> int | None:
    """Give the number of frames that a POST has by its `Logplex-Msg-Count`; None if that is absent or not a number."""
    text = str((event.get("headers") or {}).get("logplex-msg-count") or "").strip()
    return int(text) if _COUNT.fullmatch(text) else None
