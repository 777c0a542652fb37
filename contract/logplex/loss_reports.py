"""What the senders say about lost messages: their loss reports.

A loss report is a message of Logplex (L10, `logplex_http_drain.erl`, in an old wording and a new one) or of
log-shuttle (L12 dropped, L13 lost, `logplex_formatter.go`):

    Error L10 (output buffer overflow): 7 messages dropped since <time>.
    Error L10 (output buffer overflow): drain 'd.…' dropped 7 messages since <time>.
    Error L12: 7 messages dropped since <time>

Every drain of an app receives the L10 lines of all its drains, so the new wording names the drain that lost them.
"""

import re
from typing import NamedTuple

from contract.stored_line import PRI, Record, one_line

# Matches the beginning of a stored line. An application can write the same words: only PROCID shows who reports.
_REPORT = re.compile(
    rb"<\d{1,3}>1 \S+ \S+ \S+ (?:logplex|log-shuttle) \S+ - (?:- )?"
    rb"Error L1[023](?: \([^)\n]*\))?: (?:drain \W?(?P<drain>\S+?)\W? dropped )?(?P<count>\d{1,9}) messages "
)
# The beginning of the frames that Logplex and log-shuttle put first in a batch. log-shuttle's has STRUCTURED-DATA.
_LEADING = re.compile(
    PRI + rb"[!-~]+ [!-~]+ (?:heroku logplex - Error L10 |[!-~]+ log-shuttle (?:- )?- Error L1[23]: )"
)
# Longer than any loss report.
_REPORT_BYTES = 1 << 9


class Loss(NamedTuple):
    """What a loss report says: how many messages were lost, and the name of the drain that lost them, if it says."""

    messages: int
    drain: str | None


def loss(record: Record) -> Loss | None:
    """Read a record as a loss report; None if it is none."""
    # Very few records are reports, and this search is far cheaper than the match.
    if b"Error L1" not in record.message:
        return None
    report = _REPORT.match(record.header + b" -" + one_line(record.message[:_REPORT_BYTES]))
    if not report:
        return None
    drain = report["drain"]
    return Loss(int(report["count"]), None if drain is None else drain.decode("utf-8", "replace"))


def is_of(lost_by: str | None, drain: str | None) -> bool:
    """Say whether a loss is that of the drain which sent the report.

    `lost_by` is the drain that the report names, `drain` the one that the POST names. Where either names none, nothing
    shows that the loss is another drain's, so it counts: a false alarm is better than a loss that nobody sees.
    """
    return lost_by is None or drain is None or lost_by == drain


def leads_batch(frame: bytes) -> bool:
    """Say whether a frame is a loss report of the kind that its sender puts first in a batch.

    The sender renders it anew on each try (`logplex_http_drain.erl`, `logplex_formatter.go`), so a leading one must not
    influence the batch's id or time.
    """
    return _LEADING.match(frame) is not None
