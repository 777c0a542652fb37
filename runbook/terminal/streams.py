"""The output streams: what their encoding lacks, and readers that are gone."""

import codecs
import io
import os
import sys
from pathlib import Path

# What we draw with, and the dots of what is left out. Other characters are escaped as `\u00e9`.
_ASCII = {
    "…": "...",
    "─": "-",
    "━": "-",
    "│": "|",
    "█": "#",
    "•": "*",
    **dict.fromkeys("┌┐└┘├┤┬┴┼", "+"),
}
_HANDLER = "runbook.ascii"


def prepare() -> None:
    r"""Make stdout and stderr write what their encoding lacks as `#`, for a bar, or as `\u00e9`, instead of failing.

    A stream that the shell closed (`>&-`) writes to nowhere.
    """
    codecs.register_error(_HANDLER, _in_ascii)
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None:
            setattr(sys, name, Path(os.devnull).open("w", encoding="utf-8"))  # noqa: SIM115  open until the end
        elif isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors=_HANDLER)


def is_unicode(*, stderr: bool = False) -> bool:
    """Whether stdout, or stderr, can write any character."""
    encoding = (sys.stderr if stderr else sys.stdout).encoding
    return encoding is None or codecs.lookup(encoding).name.startswith("utf")


def discard_unwritable() -> None:
    """Write what is buffered; what cannot be written is dropped, so that Python does not report it at its end."""
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except OSError:
            # As in "Note on SIGPIPE", https://docs.python.org/3/library/signal.html
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, stream.fileno())
            os.close(nowhere)


def _in_ascii(error: UnicodeError) -> tuple[str | bytes, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    lacking = error.object[error.start : error.end]
    return "".join(_ASCII.get(char) or char.encode("ascii", "backslashreplace").decode() for char in lacking), error.end
