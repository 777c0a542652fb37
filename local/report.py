"""What the demo and `up` print: rich on a terminal, plain text in a pipe."""

import json
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console, Group, RenderableType
from rich.progress import BarColumn, MofNCompleteColumn, Progress, ProgressColumn, Task, TextColumn
from rich.table import Table
from rich.text import Text

from local.demo import QueryResult, Result
from local.stack import LocalStack

_ROWS = 4
_BARS = 10
_BAR_WIDTH = 40
_LONG = {"path", "message"}
# Columns of times -> the characters that are shown, to the second or the minute.
_TIMES = {"log_ts": 19, "hour_utc": 16}
_NEXT = {
    "make up": "the same stack, to send to and query yourself",
    "make demo ARGS='--lines 30000'": "more lines; --clock 2027-01-01T00:30:00 for a New Year's night",
    "less README.md": "how to deploy it for real",
}


def console(*, quiet: bool = False) -> Console:
    """Where it is printed. A pipe has no width, and what reads it no use for one that is small."""
    return Console(quiet=quiet, highlight=False, width=None if sys.stdout.isatty() else 120)


def resources(console: Console, stack: LocalStack, result: Result) -> None:
    """The resources that the program declared, by service."""
    console.print(
        f"[bold]The stack[/] {sum(stack.resources.values())} resources, declared by __main__.py, "
        f"created in stand-ins in {result.seconds['stack']:.1f} s"
    )
    kinds = Counter[str]()
    for token, count in stack.resources.items():
        package, module = token.split(":")[0], token.split(":")[1].split("/")[0]
        kinds[module if package == "aws" else package] += count
    console.print(Text("  " + ", ".join(f"{count} {kind}" for kind, count in sorted(kinds.items())), style="dim"))


@contextmanager
def progress(console: Console) -> Iterator[Callable[[int, int], None]]:
    """A progress bar; in a pipe, nothing until all is done."""
    console.print("\n[bold]Draining[/] a week of three apps' logs, and Logplex bodies from the field")
    columns: list[ProgressColumn] = [TextColumn(" "), BarColumn(40), MofNCompleteColumn(), TextColumn("lines"), _Rate()]
    with Progress(*columns, console=console, disable=not console.is_terminal) as bar:
        task = bar.add_task("", total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)


class _Rate(ProgressColumn):
    def render(self, task: Task) -> Text:
        return Text(f"{task.finished_speed or task.speed or 0:,.0f} lines/s", style="dim")


def results(console: Console, result: Result) -> None:
    """What landed, every query's answer, and whether it all adds up."""
    drained = result.seconds["drain"]
    reasons = ", ".join(f"{count} {reason}" for reason, count in result.quarantined.items()) or "none"
    console.print(
        f"  {result.lines_sent:,} lines in {result.batches:,} POSTs ({result.tries:,} tries), "
        f"{result.lines_sent / drained:,.0f} lines/s\n"
        f"  {result.objects:,} objects, {_size(result.stored_bytes)} of gzip for {_size(result.body_bytes)} received\n"
        f"  quarantined, byte for byte: {reasons}"
    )
    for query in result.queries:
        console.print()
        console.print(_query(query, console.width))
    console.print()
    if result.problems:
        console.print("[bold red]It does not add up:[/]")
        for problem in result.problems:
            console.print(Text(f"  {problem}"))
        return
    console.print(
        f"[bold green]Every line accounted for:[/] {result.lines_sent:,} sent, {result.lines_found:,} found by SQL; "
        f"{len(result.queries)} answers equal to the traffic's own records."
    )
    stages = ", ".join(f"{stage} {seconds:.1f} s" for stage, seconds in result.seconds.items())
    console.print(Text(f"  {stages}", style="dim"))
    console.print("\n[bold]Next[/]")
    for command, purpose in _NEXT.items():
        console.print(f"  {command:34}", Text(purpose, style="dim"))


