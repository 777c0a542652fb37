"""Writes the command to run next, with the same stack, identity, apps and window as this one. Pure."""

import re
import shlex
from collections.abc import Iterable
from dataclasses import replace

from contract.window import Window
from runbook.session import Session
from runbook.settings import NAMES, Settings
from runbook.terminal import printing

PROGRAM = "hla"
# The program where a text of ours names a command, such as `hla doctor`.
_NAMED = re.compile(rf"\b({PROGRAM}|aws) (?=[a-z])")
_BRACES = str.maketrans({"{": "{{", "}": "}}"})
_BUILT_IN = Settings()


def command_line(session: Session, *arguments: str) -> str:
    """Write `hla ...` for a shell, with the global options of this command."""
    return shlex.join([PROGRAM, *_global_options(session), *arguments])


def addressed(session: Session, text: str, *, is_template: bool = False) -> str:
    """Give the commands that a text of ours names the global options of this command: `hla ...`, and `aws ...`.

    In a template, for str.format, values of options keep their braces.
    """
    profile = ["--profile", session.profile] if session.profile else []
    commands = {PROGRAM: command_line(session), "aws": shlex.join(["aws", *profile])}
    if is_template:
        commands = {name: command.translate(_BRACES) for name, command in commands.items()}
    return _NAMED.sub(lambda found: f"{commands[found[1]]} ", text)


def app_options(apps: Iterable[str]) -> list[str]:
    """Give the options for the apps that were asked for, none for all."""
    return [word for app in apps for word in ("--app", app)]


def scope(apps: Iterable[str], window: Window) -> list[str]:
    """Give the options for the apps that were asked for, none for all, and for a window in absolute times."""
    since, until = (str(printing.plain(moment)).replace(".000Z", "Z") for moment in (window.since, window.until))
    return [*app_options(apps), "--from", since, "--to", until]


def _global_options(session: Session) -> list[str]:
    """Name all that differs from a bare command: here, and where nothing is configured, such as in another terminal."""
    words: list[str] = []
    used = _repeatable(session)
    for name in NAMES:
        value, others = used.get(name), (session.configured.get(name), _BUILT_IN.get(name))
        if value is None or (value, value) == others:
            continue
        words += [f"--{name}", value] if isinstance(value, str) else ["--assume" if value else "--no-assume"]
    return words


def _repeatable(session: Session) -> Settings:
    """The settings of this command; what stdin said of the stack is not there again."""
    if session.outputs_file != "-":
        return session
    settings = Settings(session.prefix, None, session.assume, session.role, session.profile, session.region)
    known = session.known_outputs
    if known is None:
        return settings
    return replace(settings, prefix=known.parameter_prefix, role=known.reader_role_arn, region=known.region)
