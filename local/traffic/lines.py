"""A log line of a Heroku app, the frame in which Logplex sends it, and a line that is quarantined."""

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

from contract.stored_line import escape
from local.traffic.facts import Facts


@dataclass(frozen=True, slots=True)
class Line:
    """One line of `app`, at `time` in aware UTC. The frame does not name the app.

    `source` is APP-NAME ("app" or "heroku"), `message` is MSG with the newline at its end. `facts` is what the message
    was rendered from; None for plain text. `seq` counts the lines of one time in an object, from 1.
    """

    app: str
    time: datetime
    pri: int
    source: str
    proc_id: str
    message: bytes
    facts: Facts | None = None
    seq: int = 1

    @property
    def timestamp(self) -> str:
        """TIME as sent. Logplex trims trailing zeros of the microseconds in some messages; here, in even seconds."""
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
    """Input to `app` that is not valid syslog, stored in a quarantine line at `time`, aware UTC."""

    app: str
    time: datetime
    data: bytes
    seq: int = 1

    source: ClassVar = "logdrain"
    proc_id: ClassVar = "quarantine"
    facts: ClassVar = None

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
