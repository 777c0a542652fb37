"""An object to write to the archive."""

from typing import NamedTuple

from contract.object_keys import ObjectKey


class StoredObject(NamedTuple):
    """An object to write: its key, and its gzip bytes (one member, lines ended by LF)."""

    key: ObjectKey
    data: bytes
