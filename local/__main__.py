"""`python -m local`: the whole stack on one machine, without an AWS or Heroku account."""

import json
import signal
import sys
import threading
import time
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Annotated

try:
    import typer

    from local import demo, report
    from local.child import LocalError
    from local.pulumi import preview
    from local.stack import LocalStack, Options
except ModuleNotFoundError as missing:
    sys.exit(f"error: the Python package {missing.name} is missing: `make demo` installs all that is needed into .venv")

app = typer.Typer(
    add_completion=False, no_args_is_help=True, pretty_exceptions_enable=False, rich_markup_mode=None, help=__doc__
)

Stack = Annotated[str, typer.Option(help="The stack whose settings are used: Pulumi.STACK.yaml.")]
Config = Annotated[list[str], typer.Option(help="A setting in place of the stack's: KEY=VALUE. Can be repeated.")]


@app.command("demo")
def run_demo(
    lines: Annotated[int, typer.Option(min=1, help="How many log lines the apps write.")] = 10_000,
    clock: Annotated[
        datetime | None, typer.Option(help="What time it is, UTC, for the apps and for Athena; now by default.")
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print numbers and answers as JSON, and nothing else.")
    ] = False,
    stack: Stack = "prod",
    config: Config = [],  # noqa: B006  typer copies it
) -> None:
    """Drain a week of three apps' logs into the stack, then answer the runbook's queries from what landed.

    Ends with 1 when a line is not accounted for or an answer is not what the traffic's own records say.
    """
    # Not quite now: a POST that seems to have arrived seconds ago leaves the receiver less time for its answer.
    now = clock.replace(tzinfo=UTC) if clock else datetime.now(UTC) - timedelta(minutes=1)
    # Trino's times have milliseconds: a finer `now` would not be the same one to it.
    now = now.replace(microsecond=now.microsecond // 1000 * 1000)
    demo.check_clock(now)
    result = demo.Result(now)
    began = time.monotonic()
    with LocalStack(Options(stack=stack, config=_settings(config), clock=now)) as running:
        result.seconds["stack"] = time.monotonic() - began
        if as_json:
            demo.run(running, lines, now, result)
        else:
            report.resources(running, result.seconds["stack"])
            with report.progress() as progress:
                demo.run(running, lines, now, result, progress)
    if as_json:
        print(result.as_json())
    else:
        report.results(result)
    if result.problems:
        raise typer.Exit(1)


@app.command()
def up(
    aws_port: Annotated[int, typer.Option(help="Port of the AWS emulator; any free one by default.")] = 0,
    heroku_port: Annotated[int, typer.Option(help="Port of the Heroku API; any free one by default.")] = 0,
    gateway_port: Annotated[int, typer.Option(help="Port of the drain endpoint; any free one by default.")] = 0,
    clock: Annotated[datetime | None, typer.Option(help="What time Athena thinks it is, UTC.")] = None,
    stack: Stack = "prod",
    config: Config = [],  # noqa: B006  typer copies it
) -> None:
    """Start the stack, print how to reach it, and stay up until Ctrl-C."""
    options = Options(
        stack=stack,
        config=_settings(config),
        aws_port=aws_port,
        heroku_port=heroku_port,
        gateway_port=gateway_port,
        clock=clock and clock.replace(tzinfo=UTC),
    )
    with LocalStack(options) as running:
        report.addresses(running)
        with suppress(KeyboardInterrupt):
            threading.Event().wait()


@app.command("outputs")
def print_outputs(stack: Stack = "prod", config: Config = []) -> None:  # noqa: B006  typer copies it
    """Print the outputs that the stack will have, as `pulumi stack output --json` does once it is deployed.

    <account-id> and <api-id> stand where only a deployment knows.
    """
    print(json.dumps(preview.outputs(stack, _settings(config)), indent=2, sort_keys=True))


def _settings(config: list[str]) -> dict[str, str]:
    pairs = [item.partition("=") for item in config]
    if wrong := [key for key, equals, _ in pairs if not equals]:
        raise LocalError(f"--config {wrong[0]} has no value: write --config {wrong[0]}=VALUE")
    return {key: value for key, _, value in pairs}


def main() -> None:
    """Run a command; what keeps it from running is one line, and exit code 2."""
    # A stop by whatever started us ends it as Ctrl-C does: in order.
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
