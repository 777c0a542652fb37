"""Command lines for the operator to run next, as this one was run: the same stack, identity, app and window. Pure."""

import shlex

from contract.names import DEFAULT_PARAMETER_PREFIX, DEFAULT_READER_ROLE
from contract.window import Window
from runbook.session import Session
from runbook.terminal import printing


def command_line(session: Session, *arguments: str) -> str:
    """Write `python -m runbook ...` for a shell, with the options that stood before this command."""
    options = {
        "--outputs": session.outputs_file,
        "--prefix": None if session.prefix == DEFAULT_PARAMETER_PREFIX else session.prefix,
        "--role": None if session.role == DEFAULT_READER_ROLE else session.role,
        "--profile": session.profile,
        "--region": session.region,
    }
    before = [word for name, value in options.items() if value is not None for word in (name, value)]
    return shlex.join(["python", "-m", "runbook", *before, *(["--assume"] if session.assume else []), *arguments])


def scope(app: str | None, window: Window) -> list[str]:
    """Give the options of an app, all when it is None, and of a window by its two times, whatever time it is then."""
    since, until = (str(printing.plain(moment)).replace(".000Z", "Z") for moment in (window.since, window.until))
    return [*([] if app is None else ["--app", app]), "--from", since, "--to", until]
