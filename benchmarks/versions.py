"""What a POST costs in this version and in another: `python -m benchmarks.versions REVISION`. CPU time, medians.

Each version runs in processes of its own, in turn, against an endpoint that says yes in the place of AWS. Times of
different machines cannot be compared, ratios can.
"""

import json
import os
import statistics
import subprocess
import sys
import tarfile
import zlib
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from io import BytesIO
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Thread
from typing import Any

from benchmarks.post_cpu import APP, KEY
from contract.drain_url import token
from contract.token_hashes import CURRENT, format_hashes, token_hash

PROJECT = Path(__file__).parent.parent
TURNS = 7
HASHES = format_hashes({CURRENT: token_hash(token(KEY, APP))})


class Yes(BaseHTTPRequestHandler):
    """Says yes to what the receiver asks of AWS."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def do_POST(self) -> None:
        asked = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        target = self.headers.get("X-Amz-Target") or ""
        answer: dict[str, Any] = {}
        if target.startswith("AmazonSSM"):
            # Versions before hashes of tokens read the keys.
            answer = {"Parameter": {"Value": HASHES if json.loads(asked)["Name"].endswith(APP) else json.dumps([KEY])}}
        elif target.startswith("DynamoDB"):
            answer = {"ConsumedCapacity": {"TableName": "t", "CapacityUnits": 1.0}}
        body = json.dumps(answer).encode() if answer else b""
        self.send_response(200)
        self.send_header("ETag", '"an-etag"')
        self.send_header("x-amz-crc32", str(zlib.crc32(body)))
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_PUT = do_POST  # noqa: N815  the base class's name

    def log_message(self, *_: object) -> None:
        """Log nothing."""


def measured(folder: Path, url: str) -> dict[str, float]:
    """What one process of a version measures."""
    child = subprocess.run(
        # -P: its own folder has a receiver.py, too.
        [sys.executable, "-P", str(PROJECT / "benchmarks" / "post_cpu.py"), url],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(folder)},
        check=True,
        capture_output=True,
        text=True,
    )
    told: dict[str, float] = json.loads(child.stderr)
    return told


def main() -> None:
    """Print the table."""
    if len(sys.argv) != 2:
        raise SystemExit("usage: python -m benchmarks.versions REVISION")
    archive = subprocess.run(["git", "archive", sys.argv[1]], cwd=PROJECT, check=True, capture_output=True).stdout
    server = ThreadingHTTPServer(("127.0.0.1", 0), Yes)
    server.daemon_threads = True
    Thread(target=server.serve_forever, daemon=True).start()
    url = f"http://127.0.0.1:{server.server_address[1]}"
    with TemporaryDirectory() as other:
        with tarfile.open(fileobj=BytesIO(archive)) as files:
            files.extractall(other, filter="data")
        turns = [(measured(Path(other), url), measured(PROJECT, url)) for _ in range(TURNS)]
    print(f"{'CPU ms':<36}{sys.argv[1][:9]:>10}{'this':>10}{'ratio':>8}")
    for name in turns[0][0]:
        before, after = (statistics.median(turn[side][name] for turn in turns) for side in (0, 1))
        print(f"{name:<36}{before:>10.3f}{after:>10.3f}{after / before:>8.2f}")


if __name__ == "__main__":
    main()
