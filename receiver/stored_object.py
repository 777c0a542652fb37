"""An object to write to the archive."""

from typing import NamedTuple

from contract.object_keys import ObjectKey


class StoredObject(NamedTuple):
    """An object to write: its key, and its gzip bytes (one member, lines ended by LF), and their lines."""

    key: ObjectKey
    data: bytes
    lines: int
