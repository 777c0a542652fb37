"""Lines that belong to no request: metrics, workers, dynos, and decoys, which only look like something else."""

from datetime import datetime
from random import Random

from local.traffic.lines import Line
from local.traffic.platform_events import API_PRI, DYNO_PRI
from local.traffic.surfaces import Surface
from local.traffic.web_requests import APP_PRI

# Logplex splits longer messages, even within a character (logplex issue #105).
_SPLIT = 10_000

# No query may count these lines: either the text or the PROCID is not that of the real one.
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
    """Make one event: mostly one line, two if Logplex splits it."""
    pri, proc_id = APP_PRI, rng.choice(surface.dynos)
    match rng.randrange(11):
        case 0 | 1 | 2 | 3:
            # Times of Heroku Postgres' metrics are whole seconds.
            pri, proc_id, time = API_PRI, "heroku-postgres", time.replace(microsecond=0)
            text = (
                f"source=DATABASE addon=postgresql-curved-12345 sample#current_transaction={rng.randrange(10**6)} "
                f"sample#db_size={rng.randrange(10**10)}bytes sample#tables=43 sample#active-connections="
                f"{rng.randrange(20)} sample#load-avg-1m={rng.random():.2f} sample#memory-free={rng.randrange(10**6)}kB"
            )
        case 4 | 5:
            text = rng.choice(_DECOYS)
        case 6 | 7 | 8:
            proc_id, text = "worker.1", f"\x1b[33mwarn\x1b[0m queue=emails depth={rng.randrange(90)}"
        case 9:
            pri, text = DYNO_PRI, f"Process running mem={rng.randrange(513, 700)}M(105.2%)"
        case _:
            proc_id, text = "worker.1", f"ledger {'—'.join(str(rng.randrange(10**9)) for _ in range(900))}"
    message, source = f"{text}\n".encode(), "heroku" if pri == DYNO_PRI else "app"
    parts = [part for part in (message[:_SPLIT], message[_SPLIT:]) if part]
    return [Line(app, time, pri, source, proc_id, part) for part in parts]
