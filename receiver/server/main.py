"""`python -m receiver`: the receiver outside Lambda, as an HTTP server for drains.

It has the settings that Lambda gives its function, and AWS credentials and a region as boto3 finds them. It only fills
the spill queue: SQS delivers to Lambda alone, so what is spilled is stored by the function of the stack.
Faults and metrics go to stdout as in Lambda, one line of JSON each; what the server itself has to say to stderr.
Terminate TLS in a proxy in front of it: Heroku drains to HTTPS only.
"""

import argparse
import signal
import sys
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, NoReturn, cast

from botocore.exceptions import BotoCoreError

from receiver.server.host import CONNECTIONS, Host, TooFewFiles, reserve_files
from receiver.server.wsgi import application, prepare
from receiver.settings import MissingSetting

if TYPE_CHECKING:
    from io import TextIOWrapper

_BAD_USAGE = 2


def main(arguments: Sequence[str] | None = None) -> None:
    """Serve until SIGTERM or SIGINT, then answer the requests in flight and return. Exit status 2: it cannot start."""
    options = _options(arguments)
    # Into a pipe too: whoever collects the log should not have to wait until there are some kilobytes of it.
    cast("TextIOWrapper", sys.stdout).reconfigure(line_buffering=True)
    try:
        reserve_files(options.connections)
        prepare()
        host = Host(application, options.host, options.port, options.threads, options.connections)
    except (MissingSetting, TooFewFiles) as error:
        _end(str(error))
    except BotoCoreError as error:
        _end(f"boto3 says: {error} Set AWS_DEFAULT_REGION, or what else it lacks")
    except OSError as error:
        _end(f"cannot listen on {options.host}:{options.port} ({error}): choose another --host or --port")
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: host.stop())
    print(f"listening on {options.host}:{host.port}", file=sys.stderr, flush=True)
    if unanswered := host.run():
        print(f"ended with {unanswered} request(s) unanswered", file=sys.stderr)


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m receiver",
        description="Receive Heroku log drains over HTTP and store them in S3, as the Lambda function does.",
        epilog="environment: LOG_BUCKET, LOG_APPS (comma-separated), DRAIN_KEYS_PARAMETER, SPILL_QUEUE_URL, and what "
        "boto3 reads. Paths: POST /drain, GET /health.",
    )
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default: %(default)s)")
    parser.add_argument(
        "--port", type=_number(0, 65535), default=8080, help="0 is any that is free (default: %(default)s)"
    )
    # Each thread has a call or a few under way, and the number of those is bounded: receiver/aws.py.
    parser.add_argument(
        "--threads", type=_number(1, 64), default=10, help="requests at a time, 64 at most (default: %(default)s)"
    )
    parser.add_argument(
        "--connections",
        type=_number(1, 100_000),
        default=CONNECTIONS,
        help="connections at a time; others wait until there is room (default: %(default)s)",
    )
    return parser.parse_args(arguments)


def _number(first: int, last: int) -> Callable[[str], int]:
    def parse(text: str) -> int:
        if not (text.isascii() and text.isdecimal() and first <= int(text) <= last):
            raise argparse.ArgumentTypeError(f"{text!r} will not do: give a number from {first} to {last}")
        return int(text)

    return parse


def _end(reason: str) -> NoReturn:
    print(f"python -m receiver: {reason}", file=sys.stderr)
    sys.exit(_BAD_USAGE)
