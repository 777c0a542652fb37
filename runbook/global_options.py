"""Global options, which go before and after a command's name, and options that cannot be repeated."""

from collections import Counter
from copy import copy
from typing import Any

import typer
from typer.core import TyperCommand, TyperGroup, TyperOption

from runbook import settings
from runbook.session import Session


class Command(TyperCommand):
    """A command that refuses an option that is given twice: only the last one would count."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Read the command line."""
        _refuse_repeated(self, ctx, args)
        return super().parse_args(ctx, args)


class Group(TyperGroup):
    """The commands, which have the global options too."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Read the command line up to the command."""
        _refuse_repeated(self, ctx, args)
        return super().parse_args(ctx, args)

    def share_options(self) -> None:
        """Give each command the global options, after its own; `hla --help` describes them."""
        for command in self.commands.values():
            command.params += [_shared(each) for each in self.params if each.name in settings.NAMES]


def _shared(option: Any) -> Any:
    shared = copy(option)
    shared.hidden, shared.expose_value, shared.callback = True, False, _apply
    return shared


def _apply(ctx: Any, option: Any, value: Any) -> None:
    if value is None or ctx.resilient_parsing:
        return
    if ctx.parent.params.get(option.name) is not None:
        raise typer.BadParameter("it is also given before the command: give it once", ctx=ctx, param=option)
    ctx.find_object(Session).set(option.name, value)


def _refuse_repeated(command: Any, ctx: Any, args: list[str]) -> None:
    _, _, order = command.make_parser(ctx).parse_args(list(args))
    for option, times in Counter(order).items():
        if not isinstance(option, TyperOption) or option.multiple or times == 1:
            continue
        # A flag without an opposite means the same twice.
        if not option.is_flag or option.secondary_opts:
            raise typer.BadParameter(f"it is given {times} times, and can have one value", ctx=ctx, param=option)