def addresses(console: Console, stack: LocalStack) -> None:
    """How to reach a running stack."""
    console.print(f"[bold]The stack is up[/] with {sum(stack.resources.values())} resources. Ctrl-C ends it.\n")
    facts = {
        "Heroku API": stack.heroku.url,
        **{
            name: value if isinstance(value, str) else json.dumps(value)
            for name, value in sorted(stack.outputs.items())
        },
        **{f"drain of {app} (a secret, on a real stack)": url for app, url in stack.drain_urls.items()},
    }
    for name, value in facts.items():
        console.print(Text(f"  {name}: ", style="dim").append(value, style="not dim"), soft_wrap=True)
    console.print("\nFor the runbook, boto3 and the AWS CLI:")
    console.print(
        Text(
            f"  export AWS_ENDPOINT_URL={stack.aws_url} AWS_DEFAULT_REGION={stack.settings.region} "
            "AWS_ACCESS_KEY_ID=local AWS_SECRET_ACCESS_KEY=local "
            f"HEROKU_API_URL={stack.heroku.url} HEROKU_API_KEY=local"
        ),
        soft_wrap=True,
    )
    console.print("\nThen:")
    console.print(Text(f"  python -m runbook --prefix {stack.settings.parameter_prefix} lines"), soft_wrap=True)


def _query(result: QueryResult, width: int) -> RenderableType:
    query, answer = result.query, result.answer
    heading = Text.assemble(
        (query.title, "bold"), (f"  {query.name}, {query.window}, {_size(answer.scanned_bytes)} scanned", "dim")
    )
    return Group(heading, _bars(result) if query.name == "errors-by-surface" else _rows(result, width))


def _rows(result: QueryResult, width: int) -> RenderableType:
    columns = result.answer.columns
    rows = [
        [_shown(column, value) for column, value in zip(columns, row, strict=True)]
        for row in result.answer.values[:_ROWS]
    ]
    widths = [max(map(len, values)) for values in zip(columns, *rows, strict=True)]
    # What is left beside the columns that are shown whole is shared by those that can be cut.
    left = width - sum(taken + 2 for column, taken in zip(columns, widths, strict=True) if column not in _LONG)
    share = max(6, left // max(1, len(_LONG.intersection(columns))) - 2)
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim")
    for number, column in enumerate(columns):
        numeric = all(row[number].replace(".", "", 1).isdigit() for row in rows)
        table.add_column(
            column,
            justify="right" if numeric else "left",
            no_wrap=True,
            width=min(widths[number], share) if column in _LONG else widths[number],
        )
    for row in rows:
        table.add_row(*(Text(value, overflow="ellipsis") for value in row))
    return _with_rest(table, len(result.answer.values) - _ROWS)


def _shown(column: str, value: str | None) -> str:
    """A value as it is, but for times, which need not show their fractions here."""
    return "-" if value is None else value[: _TIMES[column]].replace("T", " ") if column in _TIMES else value


def _bars(result: QueryResult) -> RenderableType:
    """A bar an hour and app."""
    rows = result.answer.rows[:_BARS]
    most = max((int(row["error_count"] or 0) for row in rows), default=0)
    table = Table(box=None, padding=(0, 2, 0, 0), show_header=False)
    table.add_column()
    table.add_column()
    table.add_column(justify="right")
    for row in rows:
        count = int(row["error_count"] or 0)
        bar = Text("█" * max(1, count * _BAR_WIDTH // most), style="red")
        table.add_row(_shown("hour_utc", row["hour_utc"]), row["app"], str(count), bar)
    return _with_rest(table, len(result.answer.rows) - _BARS)


def _with_rest(table: Table, left_out: int) -> RenderableType:
    if not table.row_count:
        return Text("(no rows)", style="dim")
    return Group(table, Text(f"… {left_out} more", style="dim")) if left_out > 0 else table


def _size(count: int) -> str:
    size = float(count)
    for unit in ("B", "KB", "MB"):
        if size < 1000:
            return f"{size:.0f} {unit}" if unit == "B" else f"{size:.1f} {unit}"
        size /= 1000
    return f"{size:.1f} GB"
