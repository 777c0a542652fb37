"""A log line of a Heroku app, and the frame in which Logplex sends it; and what is stored where there was no line."""

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

from contract.stored_line import escape
from local.traffic.facts import Facts


@dataclass(frozen=True, slots=True)
class Line:
    """One line. `app` is the Heroku app, which no field of the frame tells; `time` is aware UTC.

    `source` is APP-NAME ("app" or "heroku"), `message` is MSG with the newline that its writer ended it with.
    `facts` is what the message was rendered from, None for plain text.
    """

    app: str
    time: datetime
    pri: int
    source: str
    proc_id: str
    message: bytes
    facts: Facts | None = None

    @property
    def timestamp(self) -> str:
        """TIME as it is sent.

        Logplex trims trailing zeros of the microseconds in some messages; here in those of an even second, and
        always where only zeros are left.
        """
        microseconds = f"{self.time.microsecond:06}"
        if self.time.second % 2 == 0 or self.time.microsecond == 0:
            microseconds = microseconds.rstrip("0")
        seconds = self.time.replace(microsecond=0, tzinfo=None).isoformat()
        return f"{seconds}.{microseconds}+00:00" if microseconds else f"{seconds}+00:00"

    @property
    def stored_message(self) -> str:
        """The table's `message`: MSG without the newline that ends it, escaped."""
        ending = b"\r\n" if self.message.endswith(b"\r\n") else b"\n"
        return escape(self.message.removesuffix(ending)).decode()


@dataclass(frozen=True, slots=True)
class Quarantined:
    """Bytes of a POST to `app` that are no syslog message, kept in a quarantine line at `time`, aware UTC."""

    app: str
    time: datetime
    data: bytes

    source: ClassVar = "logdrain"
    proc_id: ClassVar = "quarantine"

    @property
    def timestamp(self) -> str:
        """TIME as it is stored."""
        return self.time.isoformat(timespec="microseconds")

    @property
    def stored_message(self) -> str:
        """The table's `message`: the bytes, escaped."""
        return escape(self.data).decode()


def frame(line: Line) -> bytes:
    """Render a line as Logplex does: an octet count, then `<PRI>1 TIME host APP-NAME PROCID - MSG`.

    There is no STRUCTURED-DATA and no `-` in its place (logplex_http_drain.erl, logplex_syslog_utils.erl).
    """
    header = f"<{line.pri}>1 {line.timestamp} host {line.source} {line.proc_id} - "
    syslog = header.encode() + line.message
    return b"%d %b" % (len(syslog), syslog)
