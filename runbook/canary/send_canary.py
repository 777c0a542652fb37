"""`test-drain`: sends a line through each app's drain URL, and finds it again."""

import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta

import typer

from contract import buffer_table, canary, names
from contract.slots import Slot
from contract.window import Window
from runbook.buffer.flush import flush_due
from runbook.clients import functions
from runbook.errors import RunbookError
from runbook.search import athena_command, lines_sql
from runbook.search.cut import Cut
from runbook.search.selection import Selection
from runbook.search.unflushed import Unflushed
from runbook.session import AsJson, Session, session_of
from runbook.terminal import next_command, printing, times

# Three tries of five seconds, as of Logplex: until then the line has arrived (receiver/canary/post.py).
_ARRIVES_MS = 15_000
_MOST_RUNS = 100
_MOST_ROWS = 1000


def pause(seconds: float) -> None:
    """Wait until the slot is due."""
    time.sleep(seconds)


@dataclass(frozen=True)
class Outcome:
    """What became of an app's canary; `wrong` and `remedy` are empty if it was found."""

    app: str
    sent: bool = False
    stored: bool = False
    found: bool = False
    wrong: str = ""
    remedy: str = ""


def send_canary(ctx: typer.Context, as_json: AsJson = False) -> None:
    r"""Send a line through each app's drain URL, and find it again in Athena.

    \b
      hla --assume test-drain

    Invokes the canary, which posts a line for each app to the endpoint as Heroku does, waits until the slot of these
    lines is due, flushes it, and looks for them with one query. That takes up to a slot's length and a minute. The
    lines are canaries, as the stack sends them every 15 minutes: metrics, saved queries and `lines` leave them out.
    Exit code 1 if a line was not found.
    """
    session = session_of(ctx, as_json=as_json)
    begin = times.now()
    with printing.status("sending a line for each app") as show:
        sent, failed = _send(session)
        if sent:
            show("waiting until the slot of the lines is due")
            pause(_wait_s(sent, session.outputs.flush_minutes))
            # A slot can be as long as the role's credentials are valid.
            session.forget_reader()
            show("running the flusher")
            stopped = flush_due(session.aws.client("lambda"), session.outputs, _MOST_RUNS, show).failed
    found = _found(session, sent) if sent else set()
    outcomes = _outcomes(session, sent, failed, found)
    seconds = round((times.now() - begin).total_seconds())
    if session.as_json:
        printing.document({"seconds": seconds, "apps": [asdict(each) for each in outcomes]})
    else:
        _show(outcomes, seconds)
    if sent and stopped:
        printing.note(f"the flusher could not flush everything: {printing.printable(stopped)}")
    if not all(each.found for each in outcomes):
        raise typer.Exit(1)


# ---------------------------------------------------------------- sending


def _send(session: Session) -> tuple[Mapping[str, int], Mapping[str, str]]:
    """Run the canary; when it sent each app's line, in ms since 1970, and the reasons for lines that it did not."""
    outputs = session.outputs
    function = names.canary_function(outputs.name_prefix)
    answer = functions.invoke(session.aws.client("lambda"), function, {canary.REPORT: True})
    log = functions.log_command(function, outputs.region)
    if answer.failed:
        raise RunbookError(f"the canary itself failed ({answer.reason}). Read its log: {log}")
    if "failed" not in answer.payload:
        raise RunbookError(f"the canary gave no report, so it is of another version: deploy this one. Its log: {log}")
    reasons = {each["what"]: each["reason"] for each in reversed(answer.payload["failed"])}
    return answer.payload["sent"], {app: reasons[app] for app in reasons if app not in answer.payload["sent"]}


def _wait_s(sent: Mapping[str, int], flush_minutes: int) -> float:
    """Seconds until the last line's slot is due: it is that of its arrival. By the clock of the function."""
    last_ms = max(sent.values())
    return (buffer_table.due_ms(Slot.of(last_ms + _ARRIVES_MS, flush_minutes)) - last_ms) / 1000


# ---------------------------------------------------------------- finding


def _window(sent: Mapping[str, int]) -> Window:
    first, last = (datetime.fromtimestamp(of(sent.values()) / 1000, UTC) for of in (min, max))
    return Window(first - timedelta(milliseconds=1), last + timedelta(milliseconds=1))


def _found(session: Session, sent: Mapping[str, int]) -> set[str]:
    """The apps whose lines Athena finds."""
    outputs = session.outputs
    selection = Selection(_window(sent), [canary.PROC_ID])
    sql = lines_sql.sql(f"{outputs.database}.{outputs.table}", selection, Cut(_MOST_ROWS))
    result = athena_command.run(session, sql, most_rows=_MOST_ROWS)
    names_ = [column.name for column in result.columns]
    rows = (dict(zip(names_, values, strict=True)) for values in result.rows)
    return _of(sent, {(str(row["app"]), str(row["message"])) for row in rows})


def _buffered(session: Session, sent: Mapping[str, int]) -> set[str]:
    """The apps whose lines wait in the buffer."""
    outputs, window = session.outputs, _window(sent)
    waiting = Unflushed(session.buffer, list(sent), outputs.flush_minutes, window, window.until)
    rows = waiting.rows(Selection(window, [canary.PROC_ID]), frozenset())
    return _of(sent, {(row.app, row.message) for row in rows})


def _of(sent: Mapping[str, int], messages: set[tuple[str, str]]) -> set[str]:
    return {app for app, sent_ms in sent.items() if (app, canary.text(sent_ms)) in messages}


# ---------------------------------------------------------------- what became of them


def _outcomes(session: Session, sent: Mapping[str, int], failed: Mapping[str, str], found: set[str]) -> list[Outcome]:
    missing = {app: sent_ms for app, sent_ms in sent.items() if app not in found}
    buffered = _buffered(session, missing) if missing else set()

    def outcome(app: str) -> Outcome:
        if app in found:
            return Outcome(app, sent=True, stored=True, found=True)
        if app not in sent:
            return _not_sent(session, app, failed.get(app, "not an app of the canary"))
        if app in buffered:
            return _of_buffer(session, app)
        return _lost(session, app)

    return [outcome(app) for app in session.outputs.apps]


def _not_sent(session: Session, app: str, reason: str) -> Outcome:
    remedy = next_command.command_line(session, "doctor", "--only", "endpoint", "--only", "parameters")
    return Outcome(app, wrong=f"not sent: {reason}", remedy=remedy)


def _of_buffer(session: Session, app: str) -> Outcome:
    remedy = next_command.command_line(session, "flush")
    return Outcome(app, sent=True, stored=True, wrong="in the buffer, not in S3: it was not flushed", remedy=remedy)


def _lost(session: Session, app: str) -> Outcome:
    remedy = next_command.command_line(session, "doctor")
    return Outcome(app, sent=True, wrong="answered 200, and neither in the buffer nor found by Athena", remedy=remedy)


def _show(outcomes: list[Outcome], seconds: int) -> None:
    width = max(len(each.app) for each in outcomes) + 2
    for each in outcomes:
        if each.found:
            print(f"{each.app:<{width}}sent, stored, found after {seconds:,} s")
        else:
            print(f"{each.app:<{width}}WRONG {'sent, ' * each.sent}{printing.printable(each.wrong)}; run:")
            print(f"{'':<{width}}  {each.remedy}")
