"""Logplex as the watch sees it: batches of an app, three tries without a pause, and reports of what it lost."""

from collections import defaultdict
from collections.abc import Callable, Mapping
from typing import NamedTuple

from tests.support.logplex_frames import body

TRIES = 3


class Post(NamedTuple):
    """A request to the endpoint: path with query, body and headers."""

    path: str
    body: bytes
    headers: Mapping[str, str] = {}


class Logplex:
    """Sends batches; `lost` are the messages that it has still to report, by app."""

    def __init__(self, post: Callable[[Post], int]) -> None:
        self._post = post
        self.lost: defaultdict[str, int] = defaultdict(int)
        self._sent = 0

    def send(self, app: str, token: str, messages: list[bytes]) -> None:
        """Send a batch, and report before it what was lost until now; what is refused is lost."""
        self._sent += 1
        if self.lost[app]:
            messages = [_report(self.lost[app]), *messages]
        headers = {
            "Content-Type": "application/logplex-1",
            "Logplex-Frame-Id": f"{self._sent:032x}",
            "Logplex-Msg-Count": str(len(messages)),
        }
        path = f"/prod/drain?app={app}&token={token}"
        for _ in range(TRIES):
            status = self._post(Post(path, body(*messages), headers))
            if status == 200:
                self.lost[app] = 0
                return
            if 400 <= status < 500 and status != 429:
                break
        self.lost[app] += len(messages)


def _report(lost: int) -> bytes:
    text = f"Error L10 (output buffer overflow): {lost} messages dropped since 2026-11-24T11:00:00.000000+00:00."
    return f"<172>1 2026-11-24T12:00:00+00:00 host heroku logplex - {text}".encode()
