"""Drain POSTs from the field, with what a byte-exact reader finds in them (vectors/README.md)."""

import json
from base64 import b64decode
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_FILE = Path(__file__).parent / "vectors" / "logplex.json"


@dataclass(frozen=True, slots=True)
class FieldFrame:
    """The fields of one syslog message; `message` has the newline that its writer ended it with."""

    pri: int
    timestamp: str
    hostname: str
    appname: str
    procid: str
    msgid: str
    message: bytes


@dataclass(frozen=True, slots=True)
class FieldBody:
    """One POST and what is in its body.

    `frames` are the frames with a syslog header, in order. `malformed_remainder` is the rest of the body from the
    first framing fault on, `unparseable_frames` are frames without a syslog header.
    """

    name: str
    source: str
    notes: str
    headers: Mapping[str, str]
    body: bytes
    frames: tuple[FieldFrame, ...]
    malformed_remainder: bytes
    unparseable_frames: tuple[bytes, ...]

    @property
    def stored_lines(self) -> int:
        """How many lines are stored as they came."""
        return len(self.frames)

    @property
    def quarantine_lines(self) -> int:
        """How many quarantine lines keep the rest, so that no byte is lost."""
        return len(self.unparseable_frames) + bool(self.malformed_remainder)


def field_bodies() -> list[FieldBody]:
    """Read all of them."""
    return [_body(case) for case in json.loads(_FILE.read_text())]


def _body(case: Mapping[str, Any]) -> FieldBody:
    return FieldBody(
        name=case["name"],
        source=case["source"],
        notes=case["notes"],
        headers=case["headers"],
        body=b64decode(case["body_base64"]),
        frames=tuple(_frame(expected) for expected in case["expected"]),
        malformed_remainder=b64decode(case.get("malformed_remainder_base64", "")),
        unparseable_frames=tuple(b64decode(frame) for frame in case.get("unparseable_frames_base64", ())),
    )


def _frame(expected: Mapping[str, Any]) -> FieldFrame:
    raw = expected.get("message_base64")
    return FieldFrame(
        pri=expected["pri"],
        timestamp=expected["timestamp"],
        hostname=expected["hostname"],
        appname=expected["appname"],
        procid=expected["procid"],
        msgid=expected["msgid"],
        message=b64decode(raw) if raw else expected["message"].encode(),
    )
