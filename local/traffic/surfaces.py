"""The apps as data: their endpoints, hosts and dynos, and who calls them."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Endpoint:
    """An endpoint. Its service time is log-normal: `spread` is the sigma of its logarithm.

    `path` can contain {id}, a number, and {query}, one of QUERIES. `weight` is its share of the surface's requests.
    """

    method: str
    path: str
    median_ms: int
    spread: float
    weight: int


@dataclass(frozen=True, slots=True)
class Surface:
    """One kind of app: `weight` is its share of all requests, `login` is what attackers try."""

    host: str
    weight: int
    dynos: tuple[str, ...]
    login: Endpoint
    endpoints: tuple[Endpoint, ...]


# The busiest first.
SURFACES = (
    Surface(
        host="api.example.com",
        weight=6,
        dynos=("web.1", "web.2", "web.3"),
        login=Endpoint("POST", "/api/auth/passkey/verify", 60, 0.4, 1),
        endpoints=(
            Endpoint("GET", "/api/trades?page={id}", 45, 0.5, 24),
            Endpoint("GET", "/api/trades/{id}", 25, 0.5, 20),
            Endpoint("POST", "/api/trades", 120, 0.6, 10),
            Endpoint("GET", "/api/auth/session", 8, 0.4, 14),
            Endpoint("POST", "/api/auth/login", 90, 0.4, 5),
            Endpoint("GET", "/api/beta/quotes?symbol={query}", 180, 0.9, 8),
            Endpoint("GET", "/api/reports/{id}/positions?as_of=today", 1100, 0.8, 6),
            Endpoint("GET", "/search?q={query}", 70, 0.7, 6),
            Endpoint("GET", "/health?probe=1", 2, 0.3, 7),
        ),
    ),
    Surface(
        host="console.example.com",
        weight=3,
        dynos=("web.1", "web.2"),
        login=Endpoint("POST", "/session/passkey", 70, 0.4, 1),
        endpoints=(
            Endpoint("GET", "/", 30, 0.5, 20),
            Endpoint("GET", "/accounts/{id}", 80, 0.6, 18),
            Endpoint("PATCH", "/accounts/{id}/limits", 140, 0.6, 4),
            Endpoint("GET", "/exports/ledger.csv?month={id}", 1900, 0.7, 4),
            Endpoint("GET", "/search?q={query}", 90, 0.7, 8),
            Endpoint("GET", "/assets/app.js?v={id}", 3, 0.3, 12),
        ),
    ),
    Surface(
        host="velvet.example.com",
        weight=1,
        dynos=("web.1",),
        login=Endpoint("POST", "/login", 60, 0.4, 1),
        endpoints=(
            Endpoint("GET", "/", 15, 0.4, 30),
            Endpoint("GET", "/docs/{id}/setup#status=500", 20, 0.4, 6),
            Endpoint("GET", "/docs/Getting%20%20started/code=H12%20{id}", 20, 0.4, 6),
            Endpoint("GET", "/search?q={query}", 60, 0.6, 6),
            Endpoint("POST", "/waitlist", 200, 0.8, 4),
        ),
    ),
)

# Query strings. Most are decoys that look like fields of the router or like security events.
QUERIES = (
    "AAPL",
    "caf%C3%A9",
    "status=500",
    "status=401&service=99999ms",
    '"at=error"&method=GET',
    "rate_limit_hit",
    "webauthn.registration_verify_failed",
    "a/b/c?d/e",
    "Deploy%20v42",
)
USER_AGENTS = (
    "Mozilla/5.0 (X11; Linux x86_64; rv:144.0) Gecko/20100101 Firefox/144.0",
    "curl/8.9.1",
    "uptime-bot/2.0 (status=503; service=99999ms)",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 19_1 like Mac OS X)",
)
USERS = ("kim@example.com", "ravi@example.com", "zoe@example.com")

# Addresses of the documentation ranges (RFC 5737, RFC 3849).
VISITORS = (*(f"192.0.2.{host}" for host in range(1, 255)), "2001:db8::7", "2001:db8:0:1::2a")
ATTACKERS = ("203.0.113.66", "203.0.113.7", "198.51.100.23", "2001:db8:bad::1")
CLAIMED_ADDRESSES = ("10.0.0.1", "127.0.0.1", "198.18.0.9")
