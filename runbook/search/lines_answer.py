"""Answers `lines`: asks before a large query, finds, prints, and says whether these are all lines."""

from collections.abc import Iterator, Sequence

from runbook import stack_outputs
from runbook.clients.athena import Execution
from runbook.search import athena_command, estimate, parquet
from runbook.search.estimate import Estimate
from runbook.search.exported_lines import Export
from runbook.search.follow import follow
from runbook.search.found_lines import Found, Wanted, find
from runbook.search.lines_options import LinesOptions
from runbook.search.print_lines import Printer
from runbook.session import Session
from runbook.terminal import printing, times


def answer(session: Session, asked: Sequence[str], options: LinesOptions, over_bytes: int, *, yes: bool) -> None:
    """Answer with options that were checked; `asked` are the apps that were named."""
    if options.parquet is not None:
        parquet.check(options.parquet)
    now = times.now()
    window = options.window(now)
    wanted = Wanted(
        asked,
        stack_outputs.searched_apps(session.outputs, asked),
        options.selection(window),
        options.cut(now),
        options.lines_before,
        options.lines_after,
    )
    stored = estimate.of_window(session.s3, session.outputs.bucket, wanted.apps, window)
    athena_command.confirm_size(stored, over_bytes, yes=yes)
    printer = Printer(
        wanted.apps,
        window,
        options.zone,
        options.formats,
        wanted.selection.matches,
        file=options.parquet,
        paged=not (options.no_pager or options.follow),
        has_context=wanted.has_context,
    )
    if options.takes_all:
        notes = _write_all(Export(session, wanted, now), printer, wanted, stored)
    else:
        found = find(session, wanted, now)
        if options.follow:
            printer.show(found)
            follow(session, wanted.apps, options.selection(None), now, found.unflushed, printer.show_rows)
        if session.as_json:
            printer.document(found, stored.objects_in_glacier)
            return
        printer.show(found)
        notes = [*_cuts(found, wanted), *_extent(found, found.result, wanted, stored)]
    for note in notes:
        printing.note(note)
    athena_command.note_objects_in_glacier(session, stored, asked, window)


def _write_all(export: Export, printer: Printer, wanted: Wanted, stored: Estimate) -> list[str]:
    printer.show_rows(export.lines())
    return [*_extent(export, export.stream, wanted, stored)]


def _cuts(found: Found, wanted: Wanted) -> Iterator[str]:
    """Say what is missing, and how to see it."""
    cut = wanted.cut
    if found.cut:
        option = "--first" if cut.oldest else "--limit"
        other = {"newest": "older", "oldest": "newer", "nearest": "other"}[cut.name]
        yield (
            f"the window has {other} lines than these {cut.limit:,}: narrow it, raise {option}, "
            "or write all to a file with `--csv > lines.csv`"
        )
    if not found.whole_context:
        yield "lines around some that are not in S3 yet may be missing: ask again in some minutes"


def _extent(lines: Found | Export, execution: Execution, wanted: Wanted, stored: Estimate) -> Iterator[str]:
    """Say how many lines these are, whether they are all, what the query cost, and what is not in S3 yet."""
    filtered = wanted.selection.texts or wanted.selection.dynos or wanted.selection.sources
    whole = "all that match" if filtered else "all of the window"
    which = whole if lines.complete and not stored.objects_in_glacier else "not all"
    yield f"{printing.counted(lines.count, 'line', 'lines')}, {which}, {athena_command.cost(execution)}"
    if lines.buffered:
        yield f"{printing.counted(lines.buffered, 'line is', 'lines are')} from the buffer, not in S3 yet"
