"""What a log line says, as a record. The text is rendered from the record, so the truth never parses text.

`str()` of a record is the message without the newline at its end.
"""

from dataclasses import dataclass
from datetime import datetime

# Heroku Dev Center, "Heroku Error Codes".
ERROR_DESCRIPTIONS = {
    "H10": "App crashed",
    "H12": "Request timeout",
    "H14": "No web processes running",
    "H19": "Backend connection timeout",
    "R14": "Memory quota exceeded",
    "R15": "Memory quota vastly exceeded",
}


@dataclass(frozen=True, slots=True)
class Request:
    """A request as the router logs it (Dev Center, "HTTP Routing"). The router leaves a field that is None empty.

    `fwd` are the addresses of X-Forwarded-For: those that the client claims, then the one that Heroku saw. Only the
    new router writes `tls_version`; only errors have a `code`.
    """

    method: str
    path: str
    host: str
    request_id: str
    fwd: tuple[str, ...]
    dyno: str | None
    connect_ms: int | None
    service_ms: int | None
    status: int
    bytes: int | None
    protocol: str
    tls_version: str | None = None
    code: str | None = None

    @property
    def fwd_ip(self) -> str:
        """The last address of `fwd`, the only one that the client cannot choose."""
        return self.fwd[-1]

    @property
    def wait_ms(self) -> int | None:
        """How long the client waited; None if the request reached no dyno."""
        return (self.connect_ms or 0) + (self.service_ms or 0) if self.dyno else None

    @property
    def long_lived(self) -> bool:
        """Whether it is a websocket, or a stream: the router allows 30 s until a response begins."""
        return self.status == 101 or (self.code is None and (self.service_ms or 0) > 30_000)

    def __str__(self) -> str:
        error = f'error code={self.code} desc="{ERROR_DESCRIPTIONS[self.code]}"' if self.code else "info"
        tls = f" tls=true tls_version={self.tls_version}" if self.tls_version else ""
        return (
            f'at={error} method={self.method} path="{self.path}" host={self.host} request_id={self.request_id} '
            f'fwd="{", ".join(self.fwd)}" dyno={_or_empty(self.dyno)} connect={_or_empty(self.connect_ms, "ms")} '
            f"service={_or_empty(self.service_ms, 'ms')} status={self.status} bytes={_or_empty(self.bytes)} "
            f"protocol={self.protocol}{tls}"
        )


@dataclass(frozen=True, slots=True)
class RequestNote:
    """What an application writes about a request; `text` contains the request's id."""

    request_id: str
    text: str

    def __str__(self) -> str:
        return self.text


@dataclass(frozen=True, slots=True)
class SecurityEvent:
    """A failure that the application reports: `name` is `webauthn.<what>_failed` or `rate_limit_hit`."""

    name: str
    user: str
    ip: str

    def __str__(self) -> str:
        return f"[warning] {self.name} user={self.user} ip={self.ip}"


@dataclass(frozen=True, slots=True)
class PlatformEvent:
    """What the API did to an app: a build, deploy, release, rollback or change; `text` is the whole message.

    `kind`, `version` and `who` are what the query `deploys` has to read from it.
    """

    text: str
    kind: str = "other"
    version: str | None = None
    who: str | None = None

    def __str__(self) -> str:
        return self.text


@dataclass(frozen=True, slots=True)
class StateChange:
    """A dyno that changes its state; the dyno is the line's PROCID."""

    before: str
    after: str

    def __str__(self) -> str:
        return f"State changed from {self.before} to {self.after}"


@dataclass(frozen=True, slots=True)
class DynoError:
    """An error of a dyno, R14 or R15; the dyno is the line's PROCID."""

    code: str

    def __str__(self) -> str:
        return f"Error {self.code} ({ERROR_DESCRIPTIONS[self.code]})"


@dataclass(frozen=True, slots=True)
class LossReport:
    """Lines that Logplex (L10) or log-shuttle (L12 dropped, L13 lost) could not deliver, counted since `since`.

    An L10 with `drain`, the drain's name in Logplex, has the new wording.
    """

    code: str
    lines: int
    since: datetime
    drain: str | None = None

    def __str__(self) -> str:
        if self.code != "L10":
            verb = "lost" if self.code == "L13" else "dropped"
            return f"Error {self.code}: {self.lines} messages {verb} since {self.since.isoformat()}."
        what = f"drain '{self.drain}' dropped {self.lines} messages" if self.drain else f"{self.lines} messages dropped"
        return f"Error L10 (output buffer overflow): {what} since {self.since.isoformat()}."


Facts = Request | RequestNote | SecurityEvent | PlatformEvent | StateChange | DynoError | LossReport


def _or_empty(value: str | int | None, unit: str = "") -> str:
    return "" if value is None else f"{value}{unit}"
