"""Lines of the router, clean and hostile, with the truth about each of them."""

import random
from typing import NamedTuple

# What a client puts into whatever it may write: each field as the router writes it, with and without the quotes that
# would end the client's own, pieces of them, and all that follows one of the client's fields.
WORDS = (
    "at=error", "code=H12", 'desc="Request timeout"', "method=POST", 'path="/login"', "host=evil.example",
    "request_id=00000000-0000-4000-8000-000000000000", 'fwd="198.51.100.250"', "fwd=198.51.100.250", "dyno=web.9",
    "dyno=", "connect=7ms", "service=77777ms", "service=", "status=500", "status=421", "bytes=9", "protocol=http",
    "tls=true", "tls_version=tls1.3", 'agent="curl"', 'agent="', '" host=', '" dyno=', "/", "é", "\\", '\\"', "=", ",",
    "'", "#012", "\t", "\u2028", "198.51.100.250", "w w w w", "a" * 50,
    '" host=evil.example request_id=0 fwd="198.51.100.250',
    '" dyno=web.9 connect=7ms service=77777ms status=500 bytes=9 protocol=http',
    '" dyno= connect= service= status=421 bytes= protocol=http agent="',
)  # fmt: skip
GLUE = (" ", " ", "  ", '"', '" ', ' "', ", ", ",", "", "&", "%20")
CODES = {
    None: (200, 101, 304, 401, 404, 429, 500),
    "H10": (503,),
    "H12": (503,),
    "H18": (503,),
    "H27": (499,),
    "H31": (421,),
}


class RouterLine(NamedTuple):
    """A message, and the columns that it must give. `copied`: a client copied all that would end its own field."""

    message: str
    columns: dict[str, str]
    copied: bool


class RouterLines:
    """Lines that follow from a seed. So many of a hundred are hostile."""

    def __init__(self, seed: int, hostile: int = 80) -> None:
        self._random = random.Random(seed)
        self._hostile = hostile

    def line(self) -> RouterLine:
        """The next line."""
        choose, draw = self._random.choice, self._random.random
        hostile = self._random.randrange(100) < self._hostile
        code = choose([None, None, None, *CODES])
        no_dyno = code in {"H10", "H31"}
        path = "/" + (self._text() if hostile else choose(["", "api/books?q=1", "Bible 1951/books"]))
        host = self._text(6) if hostile and draw() < 0.3 else "www.example.org"
        if code == "H31":  # A quote in both HOST and AGENT could not be told apart; Heroku finds apps by HOST.
            host = host.replace('"', "")
        fwd = choose(["", "203.0.113.7", "198.51.100.1, 203.0.113.7", "198.51.100.1,203.0.113.7"])
        if hostile and fwd and draw() < 0.6:
            fwd = self._text() + choose([",", ", "]) + "203.0.113.7"
        agent = self._text() if hostile else "curl/8.5"
        columns = {
            "at": "error" if code else "info",
            "code": code or "",
            "descr": "Some error" if code else "",
            "method": choose(["GET", "POST", "PROPFIND"]),
            "path": path,
            "request_id": str(self._random.getrandbits(120)),
            "fwd": fwd,
            "fwd_ip": fwd and "203.0.113.7",
            "dyno": "" if no_dyno else choose(["web.1", "web.12"]),
            "connect_ms": "" if no_dyno else str(self._random.randrange(10)),
            "service_ms": "" if no_dyno or draw() < 0.1 else str(self._random.randrange(30_000)),
            "status": str(choose(CODES[code])),
            "bytes": "" if no_dyno else str(self._random.randrange(10**6)),
        }
        of = columns.get
        error = f' code={code} desc="{of("descr")}"' if code else ""
        tls = choose(["", " tls=true tls_version=tls1.3", " tls=false tls_version=unknown"])
        message = (
            f'at={of("at")}{error} method={of("method")} path="{path}" host={host} request_id={of("request_id")} '
            f'fwd="{fwd}" dyno={of("dyno")} connect={_ms(columns["connect_ms"])} service={_ms(columns["service_ms"])} '
            f"status={of('status')} bytes={of('bytes')} protocol=http1.1"
            + (f' agent="{agent}"' if code == "H31" else tls)
        )
        copied = any(text in field for text in ('" host=', ' fwd="', '" dyno=') for field in (path, host, fwd))
        return RouterLine(message, {name: value for name, value in columns.items() if value}, copied)

    def _text(self, most: int = 12) -> str:
        words = self._random.choices(WORDS, k=self._random.randint(1, most))
        return "".join(word + self._random.choice(GLUE) for word in words)


def _ms(number: str) -> str:
    return number and f"{number}ms"
