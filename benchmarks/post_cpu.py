"""The CPU time of one process that receives POSTs; `benchmarks.versions` runs it with the code of each version.

`python benchmarks/post_cpu.py URL`, where URL answers in the place of AWS. Prints JSON to stderr, in milliseconds:
the import with all that is ready before the first request (INIT), that request, and a POST of a warm process without
and with its call of AWS. What the receiver logs goes to stdout.
"""

import base64
import importlib.util
import json
import os
import statistics
import sys
import time
from datetime import UTC, datetime
from typing import Any

APP, KEY = "raxx-api-prod", "key"
POSTS = {"one line": 1, "five lines": 5, "100 KB": 420}
ENVIRONMENT = {
    "AWS_ACCESS_KEY_ID": "x",
    "AWS_SECRET_ACCESS_KEY": "x",
    "AWS_DEFAULT_REGION": "us-east-1",
    "LOG_BUCKET": "b",
    "LOG_APPS": APP,
    "DRAIN_KEYS_PARAMETER": "/p",
    "TOKEN_HASHES_PATH": "/p/",
    "SPILL_QUEUE_URL": "https://q",
    "BUFFER_TABLE": "t",
    "AWS_LAMBDA_FUNCTION_NAME": "receiver",
}


class Context:
    """A function with a minute left."""

    def get_remaining_time_in_millis(self) -> int:
        return 60_000


def frame(number: int) -> bytes:
    """A frame as an application writes it, of 244 bytes."""
    text = b" ".join(b"field%d=%d" % (field, number * field) for field in range(20))[:180]
    message = b"<190>1 %b host app web.1 - %b\n" % (datetime.now(UTC).isoformat().encode(), text)
    return b"%d %b" % (len(message), message)


def event(lines: int) -> dict[str, Any]:
    """The event of a POST of so many lines."""
    from contract.drain_url import token

    body = b"".join(map(frame, range(lines)))
    return {
        "rawPath": "/prod/drain",
        "rawQueryString": f"app={APP}&token={token(KEY, APP)}",
        "headers": {"logplex-frame-id": os.urandom(16).hex().upper(), "logplex-msg-count": str(lines)},
        "requestContext": {"stage": "prod", "http": {"method": "POST"}, "timeEpoch": time.time_ns() // 1_000_000},
        "body": base64.b64encode(body).decode(),
        "isBase64Encoded": True,
    }


def posted_ms(receive: Any, lines: int) -> float:
    """The median CPU time of a POST, in milliseconds."""
    times = []
    for _ in range(41 if lines > 100 else 401):
        sent = event(lines)
        begin = time.process_time()
        status = receive(sent)["statusCode"]
        times.append(time.process_time() - begin)
        if status != 200:
            raise SystemExit(f"answered {status}")
    return statistics.median(times) * 1000


def _accepted() -> tuple[Any, ...]:
    """The first arguments of this version's receiver."""
    if importlib.util.find_spec("receiver.accepted_tokens"):
        from contract.drain_url import token
        from contract.token_hashes import CURRENT, format_hashes, token_hash
        from receiver.accepted_tokens import AcceptedTokens

        value = format_hashes({CURRENT: token_hash(token(KEY, APP))})
        return ({APP: AcceptedTokens(lambda _: value)},)
    keys: Any = importlib.import_module("receiver.accepted_keys")
    return frozenset({APP}), keys.AcceptedKeys(lambda _: json.dumps([KEY]))


def without_calls() -> Any:
    """The receiver, whose AWS clients do nothing."""
    from receiver import metrics
    from receiver.handler import Budget, Receiver

    class Nothing:
        def put(self, *_: object) -> None:
            pass

        put_batch = put_marker = put

        def holds(self, *_: object) -> bool:
            return False

        holds_any = holds

    keeps: Any = Nothing()
    if importlib.util.find_spec("receiver.intake"):
        from receiver.intake import Intake

        keeps = Intake(keeps, keeps, 5)
    queue: Any = None
    emit: Any = lambda points: metrics.lines(points, "a-receiver", 0)  # noqa: E731
    make: Any = Receiver
    return make(*_accepted(), keeps, queue, emit, Budget(response=60)).receive


def main() -> None:
    """Measure, and print."""
    os.environ |= {**ENVIRONMENT, "AWS_ENDPOINT_URL": sys.argv[1]}
    begin = time.process_time()
    from receiver.handler import handler

    ready = time.process_time()
    context = Context()
    first = event(1)
    called = time.process_time()
    handler(first, context)
    ended = time.process_time()
    receive = without_calls()
    measured = {
        "INIT": (ready - begin) * 1000,
        "first request": (ended - called) * 1000,
        "both": (ready - begin + ended - called) * 1000,
        **{f"{name}, without its call": posted_ms(receive, lines) for name, lines in POSTS.items()},
        **{f"{name}, with it": posted_ms(lambda sent: handler(sent, context), lines) for name, lines in POSTS.items()},
    }
    print(json.dumps(measured), file=sys.__stderr__)


if __name__ == "__main__":
    main()
