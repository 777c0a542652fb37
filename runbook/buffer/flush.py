"""`flush`: runs the flusher until nothing is due."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from contract import buffer_table
from contract.outputs import Outputs
from contract.slots import Slot
from runbook.clients import functions
from runbook.errors import RunbookError
from runbook.session import AsJson, session_of
from runbook.terminal import printing, times

if TYPE_CHECKING:
    from collections.abc import Callable

    from mypy_boto3_lambda import LambdaClient

_FLUSHER_FAILED = "FlusherFailed"


@dataclass
class Flushed:
    """What all runs of the flusher did together.

    `behind_s` is how long the oldest slot that is left has been due, 0 if none is due. When a run fails nobody knows,
    and `failed` says why.
    """

    runs: int = 0
    slots: int = 0
    drained: int = 0
    behind_s: int | None = None
    done: bool = False
    failed: str | None = None


def flush(
    ctx: typer.Context,
    runs: Annotated[int, typer.Option(min=1, metavar="N", help="Run the flusher at most N times.")] = 100,
    as_json: AsJson = False,
) -> None:
    r"""Flush what is due from the buffer to S3, now.

    \b
      hla --assume flush

    The flusher does this by itself every minute. This command runs it again and again until nothing is due, oldest
    slots first, so that the archive catches up at once after an outage. It flushes only what is due: a slot, 20 seconds
    after its end. Safe to run at any time, as often as you like.
    """
    session = session_of(ctx, as_json=as_json)
    outputs = session.outputs
    with printing.status("running the flusher") as show:
        flushed = flush_due(session.aws.client("lambda"), outputs, runs, show)
    next_slot = Slot.of(int(times.now().timestamp() * 1000), outputs.flush_minutes)
    if session.as_json:
        printing.document(_document(flushed, next_slot))
    else:
        _show(flushed, next_slot)
    if flushed.failed:
        printing.note(
            "what could not be flushed stays in the buffer for 14 days: find the cause in the flusher's log, fix it, "
            f"and run this again:\n  {_log_command(outputs)}"
        )
    elif not flushed.done:
        printing.note("more is due: run this again")
    if not flushed.done:
        raise typer.Exit(1)


def flush_due(client: "LambdaClient", outputs: Outputs, most: int, show: "Callable[[str], None]") -> Flushed:
    """Run the flusher until nothing is due, at most so many times. RunbookError if the function itself fails."""
    flushed = Flushed()
    while not (flushed.done or flushed.failed) and flushed.runs < most:
        _add(flushed, _invoke(client, outputs))
        show(f"run {flushed.runs}: {_slots(flushed)}, {_behind(flushed)}")
    return flushed


def _add(flushed: Flushed, answer: dict[str, Any]) -> None:
    flushed.runs += 1
    if "errorMessage" in answer:
        flushed.failed, flushed.behind_s = str(answer["errorMessage"]), None
        return
    flushed.slots += answer["slots"]
    flushed.drained += answer["drained"]
    flushed.behind_s = answer["behindSeconds"]
    # A batch that was drained may belong to a slot that is due.
    flushed.done = not (answer["slots"] or answer["drained"] or answer["behindSeconds"])


def _invoke(client: "LambdaClient", outputs: Outputs) -> dict[str, Any]:
    """Run the flusher once, and give its answer, or the message of what it could not flush."""
    answer = functions.invoke(client, outputs.flusher)
    if answer.failed and answer.payload.get("errorType") != _FLUSHER_FAILED:
        raise RunbookError(
            f"the flusher itself failed ({answer.reason}); batches stay in the buffer for 14 days. Read its log: "
            f"{_log_command(outputs)}"
        )
    return answer.payload


def _log_command(outputs: Outputs) -> str:
    return functions.log_command(outputs.flusher, outputs.region)


def _document(flushed: Flushed, next_slot: Slot) -> dict[str, Any]:
    return {
        "runs": flushed.runs,
        "slots": flushed.slots,
        "drained": flushed.drained,
        "behind_seconds": flushed.behind_s,
        "done": flushed.done,
        "failed": flushed.failed,
        "next_slot": {"begin": _time(next_slot.begin_ms), "due": _time(buffer_table.due_ms(next_slot))},
    }


def _show(flushed: Flushed, next_slot: Slot) -> None:
    print(f"flushed  {_slots(flushed)}")
    if flushed.drained:
        print(f"drained  {printing.counted(flushed.drained, 'batch', 'batches')} from the spill queue into the buffer")
    if flushed.failed:
        print(f"failed   {printing.printable(flushed.failed)}")
    print(f"behind   {_behind(flushed)}")
    begin, due = (printing.text(_time(at)) for at in (next_slot.begin_ms, buffer_table.due_ms(next_slot)))
    print(f"next     the slot that began at {begin} is due at {due}")


def _slots(flushed: Flushed) -> str:
    return printing.counted(flushed.slots, "slot", "slots")


def _behind(flushed: Flushed) -> str:
    if flushed.behind_s is None:
        return "unknown"
    return f"the oldest slot has been due for {flushed.behind_s:,} s" if flushed.behind_s else "nothing is due"


def _time(epoch_ms: int) -> datetime:
    return datetime.fromtimestamp(epoch_ms / 1000, UTC)
