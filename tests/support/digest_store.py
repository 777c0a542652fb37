"""The archive's bucket in memory, as the digester and `verify` see it."""

import hashlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

from contract.digests import Digest
from receiver.digests.digest import Found, Head, Made, make


class Crash(Exception):
    """The function ended, for example at its time-out."""


@dataclass(frozen=True)
class Stored:
    """An object's bytes, when S3 says that it was modified, and what its writer noted."""

    data: bytes
    modified: datetime
    lines: int | None = 1
    has_sha256: bool = True

    @property
    def etag(self) -> str:
        """The MD5, as S3 gives it for objects that were written at once."""
        return hashlib.md5(self.data, usedforsecurity=False).hexdigest()


@dataclass
class FakeStore:
    """The bucket. `before` is called with the name of each call before it is done, `after` after it."""

    stored: dict[str, Stored] = field(default_factory=dict)
    before: Callable[[str], None] = lambda _: None
    after: Callable[[str], None] = lambda _: None

    def put(self, key: str, modified: datetime, data: bytes = b"", **given: object) -> None:
        """Write an object."""
        self.stored[key] = replace(Stored(data or key.encode(), modified), **given)  # type: ignore[arg-type]

    def keys_after(self, prefix: str, after: str) -> Iterable[str]:
        """List."""
        self.before("keys_after")
        return [key for key in sorted(self.stored) if key.startswith(prefix) and key > after]

    def folders(self, prefix: str) -> list[str]:
        """List with a delimiter."""
        self.before("folders")
        under = (key.removeprefix(prefix) for key in self.stored if key.startswith(prefix))
        return sorted({f"{prefix}{key.partition('/')[0]}/" for key in under if "/" in key})

    def objects(self, prefixes: Iterable[str]) -> Iterable[Found]:
        """List all prefixes."""
        wanted = list(prefixes)
        self.before("objects")
        found = [
            Found(key, each.etag, len(each.data), each.modified, each.has_sha256)
            for prefix in wanted
            for key, each in sorted(self.stored.items())
            if key.startswith(prefix)
        ]
        self.after("objects")
        return found

    def heads(self, keys: Iterable[str]) -> dict[str, Head | None]:
        """Ask for each."""
        self.before("heads")
        return {key: self._head(key) for key in keys}

    def read(self, key: str) -> bytes:
        """Read."""
        self.before("read")
        return self.stored[key].data

    def create(self, key: str, data: bytes) -> bool:
        """Write, unless there is one."""
        self.before("create")
        is_new = key not in self.stored
        if is_new:
            self.stored[key] = Stored(data, datetime.now(UTC))
        self.after("create")
        return is_new

    def chain(self) -> list[Digest]:
        """All digests, in order of keys."""
        return [Digest.decode(each.data) for key, each in sorted(self.stored.items()) if key.startswith("digests/")]

    def _head(self, key: str) -> Head | None:
        each = self.stored.get(key)
        if each is None:
            return None
        return Head(each.etag, hashlib.sha256(each.data).hexdigest() if each.has_sha256 else None, each.lines)


class Digester:
    """A digester with a clock that the test moves."""

    def __init__(self, store: FakeStore, now: datetime) -> None:
        self.store, self.now = store, now

    def run(self) -> Made:
        """Make a digest."""
        return make(self.store, lambda: self.now)

    def run_after(self, **passed: float) -> Made:
        """Make a digest some time later."""
        self.now += timedelta(**passed)
        return self.run()
