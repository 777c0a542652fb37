"""Stand-ins for DynamoDB, S3, SQS and SSM over real sockets: what they do to requests changes while they run."""

import gzip
import json
import re
import ssl
import threading
import zlib
from base64 import b64decode
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler
from typing import Any

from tests.support.fakes import APP, KEY, Deed, Endpoint, aws_endpoint, end_within_continue, hashes_of, reset, silence

_NUMBER = re.compile(rb"line (\d+) of ")
_TRICKLE_S = 1.0  # between two bytes: shorter than any time-out of a read
_SLOW_S = 1.5


def trickle(endpoint: Endpoint, request: BaseHTTPRequestHandler) -> None:
    """Say a byte a second, for as long as the client waits."""
    request.close_connection = True
    request.wfile.write(b"HTTP/1.1 200 OK\r\nX-Slow: ")
    while not endpoint.over.wait(_TRICKLE_S):
        request.wfile.write(b"x")


TROUBLE: dict[str, Deed] = {
    "hangs": silence,
    "trickles": trickle,
    "resets": reset,
    "ends within 100 Continue": end_within_continue,
}


# What the buffer, S3 and SQS do at the same time: the buffer and S3 in each kind of trouble, then SQS too.
WORKS, SLOW = "works", "is slow"
TURNS = [
    *((does, does, WORKS) for does in (*TROUBLE, SLOW)),
    *((does, does, does) for does in (*TROUBLE, SLOW)),
    (WORKS, "hangs", WORKS),
    (WORKS, WORKS, "hangs"),
]


class Service:
    """Does what is asked for, at once or after a while, or is in trouble; `kept` are the bodies that it took."""

    def __init__(self, answer: bytes = b"") -> None:
        self._answer = answer
        self.does = WORKS
        self.kept: list[bytes] = []

    def __call__(self, endpoint: Endpoint, request: BaseHTTPRequestHandler, body: bytes) -> None:
        """Serve a request."""
        does = self.does
        if does in TROUBLE:
            TROUBLE[does](endpoint, request)
            return
        if does == SLOW:
            endpoint.over.wait(_SLOW_S)
        self.kept.append(body)
        request.send_response(200)
        request.send_header("Content-Length", str(len(self._answer)))
        request.send_header("ETag", '"an-etag"')
        request.end_headers()
        request.wfile.write(self._answer)


class Services:
    """The four; `environment` is where boto3 finds them."""

    def __init__(self) -> None:
        self.dynamodb = Service(json.dumps({"ConsumedCapacity": {"TableName": "a-table"}}).encode())
        self.s3 = Service()
        self.sqs = Service(json.dumps({"MessageId": "a-message"}).encode())
        self.ssm = Service(json.dumps({"Parameter": {"Value": hashes_of(APP, KEY)}}).encode())
        self.environment: dict[str, str] = {}
        self._clock = threading.Event()

    def go_through_trouble(self, seconds: float) -> None:
        """Have the buffer, S3 and SQS do each of TURNS for as long, so many seconds in all, then work again."""
        for self.dynamodb.does, self.s3.does, self.sqs.does in TURNS:
            self._clock.wait(seconds / len(TURNS))
        self.dynamodb.does = self.s3.does = self.sqs.does = WORKS

    def ssm_goes_through_trouble(self, seconds: float) -> None:
        """Have SSM do each kind of trouble for as long, so many seconds in all, then be slow."""
        for self.ssm.does in TROUBLE:
            self._clock.wait(seconds / len(TROUBLE))
        self.ssm.does = SLOW

    def numbers(self) -> set[int]:
        """The numbers of all lines that are kept, in the buffer, in S3 or in the queue."""
        texts = [_text(json.loads(body)) for body in self.dynamodb.kept]
        texts += [gzip.decompress(body) for body in self.s3.kept]
        for body in self.sqs.kept:
            batch = json.loads(json.loads(body)["MessageBody"])
            texts.append(gzip.decompress(b64decode(batch["body"])))
        return {int(number) for text in texts for number in _NUMBER.findall(text)}


@contextmanager
def services(tls: ssl.SSLContext, bundle: str) -> Iterator[Services]:
    """Serve the four, the buffer and S3 over TLS."""
    serving = Services()
    with (
        aws_endpoint(serve=serving.dynamodb, tls=tls) as (dynamodb_url, _),
        aws_endpoint(serve=serving.s3, tls=tls) as (s3_url, _),
        aws_endpoint(serve=serving.sqs) as (sqs_url, _),
        aws_endpoint(serve=serving.ssm) as (ssm_url, _),
    ):
        serving.environment |= {
            "AWS_ENDPOINT_URL_DYNAMODB": dynamodb_url,
            "AWS_ENDPOINT_URL_S3": s3_url,
            "AWS_ENDPOINT_URL_SQS": sqs_url,
            "AWS_ENDPOINT_URL_SSM": ssm_url,
            "AWS_CA_BUNDLE": bundle,
        }
        yield serving


def _text(asked: Mapping[str, Any]) -> bytes:
    """The text of a PutItem's batch; a late marker has none."""
    item = asked["Item"]
    if "zlib" in item:
        return zlib.decompress(b64decode(item["zlib"]["B"]))
    return b64decode(item["body"]["B"]) if "body" in item else b""
