"""The output streams in any encoding, and when nobody reads them."""

import io
import os
import sys

import pytest

from runbook.terminal import printing, streams


@pytest.mark.parametrize("encoding", ["ascii", "latin-1"])
def test_what_the_encoding_lacks_is_escaped(monkeypatch: pytest.MonkeyPatch, encoding: str) -> None:
    written = {"stdout": io.BytesIO(), "stderr": io.BytesIO()}
    for name, buffer in written.items():
        monkeypatch.setattr(f"sys.{name}", io.TextIOWrapper(buffer, encoding=encoding))
    streams.prepare()
    printing.table(["message"], [["a\u20ac\u2026"]])
    printing.note("\u20ac\u2026")
    sys.stdout.flush()
    sys.stderr.flush()
    assert all(b"\\u20ac..." in buffer.getvalue() for buffer in written.values())


def test_what_cannot_be_written_is_dropped(monkeypatch: pytest.MonkeyPatch) -> None:
    """Otherwise Python reports it when it ends, with exit code 120."""
    reader, writer = os.pipe()
    os.close(reader)
    with os.fdopen(writer, "w", encoding="utf-8") as stdout:
        monkeypatch.setattr("sys.stdout", stdout)
        stdout.write("unread")
        streams.discard_unwritable()
        stdout.flush()
