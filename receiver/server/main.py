"""`python -m receiver`: the receiver outside Lambda, as an HTTP server for drains.

It takes its settings from the same environment variables as the Lambda function; boto3 finds AWS credentials and the
region. It puts batches into the buffer or the spill queue, from where the stack's flusher, a Lambda function, takes
them.
Faults and metrics go to stdout as in Lambda, one line of JSON each; messages of the server itself go to stderr.
Terminate TLS in a proxy in front of it: Heroku drains to HTTPS only.
"""

import argparse
import os
import signal
import sys
from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, NoReturn, cast

from botocore.exceptions import BotoCoreError

from contract import names
from receiver.handler import Handler, make_receiver
from receiver.server.host import CONNECTIONS, Host, TooFewFiles, reserve_files
from receiver.server.wsgi import Application
from receiver.settings import MissingSetting, Settings

if TYPE_CHECKING:
    from io import TextIOWrapper

_BAD_USAGE = 2


def main(arguments: Sequence[str] | None = None) -> None:
    """Serve until SIGTERM or SIGINT, then answer the requests in flight and return. Exit status 2: it cannot start."""
    options = parse(arguments)
    # A pipe, too, gets each line at once, and not only when there are some kilobytes of them.
    cast("TextIOWrapper", sys.stdout).reconfigure(line_buffering=True)
    try:
        reserve_files(options.connections)
        # The AWS clients are made before there are threads, so that what is missing ends the process.
        Settings.from_environment(os.environ, names.OUTSIDE_VARIABLES)
        # A delayed answer takes a thread, so half of them stay free.
        handler = Handler(partial(make_receiver, delayed_at_once=max(1, options.threads // 2)))
        handler.prepare()
        host = Host(Application(handler), options.host, options.port, options.threads, options.connections)
    except (MissingSetting, TooFewFiles) as error:
        _end(str(error))
    except BotoCoreError as error:
        _end(f"cannot make the AWS clients: {error} Set AWS_DEFAULT_REGION, or what else is missing")
    except OSError as error:
        _end(f"cannot listen on {options.host}:{options.port} ({error}): choose another --host or --port")
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: host.stop())
    print(f"listening on {options.host}:{host.port}", file=sys.stderr, flush=True)
    if unanswered := host.run():
        print(f"ended with {unanswered} request(s) unanswered", file=sys.stderr)


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    """Read the command line: `host`, `port`, `threads` and `connections`."""
    parser = argparse.ArgumentParser(
        prog="python -m receiver",
        description="Receive Heroku log drains over HTTP, as the Lambda function does.",
        epilog="environment: LOG_BUCKET, LOG_APPS (comma-separated), TOKEN_HASHES_PATH, SPILL_QUEUE_URL and "
        "BUFFER_TABLE; FLUSH_MINUTES and ANSWER_AFTER_MS, if the stack sets them; and what boto3 reads. Paths: "
        "POST /drain, GET /health.",
    )
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default: %(default)s)")
    parser.add_argument(
        "--port",
        type=_number(0, 65535),
        default=8080,
        help="port to listen on, 0 for any free one (default: %(default)s)",
    )
    # Each thread makes a call or a few at a time, and their number is limited: receiver/aws.py.
    parser.add_argument(
        "--threads",
        type=_number(1, 64),
        default=10,
        help="requests served at a time, 64 at most (default: %(default)s)",
    )
    parser.add_argument(
        "--connections",
        type=_number(1, 100_000),
        default=CONNECTIONS,
        help="connections at a time; others wait until one closes (default: %(default)s)",
    )
    return parser.parse_args(arguments)


def _number(first: int, last: int) -> Callable[[str], int]:
    def parse(text: str) -> int:
        if not (text.isascii() and text.isdecimal() and first <= int(text) <= last):
            raise argparse.ArgumentTypeError(f"invalid value {text!r}: give a number from {first} to {last}")
        return int(text)

    return parse


def _end(reason: str) -> NoReturn:
    print(f"python -m receiver: {reason}", file=sys.stderr)
    sys.exit(_BAD_USAGE)
