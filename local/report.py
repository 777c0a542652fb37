"""Prints the demo and a running stack, in the format of the runbook's results."""

import json
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
from rich.text import Text

from local import demo
from local.stack import LocalStack
from runbook.terminal import chart, printing

_ROWS = 4
# Columns with long texts, and how many characters of them are shown.
_SHOWN = {"path": 24, "message": 40}


def resources(stack: LocalStack, seconds: float) -> None:
    """Count the resources that the program declared, by service."""
    kinds = Counter[str]()
    for token, count in stack.resources.items():
        package, module = token.split(":")[:2]
        kinds[module.split("/")[0] if package == "aws" else package] += count
    _print(
        f"[bold]The stack[/] {kinds.total()} resources, declared by __main__.py, "
        f"created in stand-ins in {seconds:.1f} s\n"
        f"  [dim]{', '.join(f'{count} {kind}' for kind, count in sorted(kinds.items()))}[/]"
    )


@contextmanager
def progress() -> Iterator[Callable[[int, int], None]]:
    """Show a progress bar on a terminal."""
    console = printing.console()
    console.print("\n[bold]Draining[/] a week of three apps' logs, and Logplex bodies from the field")
    columns = (TextColumn(" "), BarColumn(40), MofNCompleteColumn(), TextColumn("lines"))
    with Progress(*columns, console=console, disable=not console.is_terminal) as bar:
        task = bar.add_task("", total=None)
        yield lambda lines, total: bar.update(task, advance=lines, total=total)


def results(result: demo.Result) -> None:
    """Print what was stored, the result of each query, and whether all is as it must be."""
    drained, stored = result.drained, sum(result.object_sizes)
    reasons = ", ".join(f"{count} {reason}" for reason, count in result.quarantined.items()) or "none"
    _print(
        f"  {result.lines_sent:,} lines in {len(drained.outcomes):,} POSTs ({drained.tries:,} tries), "
        f"{result.lines_sent / result.seconds['drain']:,.0f} lines/s\n"
        f"  {len(result.object_sizes):,} objects, one per app and slot "
        f"(one per POST: {len(drained.delivered):,}), {printing.size(stored)} of gzip "
        f"for {printing.size(drained.bytes)} received\n"
        f"  quarantined, byte for byte: {reasons}"
    )
    for query in result.queries:
        _query(query)
    if result.problems:
        _print("\n[bold red]The demo failed:[/]")
        printing.lines(Text(f"  {problem}") for problem in result.problems)
        return
    _print(
        f"\n[bold green]Every line accounted for:[/] {result.lines_sent:,} sent, {result.lines_found:,} found by SQL; "
        f"{len(result.queries)} results equal to the traffic generator's own records.\n"
        f"  [dim]{', '.join(f'{stage} {seconds:.1f} s' for stage, seconds in result.seconds.items())}[/]\n\n"
        "[bold]Next[/]\n"
        "  make up                            [dim]the same stack, for your own POSTs and queries[/]\n"
        "  make demo ARGS='--lines 30000'     [dim]more lines; --clock 2027-01-01T00:30:00 for a New Year's night[/]\n"
        "  less README.md                     [dim]how to deploy it to AWS[/]"
    )


def addresses(stack: LocalStack) -> None:
    """Say how to reach a running stack."""
    _print(f"[bold]The stack is up[/] with {sum(stack.resources.values())} resources. Ctrl-C stops it.\n")
    facts = {"Heroku API": stack.heroku.url}
    facts |= {key: out if isinstance(out, str) else json.dumps(out) for key, out in sorted(stack.outputs.items())}
    facts |= {f"drain URL of {app} (secret on a real stack)": url for app, url in stack.drain_urls.items()}
    printing.lines(Text(f"  {name}: ", style="dim").append(value, style="not dim") for name, value in facts.items())
    _print("\nFor the runbook, boto3 and the AWS CLI:")
    printing.lines(
        [
            Text(
                f"  export AWS_ENDPOINT_URL={stack.aws_url} AWS_DEFAULT_REGION={stack.settings.region} "
                "AWS_ACCESS_KEY_ID=local AWS_SECRET_ACCESS_KEY=local "
                f"HEROKU_API_URL={stack.heroku.url} HEROKU_API_KEY=local"
            )
        ]
    )
    _print(f"\nThen:\n  python -m runbook --prefix {stack.settings.parameter_prefix} lines")


def _query(asked: demo.QueryResult) -> None:
    query, result = asked.query, asked.result
    scanned = printing.size(result.scanned_bytes)
    _print(f"\n[bold]{query.title}[/]  [dim]{query.name}, {query.window}, {scanned} scanned[/]")
    columns = [column.name for column in result.columns]
    if query.name == "errors-by-surface" and result.rows:
        printing.show(chart.draw(columns, result.rows))
        return
    printing.table(columns, [list(map(_shortened, columns, row)) for row in result.rows[:_ROWS]])
    if len(result.rows) > _ROWS:
        _print(f"[dim]… {len(result.rows) - _ROWS} more[/]")


def _shortened(column: str, value: object) -> object:
    if column == "log_ts":
        return str(value)[:19].replace("T", " ")
    most = _SHOWN.get(column)
    return f"{value[:most]}…" if isinstance(value, str) and most and len(value) > most else value


def _print(markup: str) -> None:
    printing.console().print(markup)
