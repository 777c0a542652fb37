"""How long `verify` takes for a year: 315,360 objects of three apps and 8,760 digests.

A child process plays S3's lists and reads, with their latency. `python -m benchmarks.verify [DAYS]`.
"""

import asyncio
import hashlib
import json
import multiprocessing
import os
import resource
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import redirect_stdout
from datetime import UTC, date, datetime, timedelta
from io import StringIO
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit
from uuid import UUID

from contract import digests
from contract.digests import Digest, Entry, Link, Listed
from contract.object_keys import ObjectKey
from local.pulumi import preview
from runbook import cli
from runbook.terminal import times

APPS = ("raxx-api-prod", "raxx-console-prod", "raxx-velvet-prod")
FIRST = date(2026, 1, 1)
SLOT = timedelta(minutes=5)
# Of S3 in a region, from a machine in it: its first byte ("Performance design patterns for Amazon S3" says 100 to
# 200 ms for large objects; small ones and lists take some tens).
LATENCY_S = 0.03
_PAGE = 1000


def archive(days: int) -> tuple[dict[str, Entry], dict[str, bytes], datetime]:
    """Make the objects of so many days, their digests, and the time at which the last digest was made."""
    begin = datetime.combine(FIRST, datetime.min.time(), UTC)
    objects: dict[str, Entry] = {}
    chain: dict[str, bytes] = {}
    previous, listed = None, Listed()
    for hour in range(days * 24):
        made = begin + timedelta(hours=hour + 1)
        entries = list(_hour(made))
        planned = digests.plan(listed, made)
        digest = Digest(hour, made, previous, planned.listed, planned.days, sorted(entries))
        data = chain[digest.key] = digest.encode()
        previous, listed = Link(digest.key, digests.sha256_of(data), made), planned.listed
        objects |= {entry.key: entry for entry in entries}
    return objects, chain, made


def _hour(made: datetime) -> Iterator[Entry]:
    for slot in range(12):
        newest = made - timedelta(hours=1) + slot * SLOT + timedelta(seconds=90)
        for app in APPS:
            digest = hashlib.sha256(f"{app}{newest}".encode()).hexdigest()
            key = ObjectKey(app, int(newest.timestamp() * 1000), UUID(digest[:32]))
            yield Entry(str(key), digest[:32], 40_000, digests.text_of(newest), digest, 1000)


# ---------------------------------------------------------------- S3


def rendered(listed: list[tuple[str, int, str, str]], folders: list[str], more: str) -> bytes:
    """Write a page of a list as S3 does."""
    contents = "".join(
        f"<Contents><Key>{key}</Key><LastModified>{modified[:-1]}.000Z</LastModified><ETag>&quot;{etag}&quot;</ETag>"
        f"<ChecksumAlgorithm>SHA256</ChecksumAlgorithm><ChecksumType>FULL_OBJECT</ChecksumType>"
        f"<Size>{size}</Size><StorageClass>GLACIER</StorageClass></Contents>"
        for key, size, modified, etag in listed
    )
    prefixes = "".join(f"<CommonPrefixes><Prefix>{folder}</Prefix></CommonPrefixes>" for folder in folders)
    token = f"<NextContinuationToken>{more}</NextContinuationToken>" if more else ""
    return (
        '<?xml version="1.0" encoding="UTF-8"?><ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/">'
        f"<Name>bucket</Name><KeyCount>{len(listed)}</KeyCount><MaxKeys>1000</MaxKeys>"
        f"<IsTruncated>{'true' if more else 'false'}</IsTruncated>{token}{contents}{prefixes}</ListBucketResult>"
    ).encode()


class S3:
    """Answers GETs of lists and objects, each after the latency."""

    def __init__(self, objects: dict[str, Entry], chain: dict[str, bytes]) -> None:
        self._chain = chain
        days: dict[str, list[tuple[str, int, str, str]]] = {}
        for entry in objects.values():
            folder = entry.key.rpartition("/")[0] + "/"
            days.setdefault(folder, []).append((entry.key, entry.size, entry.modified, entry.etag))
        self._days = {folder: rendered(sorted(found), [], "") for folder, found in days.items()}
        self._folders = rendered([], [f"logs/{app}/" for app in APPS], "")
        self._keys = sorted(chain)

    def answer(self, target: str) -> bytes:
        """Answer one request."""
        parts = urlsplit(target)
        asked = {name: values[0] for name, values in parse_qs(parts.query).items()}
        key = unquote(parts.path).removeprefix("/").partition("/")[2]
        if key:
            return self._chain[key]
        prefix = asked["prefix"]
        if prefix.startswith("digests/"):
            begin = int(asked.get("continuation-token", "0"))
            page = self._keys[begin : begin + _PAGE]
            more = str(begin + _PAGE) if begin + _PAGE < len(self._keys) else ""
            return rendered([(each, 900, "2026-01-01T00:00:00Z", "0" * 32) for each in page], [], more)
        return self._folders if "delimiter" in asked else self._days.get(prefix, rendered([], [], ""))

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve a connection."""
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                target = head.split(b" ", 2)[1].decode()
                await asyncio.sleep(LATENCY_S)
                body = self.answer(target)
                writer.write(b'HTTP/1.1 200 OK\r\nContent-Type: application/xml\r\nETag: "0"\r\n')
                writer.write(b"Content-Length: %d\r\n\r\n" % len(body) + body)
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()


def play(days: int, ready: Any) -> None:
    """Serve until the end of the process."""
    objects, chain, made = archive(days)
    s3 = S3(objects, chain)

    async def main() -> None:
        server = await asyncio.start_server(s3.serve, "127.0.0.1", 0)
        ready.send((server.sockets[0].getsockname()[1], made, len(objects), len(chain)))
        await server.serve_forever()

    asyncio.run(main())


# ---------------------------------------------------------------- the measurement


def main(days: int) -> None:
    """Verify the days and print the time."""
    ours, theirs = multiprocessing.Pipe()
    server = multiprocessing.get_context("spawn").Process(target=play, args=(days, theirs), daemon=True)
    server.start()
    port, made, objects, count = ours.recv()
    os.environ |= {
        "AWS_ENDPOINT_URL": f"http://127.0.0.1:{port}",
        "AWS_ACCESS_KEY_ID": "local",
        "AWS_SECRET_ACCESS_KEY": "local",
        "AWS_DEFAULT_REGION": "us-east-1",
    }
    times.now = lambda: made + timedelta(minutes=5)
    with tempfile.TemporaryDirectory() as folder:
        outputs = Path(folder) / "outputs.json"
        outputs.write_text(json.dumps(preview.outputs("prod")))
        last = FIRST + timedelta(days=days - 1)
        begin, printed = time.monotonic(), StringIO()
        with redirect_stdout(printed):
            code = cli.run(
                ["--outputs", str(outputs), "--json", "verify", "--from", f"{FIRST}", "--to", f"{last}T23:59:59"]
            )
        seconds = time.monotonic() - begin
    cpu = resource.getrusage(resource.RUSAGE_SELF)
    document = json.loads(printed.getvalue())
    recorded = document["objects"]["as_recorded"]
    print(f"{objects:,} objects and {count:,} digests, {LATENCY_S * 1000:.0f} ms per request: exit code {code}")
    print(f"{recorded:,} as recorded in {seconds:.1f} s, {cpu.ru_utime + cpu.ru_stime:.1f} s of CPU")
    print(f"{objects / seconds:,.0f} objects/s; {seconds / 120:.2f} of two minutes; {cpu.ru_maxrss / 1024:.0f} MB")
    if code or recorded != objects:
        sys.exit(f"verify found something: {printed.getvalue()}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 365)
