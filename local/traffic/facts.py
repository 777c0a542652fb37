"""What a log line says, as a record: the line's text is made from it, so the truth never has to parse text.

`str()` of a record is its wording, without the newline that ends a message.
"""

from dataclasses import dataclass
from datetime import datetime

# Heroku Dev Center, "Heroku Error Codes".
ERROR_DESCRIPTIONS = {
    "H10": "App crashed",
    "H12": "Request timeout",
    "H14": "No web processes running",
    "R14": "Memory quota exceeded",
    "R15": "Memory quota vastly exceeded",
}


@dataclass(frozen=True, slots=True)
class Request:
    """A request as the router logs it (Dev Center, "HTTP Routing"). None is a field that the router leaves empty.

    `fwd` are the addresses of X-Forwarded-For: what the client claimed, then the one that Heroku saw itself.
    `tls_version` is written by the new router only, `code` with errors only.
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
    """What an application writes of a request; `text` holds the request's id."""

    request_id: str
    text: str

    def __str__(self) -> str:
        return self.text


@dataclass(frozen=True, slots=True)
class SecurityEvent:
    """A failure that the application itself reports: `name` is `webauthn.<what>_failed` or `rate_limit_hit`."""

    name: str
    user: str
    ip: str

    def __str__(self) -> str:
        return f"[warning] {self.name} user={self.user} ip={self.ip}"


@dataclass(frozen=True, slots=True)
class Build:
    """A build of the app on the platform; `outcome` is "started", "succeeded" or "failed"."""

    outcome: str

    def __str__(self) -> str:
        return f"Build {self.outcome}"


@dataclass(frozen=True, slots=True)
class Deploy:
    """A deploy of a slug, named by the first digits of its commit."""

    commit: str
    user: str

    def __str__(self) -> str:
        return f"Deploy {self.commit} by user {self.user}"


@dataclass(frozen=True, slots=True)
class Release:
    """A release: of a deploy, of changed config vars or add-ons."""

    version: int
    user: str

    def __str__(self) -> str:
        return f"Release v{self.version} created by user {self.user}"


@dataclass(frozen=True, slots=True)
class Rollback:
    """A rollback to an earlier release."""

    version: int
    user: str

    def __str__(self) -> str:
        return f"Rollback to v{self.version} by user {self.user}"


@dataclass(frozen=True, slots=True)
class StateChange:
    """A dyno's change of state; the dyno is the line's PROCID."""

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
    """What Logplex (L10) or log-shuttle (L12 dropped, L13 lost) could not deliver: `lines` of them since `since`.

    With `drain`, the name of a drain in Logplex, an L10 has its new wording.
    """

    code: str
    lines: int
    since: datetime
    drain: str | None = None

    def __str__(self) -> str:
        since = self.since.isoformat()
        match self.code, self.drain:
            case "L10", None:
                return f"Error L10 (output buffer overflow): {self.lines} messages dropped since {since}."
            case "L10", drain:
                return (
                    f"Error L10 (output buffer overflow): drain '{drain}' dropped {self.lines} messages since {since}."
                )
            case code, _:
                return f"Error {code}: {self.lines} messages {'lost' if code == 'L13' else 'dropped'} since {since}."


Facts = (
    Request | RequestNote | SecurityEvent | Build | Deploy | Release | Rollback | StateChange | DynoError | LossReport
)


def _or_empty(value: str | int | None, unit: str = "") -> str:
    return "" if value is None else f"{value}{unit}"
