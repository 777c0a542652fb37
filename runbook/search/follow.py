"""Shows lines as they come, until Ctrl-C."""

import time
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import NoReturn

from runbook.clients import aws
from runbook.search.line_rows import Row
from runbook.search.selection import Selection
from runbook.search.tail import PAUSE_S, Tail
from runbook.search.unflushed import Unflushed, untils_of
from runbook.session import Session
from runbook.terminal import printing, times


def follow(
    session: Session,
    apps: Sequence[str],
    selection: Selection,
    began: datetime,
    seen: Unflushed | None,
    show: Callable[[Sequence[Row]], None],
) -> NoReturn:
    """Follow the apps from when it `began`; `seen` was shown before."""
    lengths = {until.minutes for untils in untils_of(session.buffer).values() for until in untils}
    tail = Tail(apps, {*lengths, session.outputs.flush_minutes}, selection, began, seen.contents if seen else ())
    failing = False
    while True:
        try:
            rows = tail.poll(session.buffer, times.now())
            failing = False
        except Exception as error:
            explained = aws.explain(error)
            if explained is None:
                raise
            if not failing:
                printing.note(f"cannot read the buffer, trying again: {explained}")
            rows, failing = [], True
            session.forget_reader()
        try:
            show(rows)
            time.sleep(PAUSE_S)
        except KeyboardInterrupt:
            show(tail.rest())
            raise
