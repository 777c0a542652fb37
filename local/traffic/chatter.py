"""Lines that belong to no request: metrics, workers, dynos; and decoys, which look like what they are not."""

from datetime import datetime
from random import Random

from local.traffic.lines import Line
from local.traffic.platform_events import API_PRI, DYNO_PRI
from local.traffic.surfaces import USERS, Surface
from local.traffic.web_requests import APP_PRI

# Logplex splits longer messages, through characters if need be (logplex issue #105).
_SPLIT = 10_000

# What no query may count: its words are another's, or its PROCID is.
_DECOYS = (
    'at=info method=GET path="/fake" host=evil.example dyno=web.1 connect=1ms service=99999ms status=503 bytes=1',
    "upstream answered status=503 after service=99999ms",
    "rate limit hit ratio is 0.2, rate-limit-hit is a metric",
    "webauthn.registration_verify_ok user=kim@example.com, earlier: login_failed",
    "Deploy previews are ready",
    "State changed from draft to published",
    "see /search?q=status=401 in the docs",
    "Error R14 (Memory quota exceeded)",
    'at=error code=H12 desc="Request timeout" is what the router would say',
    "Error L10 (output buffer overflow): 77 messages dropped since 2026-01-01T00:00:00+00:00.",
    "Error L12: 7777777777777777777 messages dropped since 2026-01-01T00:00:00+00:00.",
)


def some(rng: Random, app: str, surface: Surface, time: datetime) -> list[Line]:
    """Make one event of chatter: mostly one line, two where Logplex splits one."""
    dyno = rng.choice(surface.dynos)

    def said(text: str, proc_id: str = dyno) -> Line:
        return Line(app, time, APP_PRI, "app", proc_id, f"{text}\n".encode())

    match rng.randrange(12):
        case 0 | 1 | 2 | 3:
            return [_postgres(rng, app, time)]
        case 4 | 5:
            return [said(rng.choice(_DECOYS))]
        case 6 | 7 | 8:
            return [said(f"\x1b[33mwarn\x1b[0m queue=emails depth={rng.randrange(90)}", "worker.1")]
        case 9:
            memory = f"Process running mem={rng.randrange(513, 700)}M(105.2%)\n"
            return [Line(app, time, DYNO_PRI, "heroku", dyno, memory.encode())]
        case 10:
            config = f"Set THEME config vars by user {rng.choice(USERS)}\n"
            return [Line(app, time, API_PRI, "app", "api", config.encode())]
        case _:
            text = f"ledger {'—'.join(str(rng.randrange(10**9)) for _ in range(900))}"
            long = said(text, "worker.1").message
            return [Line(app, time, APP_PRI, "app", "worker.1", part) for part in (long[:_SPLIT], long[_SPLIT:])]


def _postgres(rng: Random, app: str, time: datetime) -> Line:
    """Make a line of Heroku Postgres' metrics; their times are whole seconds."""
    text = (
        f"source=DATABASE addon=postgresql-curved-12345 sample#current_transaction={rng.randrange(10**6)} "
        f"sample#db_size={rng.randrange(10**10)}bytes sample#tables=43 sample#active-connections="
        f"{rng.randrange(20)} sample#load-avg-1m={rng.random():.2f} sample#memory-free={rng.randrange(10**6)}kB\n"
    )
    return Line(app, time.replace(microsecond=0), API_PRI, "app", "heroku-postgres", text.encode())
