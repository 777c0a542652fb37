"""Drain POSTs from the field, and what a byte-exact reader finds in them (vectors/README.md)."""

import json
from base64 import b64decode
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_FILE = Path(__file__).parent / "vectors" / "logplex.json"


@dataclass(frozen=True, slots=True)
class FieldFrame:
    """The fields of one syslog message; `message` includes the newline at its end."""

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

    `frames` are stored as one line each. `malformed_remainder` is the rest of the body from the first framing fault on,
    which is stored as one quarantine line.
    """

    name: str
    headers: Mapping[str, str]
    body: bytes
    frames: tuple[FieldFrame, ...]
    malformed_remainder: bytes


def field_bodies() -> list[FieldBody]:
    """Read all bodies."""
    return [
        FieldBody(
            name=case["name"],
            headers=case["headers"],
            body=b64decode(case["body_base64"]),
            frames=tuple(_frame(expected) for expected in case["expected"]),
            malformed_remainder=b64decode(case.get("malformed_remainder_base64", "")),
        )
        for case in json.loads(_FILE.read_text())
    ]


def _frame(expected: Mapping[str, Any]) -> FieldFrame:
    raw = expected.get("message_base64")
    return FieldFrame(
        **{name: expected[name] for name in ("pri", "timestamp", "hostname", "appname", "procid", "msgid")},
        message=b64decode(raw) if raw else expected["message"].encode(),
    )
