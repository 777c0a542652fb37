"""What the demo and `up` print, in the form in which the runbook prints its answers."""

import json
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
from rich.text import Text

from local.demo import QueryResult, Result
from local.stack import LocalStack
from runbook.terminal import chart, printing

_ROWS = 4
# Columns with long texts, and the characters of them that are shown.
_CUT = {"log_ts": 19, "path": 24, "message": 40}
_NEXT = {
    "make up": "the same stack, to send to and query yourself",
    "make demo ARGS='--lines 30000'": "more lines; --clock 2027-01-01T00:30:00 for a New Year's night",
    "less README.md": "how to deploy it for real",
}


def resources(stack: LocalStack, seconds: float) -> None:
    """Count the resources that the program declared, by service."""
    _say(
        f"[bold]The stack[/] {sum(stack.resources.values())} resources, declared by __main__.py, "
        f"created in stand-ins in {seconds:.1f} s"
    )
    kinds = Counter[str]()
    for token, count in stack.resources.items():
        package, module = token.split(":")[0], token.split(":")[1].split("/")[0]
        kinds[module if package == "aws" else package] += count
    _say("  " + ", ".join(f"{count} {kind}" for kind, count in sorted(kinds.items())), style="dim")


@contextmanager
def progress() -> Iterator[Callable[[int, int], None]]:
    """Show a progress bar on a terminal."""
    console = printing.console()
    console.print("\n[bold]Draining[/] a week of three apps' logs, and Logplex bodies from the field")
    columns = (TextColumn(" "), BarColumn(40), MofNCompleteColumn(), TextColumn("lines"))
    with Progress(*columns, console=console, disable=not console.is_terminal) as bar:
        task = bar.add_task("", total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)


def results(result: Result) -> None:
    """Print what was stored, each query's answer, and whether everything adds up."""
    reasons = ", ".join(f"{count} {reason}" for reason, count in result.quarantined.items()) or "none"
    _say(
        f"  {result.lines_sent:,} lines in {result.batches:,} POSTs ({result.tries:,} tries), "
        f"{result.lines_sent / result.seconds['drain']:,.0f} lines/s\n"
        f"  {result.objects:,} objects, {printing.size(result.stored_bytes)} of gzip "
        f"for {printing.size(result.body_bytes)} received\n"
        f"  quarantined, byte for byte: {reasons}"
    )
    for query in result.queries:
        _answer(query)
    _say("")
    if result.problems:
        _say("[bold red]It does not add up:[/]")
        for problem in result.problems:
            printing.show(Text(f"  {problem}"))
        return
    _say(
        f"[bold green]Every line accounted for:[/] {result.lines_sent:,} sent, {result.lines_found:,} found by SQL; "
        f"{len(result.queries)} answers equal to the traffic's own records."
    )
    _say("  " + ", ".join(f"{stage} {seconds:.1f} s" for stage, seconds in result.seconds.items()), style="dim")
    _say("\n[bold]Next[/]")
    for command, purpose in _NEXT.items():
        _say(f"  {command:34} [dim]{purpose}[/]")


def addresses(stack: LocalStack) -> None:
    """Say how to reach a running stack."""
    _say(f"[bold]The stack is up[/] with {sum(stack.resources.values())} resources. Ctrl-C ends it.\n")
    facts = {
        "Heroku API": stack.heroku.url,
        **{
            name: value if isinstance(value, str) else json.dumps(value)
            for name, value in sorted(stack.outputs.items())
        },
        **{f"drain URL of {app} (secret on a real stack)": url for app, url in stack.drain_urls.items()},
    }
    for name, value in facts.items():
        _line(Text(f"  {name}: ", style="dim").append(value, style="not dim"))
    _say("\nFor the runbook, boto3 and the AWS CLI:")
    _line(
        Text(
            f"  export AWS_ENDPOINT_URL={stack.aws_url} AWS_DEFAULT_REGION={stack.settings.region} "
            "AWS_ACCESS_KEY_ID=local AWS_SECRET_ACCESS_KEY=local "
            f"HEROKU_API_URL={stack.heroku.url} HEROKU_API_KEY=local"
        )
    )
    _say("\nThen:")
    _line(Text(f"  python -m runbook --prefix {stack.settings.parameter_prefix} lines"))


def _answer(result: QueryResult) -> None:
    query, answer = result.query, result.answer
    scanned = printing.size(answer.scanned_bytes)
    _say(f"\n[bold]{query.title}[/]  [dim]{query.name}, {query.window}, {scanned} scanned[/]")
    columns = [column.name for column in answer.columns]
    if query.name == "errors-by-surface" and answer.rows:
        printing.show(chart.draw(columns, answer.rows))
        return
    rows = [[_cut(column, value) for column, value in zip(columns, row, strict=True)] for row in answer.rows[:_ROWS]]
    printing.table(columns, rows)
    if len(answer.rows) > _ROWS:
        _say(f"… {len(answer.rows) - _ROWS} more", style="dim")


def _cut(column: str, value: object) -> object:
    most = _CUT.get(column)
    return f"{value[:most]}…" if isinstance(value, str) and most and len(value) > most else value


def _say(markup: str, style: str = "") -> None:
    printing.console().print(markup, style=style)


def _line(text: Text) -> None:
    printing.console().print(text, soft_wrap=True)
