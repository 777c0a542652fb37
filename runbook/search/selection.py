"""Which lines are wanted: in SQL for those in S3, and in Python for those in the buffer. Pure."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from contract import canary
from contract.canary import NOT_A_CANARY
from contract.logplex.batch import Line
from contract.object_keys import EPOCH_DAY
from contract.window import Window
from runbook.errors import RunbookError
from runbook.search.line_rows import Row, milliseconds, of_time
from runbook.search.sql_literals import literal
from runbook.search.text_filters import TextFilter

# RFC 5424 section 6: APP-NAME and PROCID are printable US-ASCII without space.
_SOURCE = re.compile(r"[!-~]{1,48}")
_PROC_ID = re.compile(r"[!-~]{1,128}")


@dataclass(frozen=True)
class Selection:
    """Lines of a window, or of any time; `conditions` and `admits` select the same ones.

    A dyno is a PROCID such as web.1 or router, or a process type such as web for all its dynos. Any of the dynos, and
    any of the sources; none of them stands for all, without canaries. All of `matches`, and none of `excludes`.
    RunbookError for a value that no line can have.
    """

    window: Window | None
    dynos: Sequence[str] = ()
    sources: Sequence[str] = ()
    matches: Sequence[TextFilter] = ()
    excludes: Sequence[TextFilter] = ()

    def __post_init__(self) -> None:
        for dyno in self.dynos:
            if not _PROC_ID.fullmatch(dyno):
                raise RunbookError(f"invalid dyno {dyno!r}: write web.1, web or router")
        for source in self.sources:
            if not _SOURCE.fullmatch(source):
                raise RunbookError(f"invalid source {source!r}: write app, heroku or logdrain")

    @property
    def base(self) -> list[str]:
        """The conditions in SQL but those on the message, to join with AND."""
        if self.window is None:
            raise TypeError("SQL is asked of a window")
        conditions = [*self.window.predicates, self._of_dynos() if self.dynos else NOT_A_CANARY]
        if self.sources:
            conditions.append(f"source IN ({', '.join(map(literal, self.sources))})")
        return conditions

    @property
    def texts(self) -> list[str]:
        """The conditions in SQL on the message, to join with AND."""
        return [
            *(each.condition for each in self.matches),
            *(f"NOT {each.condition}" for each in self.excludes),
        ]

    def admits(self, line: Line, row: Row) -> bool:
        """Whether the row of a line is selected."""
        return self.admits_base(line, row) and self.admits_text(row)

    def admits_base(self, line: Line, row: Row) -> bool:
        """Whether it is, whatever its message."""
        window = self.window
        if window and (
            # The day of its partition, which is another than that of its own time if that is not valid.
            EPOCH_DAY + timedelta(days=line.time.days) not in window.days
            or not of_time(window.since) <= milliseconds(row.log_ts) <= of_time(window.until)
        ):
            return False
        return self._is_of_dynos(row) and (not self.sources or row.source in self.sources)

    def admits_text(self, row: Row) -> bool:
        """Whether the message of a row is selected."""
        return all(each.found_in(row.message) for each in self.matches) and not any(
            each.found_in(row.message) for each in self.excludes
        )

    def _of_dynos(self) -> str:
        each = (f"proc_id = {literal(dyno)} OR strpos(proc_id, {literal(dyno + '.')}) = 1" for dyno in self.dynos)
        return f"({' OR '.join(each)})"

    def _is_of_dynos(self, row: Row) -> bool:
        if not self.dynos:
            return (row.source, row.proc_id) != (canary.SOURCE, canary.PROC_ID)
        return any(row.proc_id == dyno or row.proc_id.startswith(f"{dyno}.") for dyno in self.dynos)
