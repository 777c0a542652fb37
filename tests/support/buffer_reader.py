"""The runbook's view of a buffer in memory."""

from typing import TYPE_CHECKING

from runbook.clients.buffer import Buffer, Items
from tests.support.fakes import FakeBuffer

if TYPE_CHECKING:
    from collections.abc import Callable

OTHER = "raxx-console-prod"
MINUTES = 5


class Reader(Buffer):
    """Queries the buffer in memory; `meanwhile` is called before each query."""

    def __init__(self, buffer: FakeBuffer) -> None:
        self._buffer = buffer
        self.queries = 0
        self.meanwhile: Callable[[], object] = lambda: None

    def query(self, partition: str, *, prefix: str = "", since_ms: int | None = None, consistent: bool = True) -> Items:
        self.meanwhile()
        self.queries += 1
        return [
            dict(item)
            for key, item in sorted(self._buffer.items.items())
            if key.partition == partition
            and key.sort.startswith(prefix)
            and (since_ms is None or int(item.get("arrival", {"N": "-1"})["N"]) >= since_ms)
        ]
