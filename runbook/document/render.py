"""`render`: writes RUNBOOK.md."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from contract.outputs import Outputs
from runbook import stack_outputs
from runbook.document.runbook import render as rendered
from runbook.session import AsJson, Session, session_of
from runbook.terminal import printing


def render(
    ctx: typer.Context,
    to: Annotated[Path | None, typer.Option(metavar="FILE", help="File to write; default: stdout.")] = None,
    as_json: AsJson = False,
) -> None:
    r"""Write the stack's runbook as Markdown.

    \b
      pulumi stack output --json | hla render --to RUNBOOK.md

    Reads the outputs from stdin, or like every other command if nothing is piped in.
    """
    session = session_of(ctx, as_json=as_json)
    outputs = _outputs(session)
    text = rendered(outputs)
    if to is not None:
        to.write_text(text, encoding="utf-8")
        printing.note(f"wrote {to} for {outputs.project}, stack {outputs.stack}")
    elif not session.as_json:
        print(text, end="")
    if session.as_json:
        printing.document({"markdown": text})


def _outputs(session: Session) -> Outputs:
    piped = "" if session.outputs_file or sys.stdin.isatty() else sys.stdin.read()
    return stack_outputs.parse(piped, "standard input") if piped.strip() else session.outputs
