"""`python -m local`: the whole stack on one machine, without an AWS or Heroku account."""

import json
import signal
import sys
import threading
import time
from contextlib import ExitStack, suppress
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

try:
    import typer

    from local import demo, environment, live_traffic, ports, report
    from local.aws.schedules import Ticker
    from local.child import LocalError
    from local.logplex.nodes import Logplex
    from local.pulumi import preview
    from local.stack import LocalStack, Options
    from runbook.terminal import printing
except ModuleNotFoundError as missing:
    sys.exit(f"error: the Python package {missing.name} is missing: `make demo` installs everything into .venv")

app = typer.Typer(
    add_completion=False, no_args_is_help=True, pretty_exceptions_enable=False, rich_markup_mode=None, help=__doc__
)

Stack = Annotated[str, typer.Option(help="Read the settings from Pulumi.STACK.yaml.")]
Config = Annotated[list[str], typer.Option(help="Override a setting: KEY=VALUE. Can be repeated.")]


@app.command("demo")
def run_demo(
    lines: Annotated[int, typer.Option(min=1, help="Number of lines that the apps write.")] = 10_000,
    clock: Annotated[
        datetime | None, typer.Option(help="The current time for the apps and for Athena, UTC; default: now.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print only a JSON document.")] = False,
    stack: Stack = "prod",
    config: Config = [],  # noqa: B006  typer copies it
) -> None:
    """Drain a week of three apps' logs into the stack, then run the runbook's queries and check their results.

    Exit status 1: a line is missing, or a result differs from the traffic generator's own records.
    """
    now = clock.replace(tzinfo=UTC) if clock else datetime.now(UTC)
    # Trino's times have milliseconds.
    now = now.replace(microsecond=now.microsecond // 1000 * 1000)
    demo.check_clock(now)
    began = time.monotonic()
    with LocalStack(Options(stack=stack, config=_settings(config), clock=now)) as running:
        seconds = time.monotonic() - began
        if as_json:
            result = demo.run(running, lines, now)
        else:
            report.resources(running, seconds)
            with report.progress() as progress:
                result = demo.run(running, lines, now, progress)
    result = replace(result, seconds={"stack": seconds, **result.seconds})
    if as_json:
        printing.document(result.document)
    else:
        report.results(result)
    if result.problems:
        raise typer.Exit(1)


@app.command()
def up(
    aws_port: Annotated[int, typer.Option(min=0, max=65535, help="Port of the AWS emulator; 0: any free port.")] = (
        ports.AWS
    ),
    heroku_port: Annotated[int, typer.Option(min=0, max=65535, help="Port of the Heroku API; 0: any free port.")] = (
        ports.HEROKU
    ),
    gateway_port: Annotated[
        int, typer.Option(min=0, max=65535, help="Port of the drain endpoint; 0: any free port.")
    ] = (ports.GATEWAY),
    traffic: Annotated[bool, typer.Option(help="Let the apps log: the last hour, and from then on.")] = True,
    env_file: Annotated[Path, typer.Option(metavar="FILE", help="Write the environment of other terminals to it.")] = (
        Path(environment.DEFAULT_FILE)
    ),
    clock: Annotated[datetime | None, typer.Option(help="The current time for Athena, UTC; default: now.")] = None,
    stack: Stack = "prod",
    config: Config = [],  # noqa: B006  typer copies it
) -> None:
    """Start the stack with traffic in it, say how to use it, and wait for Ctrl-C.

    With --clock, the traffic ends at that time.
    """
    for option, port in (("--aws-port", aws_port), ("--heroku-port", heroku_port), ("--gateway-port", gateway_port)):
        ports.check_free(option, port)
    options = Options(
        stack=stack,
        config=_settings(config),
        aws_port=aws_port,
        heroku_port=heroku_port,
        gateway_port=gateway_port,
        clock=clock and clock.replace(tzinfo=UTC),
        scheduled=True,
    )
    with LocalStack(options) as running, ExitStack() as until_then:
        try:
            env_file.write_text(environment.text(running, env_file), encoding="utf-8")
        except OSError as error:
            raise LocalError(
                f"cannot write {env_file}: {error.strerror}: choose another file with --env-file"
            ) from None
        stretch = _let_apps_log(running, options.clock, until_then) if traffic else None
        report.how_to_use(running, env_file, stretch)
        # A pipe gets the addresses now, not when its buffer is full.
        sys.stdout.flush()
        with suppress(KeyboardInterrupt):
            threading.Event().wait()


def _let_apps_log(running: LocalStack, clock: datetime | None, until_then: ExitStack) -> live_traffic.Stretch:
    now = clock or datetime.now(UTC)
    traffic = live_traffic.Traffic(running.settings.apps, now - live_traffic.STRETCH)
    stretch = live_traffic.drain_stretch(running.drain_urls, traffic, now)
    running.flush()
    if clock is None:
        logplex = Logplex(1)
        ticker = Ticker(
            lambda: live_traffic.drain_present(logplex, running.drain_urls, traffic, datetime.now(UTC)),
            live_traffic.TICK_S,
        )
        until_then.callback(ticker.join)
        until_then.callback(ticker.stop)
    return stretch


@app.command("outputs")
def print_outputs(stack: Stack = "prod", config: Config = []) -> None:  # noqa: B006  typer copies it
    """Print the outputs of the stack, as `pulumi stack output --json` does after a deployment.

    <account-id> and <api-id> are placeholders for what only a deployment knows.
    """
    print(json.dumps(preview.outputs(stack, _settings(config)), indent=2, sort_keys=True))


def _settings(config: list[str]) -> dict[str, str]:
    pairs = [item.partition("=") for item in config]
    if wrong := [key for key, equals, _ in pairs if not equals]:
        raise LocalError(f"--config {wrong[0]} has no value: write --config {wrong[0]}=VALUE")
    return {key: value for key, _, value in pairs}


def main() -> None:
    """Run a command. A LocalError is one line on stderr, and exit status 2."""
    # SIGTERM ends it in order, as Ctrl-C does.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        app(prog_name="python -m local")
    except LocalError as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(2)
    except KeyboardInterrupt:
        sys.exit(130)


if __name__ == "__main__":
    main()
