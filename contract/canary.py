"""The canary: a line for each app that the stack itself sends through the drain endpoint, to see that it arrives.

It is stored among the app's lines, marked by its source and PROCID. It is not the app's: metrics, saved queries and
`lines` leave it out.
"""

from datetime import UTC, datetime

EVERY_MINUTES = 15
SOURCE, PROC_ID = "logdrain", "canary"
# Every condition on lines of the table that has to leave canaries out. Rows that no line of ours is have NULL there.
NOT_A_CANARY = f"NOT (coalesce(source, '') = '{SOURCE}' AND coalesce(proc_id, '') = '{PROC_ID}')"

# A key of the event with which the function gives a report, also of what failed; without it, a failure is an error.
REPORT = "report"

_FRAME_ID = "canary-"
# A flush begins when its slot is due, in a run that begins every minute, and takes some time.
_FLUSH_MINUTES = 3


def frame_id(sent_ms: int) -> str:
    """Give the `Logplex-Frame-Id` of a canary sent at a time, in milliseconds since 1970; each try has the same."""
    return f"{_FRAME_ID}{sent_ms}"


def is_frame_id(text: str | None) -> bool:
    """Say whether a batch with this frame id is a canary. Only someone who holds a drain token can send one."""
    return text is not None and text.startswith(_FRAME_ID)


def message(sent_ms: int) -> bytes:
    """Give the syslog message, as Logplex writes it: without structured data (PRI 46: facility syslog, INFO)."""
    return f"<46>1 {_time(sent_ms)} host {SOURCE} {PROC_ID} - {text(sent_ms)}\n".encode()


def text(sent_ms: int) -> str:
    """Give the text of the message, which the table has as the line's message."""
    return f"canary of {_time(sent_ms)}"


def _time(sent_ms: int) -> str:
    return datetime.fromtimestamp(sent_ms / 1000, UTC).isoformat(timespec="microseconds")


def overdue_after_ms(flush_minutes: int) -> int:
    """Give how old the newest stored canary may be when the next is sent, in milliseconds.

    The one before was sent an interval ago. With long slots it may still wait, and then it is the one before that.
    """
    return (EVERY_MINUTES + flush_minutes + _FLUSH_MINUTES) * 60_000
