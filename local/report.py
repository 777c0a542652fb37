"""Prints the demo and a running stack, in the format of the runbook's results."""

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
from rich.text import Text

from local import demo, environment
from local.live_traffic import Stretch
from local.logplex.losses import drain_name
from local.stack import LocalStack
from runbook.terminal import chart, printing

_ROWS = 4
_HELLO = "Hello from curl"
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


def how_to_use(stack: LocalStack, env_file: Path, stretch: Stretch | None) -> None:
    """Say what is in a running stack, and how another terminal uses it."""
    _print(f"[bold]The stack is up[/] with {sum(stack.resources.values())} resources. Ctrl-C stops it.\n")
    if stretch:
        _print(
            f"[bold]In it[/]  {stretch.lines:,} lines since {stretch.since:%H:%M} UTC; every app goes on logging\n"
            f"  {stretch.bad_deploy:%H:%M}  a bad deploy of {stretch.deployed_app}, and its rollback\n"
            f"  {stretch.attack:%H:%M}  an attack on the login of {stretch.attacked_app}\n"
        )
    _print("[bold]In another terminal[/], in this folder")
    _copyable(environment.command(env_file), "hla doctor", "hla lines --last 5m", "hla query errors-by-surface")
    _print(
        "RUNBOOK.md's other commands work there, too, and so do boto3 and the AWS CLI of .venv; Pulumi is not there.\n"
        "\n[bold]Send a line[/], and find it"
    )
    [app, *_] = stack.settings.apps
    if app in stack.drain_urls:
        _copyable(curl(stack.drain_urls[app]), f"hla lines --last 5m --match '{_HELLO}'")
    facts = {"AWS": stack.aws_url, "Heroku": stack.heroku.url}
    facts |= {f"drain URL of {app} (secret on a real stack)": url for app, url in stack.drain_urls.items()}
    _print("[bold]Addresses[/]")
    printing.lines(Text(f"  {name}: ", style="dim").append(value, style="not dim") for name, value in facts.items())


def curl(url: str) -> str:
    """Give a command that sends a line to a drain as Logplex does: in an octet-counted frame, with its headers."""
    syslog = f"<190>1 {{}} host app web.1 - {_HELLO}"
    # `date` writes a time of the same length.
    size = len(syslog.format("2026-11-27T10:00:00+00:00"))
    body = f"{size} {syslog.format('$(date -u +%Y-%m-%dT%H:%M:%S+00:00)')}"
    headers = ("Content-Type: application/logplex-1", "Logplex-Msg-Count: 1", f"Logplex-Drain-Token: {drain_name(url)}")
    options = " ".join(f"-H '{header}'" for header in headers)
    return f"curl -sS -w '%{{http_code}}\\n' {options} --data-binary \"{body}\" '{url}'"


def _copyable(*commands: str) -> None:
    printing.lines(Text(f"  {command}") for command in commands)
    _print("")


def _query(asked: demo.QueryResult) -> None:
    query, result = asked.query, asked.result
    scanned = printing.size(result.scanned_bytes)
    _print(f"\n[bold]{query.title}[/]  [dim]{query.name}, {query.window}, {scanned} scanned[/]")
    columns = [column.name for column in result.columns]
    if query.name == "errors-by-surface" and result.rows:
        printing.show(chart.draw(columns, result.rows, query.chart))
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
