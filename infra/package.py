"""The Lambda archive."""

from pathlib import Path

import pulumi

PROJECT = Path(__file__).parent.parent

# What runs a receiver outside Lambda has no place in it.
_LEFT_OUT = {"receiver/__main__.py", "receiver/host.py", "receiver/wsgi.py"}


def sources() -> list[str]:
    """The files of the archive, sorted: our own sources only, as the runtime brings boto3."""
    files = [
        path.relative_to(PROJECT).as_posix()
        for room in ("contract", "receiver")
        for path in (PROJECT / room).rglob("[!.]*.py")
    ]
    return sorted(set(files) - _LEFT_OUT)


def archive() -> pulumi.AssetArchive:
    """The archive, file by file: a folder's digest would change with every `__pycache__`."""
    return pulumi.AssetArchive({path: pulumi.FileAsset(path) for path in sources()})
