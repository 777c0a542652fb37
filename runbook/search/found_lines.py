"""Finds lines of the past, in S3 and in the buffer, each once."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, TypeVar
from uuid import UUID

from contract.object_keys import ObjectKey
from runbook.clients import aws
from runbook.clients.athena import Result
from runbook.search import athena_command, context, line_rows, lines_sql
from runbook.search.context import Block, Candidate
from runbook.search.cut import Cut
from runbook.search.selection import Selection
from runbook.search.unflushed import Unflushed
from runbook.session import Session
from runbook.terminal import printing

Read = TypeVar("Read")
# A line's columns, without the URL of its object.
OWN_COLUMNS = len(lines_sql.COLUMNS) - 1


@dataclass(frozen=True)
class Wanted:
    """Which lines are sought: of which apps, selected how, how many, and with how many around each.

    `asked` are the apps that were named, none for all of `apps`.
    """

    asked: Sequence[str]
    apps: Sequence[str]
    selection: Selection
    cut: Cut
    before: int = 0
    after: int = 0

    @property
    def has_context(self) -> bool:
        """Whether lines around the selected ones are shown too."""
        return self.before > 0 or self.after > 0


@dataclass(frozen=True)
class Found:
    """Lines in the order of the log, and whether these are all.

    Without context they are one block. `cut` says that there are more than the limit; `whole_context` is false if lines
    around a hit may be missing. `buffered` lines are not in S3 yet; None if the buffer could not be read.
    """

    blocks: list[Block]
    cut: bool
    whole_context: bool
    buffered: int | None
    result: Result
    unflushed: Unflushed | None

    @property
    def lines(self) -> list[Candidate]:
        """The lines of all blocks."""
        return [line for block in self.blocks for line in block.lines]

    @property
    def count(self) -> int:
        """How many lines there are."""
        return len(self.lines)

    @property
    def complete(self) -> bool:
        """Whether these are all lines that are readable now."""
        return not self.cut and self.whole_context and self.buffered is not None


def find(session: Session, wanted: Wanted, now: datetime) -> Found:
    """Find lines. Without the buffer, those in S3 are worth showing."""
    unflushed = unflushed_of(session, wanted, now)
    result = athena_command.run(session, _sql(session, wanted))
    stored = [_stored(values, has_context=wanted.has_context) for values in result.rows]
    objects = {
        name for values in result.rows if (name := object_name(str(values[OWN_COLUMNS]), session.outputs.bucket))
    }
    waiting = guarded(lambda: _waiting(unflushed, wanted, objects)) if unflushed else None
    candidates = [*stored, *(waiting or ())]
    hits = [each for each in candidates if each.hit]
    if wanted.has_context:
        blocks = context.blocks(candidates, wanted.cut, wanted.before, wanted.after)
    else:
        blocks = _one_block(hits, wanted.cut)
    shown = {id(line) for block in blocks for line in block.lines}
    return Found(
        blocks=blocks,
        cut=len(hits) > wanted.cut.limit,
        whole_context=not (wanted.has_context and context.reaches_behind(candidates)),
        buffered=None if waiting is None else sum(id(each) in shown for each in waiting),
        result=result,
        unflushed=unflushed,
    )


def guarded(read: Callable[[], Read]) -> Read | None:
    """Read the buffer; None, and a note, if that fails: the lines in S3 are worth showing without."""
    try:
        return read()
    except Exception as error:
        explained = aws.explain(error)
        if explained is None:
            raise
        printing.note(f"lines that are not in S3 yet are missing: {explained}")
        return None


def unflushed_of(session: Session, wanted: Wanted, now: datetime) -> Unflushed | None:
    """The lines of the past that are not in S3 yet; None if the buffer cannot be read.

    To be asked for before Athena is: unflushed.py says why.
    """
    window = wanted.selection.window
    if window is None:
        raise TypeError("the past has a window")
    outputs = session.outputs
    return guarded(lambda: Unflushed(session.buffer, wanted.apps, outputs.flush_minutes, window, now))


def object_name(url: str, bucket: str) -> UUID | None:
    """The name in an object's URL; None for an object that is not ours."""
    try:
        return ObjectKey.parse(url.removeprefix(f"s3://{bucket}/")).name
    except ValueError:
        return None


def _sql(session: Session, wanted: Wanted) -> str:
    table = f"{session.outputs.database}.{session.outputs.table}"
    # One more than shown, to know whether there are more.
    cut = replace(wanted.cut, limit=wanted.cut.limit + 1)
    if wanted.has_context:
        return lines_sql.with_context(table, wanted.selection, cut, wanted.before, wanted.after, apps=wanted.asked)
    return lines_sql.sql(table, wanted.selection, cut, apps=wanted.asked)


def _stored(values: Sequence[Any], *, has_context: bool) -> Candidate:
    row = line_rows.of_athena(values[:OWN_COLUMNS])
    return Candidate(row, bool(values[-1]), int(values[-2])) if has_context else Candidate(row, True, None)


def _waiting(unflushed: Unflushed, wanted: Wanted, objects: set[UUID]) -> list[Candidate]:
    selection = wanted.selection
    if not wanted.has_context:
        return [Candidate(row, True, None) for row in unflushed.rows(selection, objects)]
    base = replace(selection, matches=(), excludes=())
    return [Candidate(row, selection.admits_text(row), None) for row in unflushed.rows(base, objects)]


def _one_block(hits: Sequence[Candidate], cut: Cut) -> list[Block]:
    chosen = cut.kept(hits, lambda each: each.row)
    return [Block(tuple(chosen))] if chosen else []
