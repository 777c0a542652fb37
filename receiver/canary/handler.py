"""What Lambda calls every 15 minutes: sends a canary for each app, and sees whether those before were stored."""

import os
import time
from collections.abc import Callable, Iterator, Mapping
from functools import cache, partial
from typing import Any, Protocol

from botocore.exceptions import BotoCoreError, ClientError

from contract import canary, names
from receiver import faults
from receiver.canary.aws import Deletions, DrainUrls, SeenCanaries
from receiver.canary.post import NotAccepted, post
from receiver.settings import Settings


class Urls(Protocol):
    """Where the drain URLs are."""

    def of(self, app: str) -> str:
        """Give an app's drain URL."""


class SeenTimes(Protocol):
    """What the flusher saw."""

    def newest_ms(self, app: str) -> int | None:
        """Give when an app's newest flushed canary arrived, in ms since 1970; None if nothing was flushed yet."""


class CanaryFailed(Exception):
    """A canary was not accepted, or not stored; the message names apps and reasons. Lambda counts an error."""


class Canary:
    """Sends canaries for apps. A slot lasts `flush_minutes`. `send` takes a drain URL and the time, in ms since 1970.

    `discard_test` deletes S3's test message from the queue of deletions.
    """

    def __init__(
        self,
        apps: frozenset[str],
        flush_minutes: int,
        urls: Urls,
        seen: SeenTimes,
        discard_test: Callable[[], None],
        send: Callable[[str, int], None] = post,
        clock: Callable[[], int] = lambda: time.time_ns() // 1_000_000,
    ) -> None:
        self._apps, self._urls, self._seen, self._send, self._clock = apps, urls, seen, send, clock
        self._discard_test = discard_test
        self._overdue_after_ms = canary.overdue_after_ms(flush_minutes)

    def run(self) -> dict[str, Any]:
        """Do one run and give its summary; CanaryFailed after doing all that was possible."""
        sent, failures = self._run()
        if failures:
            raise CanaryFailed(", ".join(f"{what}: {reason}" for what, reason in failures))
        return {"sent": len(sent)}

    def report(self) -> dict[str, Any]:
        """Do one run, and give when the canary of each app was sent, in ms since 1970, and what failed, if anything."""
        sent, failures = self._run()
        return {"sent": sent, "failed": [{"what": what, "reason": reason} for what, reason in failures]}

    def _run(self) -> tuple[dict[str, int], list[tuple[str, str]]]:
        sent: dict[str, int] = {}
        failures = []
        for what, step in self._steps(sent):
            if reason := _reason(step):
                faults.log("canary-failed", what=what, cause=reason)
                failures.append((what, reason))
        return sent, failures

    def _steps(self, sent: dict[str, int]) -> Iterator[tuple[str, Callable[[], None]]]:
        for app in sorted(self._apps):
            yield app, partial(self._post, app, sent)
            yield app, partial(self._see, app)
        # Not a canary's business, but it comes by often, and an alarm counts these messages.
        yield "deletions", self._discard_test

    def _post(self, app: str, sent: dict[str, int]) -> None:
        sent_ms = self._clock()
        self._send(self._urls.of(app), sent_ms)
        sent[app] = sent_ms

    def _see(self, app: str) -> None:
        newest_ms = self._seen.newest_ms(app)
        # A flusher that never ran has its own alarm.
        if newest_ms is not None and self._clock() - newest_ms > self._overdue_after_ms:
            raise NotStored


class NotStored(Exception):
    """The flusher has seen no canary for too long."""

    reason = "not-stored"


def _reason(step: Callable[[], None]) -> str:
    """Do a step, and give a short code for its failure; empty if it went well."""
    try:
        step()
    except (NotAccepted, NotStored) as failure:
        return failure.reason
    except ClientError as failure:
        return f"{failure.operation_name}-{failure.response['Error']['Code']}"
    except BotoCoreError as failure:
        return type(failure).__name__
    return ""


def make_canary() -> Canary:
    """Make the canary that the environment describes; MissingSetting for a variable that is not set."""
    settings = Settings.from_environment(os.environ, names.CANARY_VARIABLES)
    return Canary(
        settings.apps,
        settings.flush_minutes,
        DrainUrls(settings.drain_urls_path),
        SeenCanaries(settings.buffer_table),
        Deletions(settings.deletions_queue_url).discard_test,
    )


made = cache(make_canary)


def handler(event: object, _: object) -> Mapping[str, Any]:
    """Do one run. The answer says for how many apps a canary was sent, or is the report that the event asks for."""
    # Whatever a schedule sends, its run fails if anything went wrong.
    asks = isinstance(event, dict) and event.get(canary.REPORT) is True
    return made().report() if asks else made().run()
