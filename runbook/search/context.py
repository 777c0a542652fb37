"""The lines around each hit, as grep -A, -B and -C show them. Pure."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby

from runbook.search.cut import Cut
from runbook.search.line_rows import Row


@dataclass(frozen=True)
class Candidate:
    """A line that may be shown: a hit, or one that may be near a hit.

    `number` counts the lines of its app in S3 from the newest; None for a line from the buffer.
    """

    row: Row
    hit: bool
    number: int | None


@dataclass(frozen=True)
class Block:
    """Lines of an app that follow each other, and which of them are hits."""

    lines: tuple[Candidate, ...]

    @property
    def rows(self) -> list[Row]:
        """The rows of the lines."""
        return [each.row for each in self.lines]


def blocks(candidates: Iterable[Candidate], cut: Cut, before: int, after: int) -> list[Block]:
    """Give the hits that a cut keeps with so many lines of their app before and after each, in order of their time."""
    listed = sorted(candidates, key=lambda each: (each.row.app, each.row.position))
    # By identity: two lines can be the same, when two drains of an app lead to the stack.
    kept = {id(each) for each in cut.kept((each for each in listed if each.hit), lambda each: each.row)}
    found = [
        block
        for _, of_app in groupby(listed, key=lambda each: each.row.app)
        for run in _runs(list(of_app))
        for block in _near(run, kept, before, after)
    ]
    return sorted(found, key=lambda block: block.lines[0].row.position)


def reaches_behind(candidates: Iterable[Candidate]) -> bool:
    """Whether a hit from the buffer is older than a line in S3, so that lines near it may not have been read."""
    newest: dict[str, Row] = {}
    oldest: dict[str, Row] = {}
    for each in candidates:
        app = each.row.app
        if each.number is not None:
            newest[app] = max(newest.get(app, each.row), each.row, key=lambda row: row.position)
        elif each.hit:
            oldest[app] = min(oldest.get(app, each.row), each.row, key=lambda row: row.position)
    return any(row.position < newest[app].position for app, row in oldest.items() if app in newest)


def _runs(lines: Sequence[Candidate]) -> list[list[Candidate]]:
    """Split the lines of an app where lines in between were not read."""
    runs: list[list[Candidate]] = [[]]
    waiting: list[Candidate] = []
    last: int | None = None
    for each in lines:
        waiting.append(each)
        if each.number is None:
            continue
        if last is not None and last - each.number != 1:
            runs.append([])
        runs[-1] += waiting
        waiting, last = [], each.number
    runs[-1] += waiting
    return runs


def _near(run: Sequence[Candidate], kept: set[int], before: int, after: int) -> list[Block]:
    shown = sorted(
        {
            near
            for at, each in enumerate(run)
            if id(each) in kept
            for near in range(max(0, at - before), min(len(run), at + after + 1))
        }
    )
    # Numbers that follow each other differ from their places by the same.
    grouped = groupby(enumerate(shown), key=lambda pair: pair[1] - pair[0])
    return [Block(tuple(run[at] for _, at in group)) for _, group in grouped]
