"""Markdown templates, for RUNBOOK.md and for the reference pages of docs/."""

import re
import textwrap
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from jinja2 import Environment


def templates(folder: Path) -> "Environment":
    """Give the templates of a folder. A name that is not given to a template is an error."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(
        loader=FileSystemLoader(folder),
        undefined=StrictUndefined,
        autoescape=False,  # noqa: S701  Markdown
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters["code"] = lambda value: f"`{value}`"
    return environment


WIDTH = 120
# Fenced code, tables, headings and comments, whose lines stay as they are.
_FENCED = re.compile(r"(^```.*?^```$)", re.MULTILINE | re.DOTALL)
_LINE_OF_ITS_OWN = re.compile(r"$|[|#<]")
# A command, and the text and target of a link, stay on one line.
_WHOLE = re.compile(r"`[^`\n]+`|\]\([^)\n]+\)")
_SPACE = "\ue000"


def wrapped(text: str) -> str:
    """Wrap paragraphs and list items with a line of more than WIDTH characters. Tables and code stay as they are."""
    parts = _FENCED.split(text)
    parts[::2] = ["".join(_wrapped_lines(part)) for part in parts[::2]]
    return "".join(parts)


def _wrapped_lines(part: str) -> list[str]:
    made: list[str] = []
    number = 0

    def paragraph(line: str) -> tuple[int, bool]:
        nonlocal number
        alone = _LINE_OF_ITS_OWN.match(line) is not None
        number += alone or line.startswith("- ")
        return number, alone

    for (_, alone), group in groupby(part.splitlines(keepends=True), paragraph):
        lines = list(group)
        if alone or max(map(len, lines)) <= WIDTH + 1:
            made += lines
        else:
            made.append(_filled("".join(lines)))
    return made


def _filled(paragraph: str) -> str:
    indent = "  " if paragraph.startswith("- ") else ""
    kept = _WHOLE.sub(lambda whole: whole[0].replace(" ", _SPACE), paragraph.rstrip("\n"))
    filled = textwrap.fill(kept, WIDTH, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False)
    return filled.replace(_SPACE, " ") + "\n" * (len(paragraph) - len(paragraph.rstrip("\n")))
