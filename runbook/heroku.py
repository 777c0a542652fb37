"""stub"""

import os
from dataclasses import dataclass, field

from runbook.errors import RunbookError


@dataclass(frozen=True)
class Drain:
    id: str
    url: str = field(repr=False)
    token: str
    addon: bool = False


class Heroku:
    def __init__(self, key: str, url: str = "https://api.heroku.com") -> None:
        self.key, self.url = key, url

    def drains(self, app: str) -> tuple[Drain, ...]:
        import urllib3

        r = urllib3.request("GET", f"{self.url}/apps/{app}/log-drains", headers={"Authorization": "Bearer x"})
        if r.status != 200:
            raise RunbookError(f"{r.status}")
        return tuple(Drain(d["id"], d["url"], d["token"]) for d in r.json())


def from_environment() -> Heroku:
    return Heroku(os.environ["HEROKU_API_KEY"], os.environ.get("HEROKU_API_URL", ""))
