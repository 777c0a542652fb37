"""RUNBOOK.md as tests read it: its blocks of code, and the commands in its text."""

import re
import shlex
from typing import NamedTuple

from contract.outputs import Outputs
from runbook import stack_outputs
from tests.support.paths import PROJECT

PATH = PROJECT / "RUNBOOK.md"
TOOLS = ("aws", "heroku", "make", "pulumi", "hla")

_FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)
_INLINE = re.compile(rf"`((?:{'|'.join(TOOLS)}) [^`]+)`")
_VALUES = re.compile(r"\A(?:(?:\w+=[\w:/.-]+ ?)+\n)+")


class Block(NamedTuple):
    """A block of code, or a command in the text, which counts as a block of kind sh."""

    section: str
    kind: str
    text: str

    @property
    def commands(self) -> list[list[str]] | None:
        """The arguments of each `hla` of a block of nothing else; None for one that needs a shell.

        The values that the block begins with are put into its commands.
        """
        values, text = _VALUES.match(self.text), _VALUES.sub("", self.text)
        for name, value in re.findall(r"(\w+)=(\S+)", values[0]) if values else ():
            text = text.replace(f'"${name}"', value)
        try:
            lines = [shlex.split(line) for line in re.split(r"\n(?=hla )", text.rstrip("\n"))]
        except ValueError:
            return None
        begins = all(words[:1] == ["hla"] for words in lines)
        # Quotes are off by now: within them these would mean nothing, but no such block need be run by a shell.
        return [words[1:] for words in lines] if begins and not re.search(r"[|$;&<>`#]", text) else None


def blocks(text: str) -> list[Block]:
    """All blocks of a document, in order, those in its text last."""
    headings = [(found.start(), found[1]) for found in _HEADING.finditer(_FENCE.sub(_blank, text))]
    found = [(fence.start(), fence[1], fence[2]) for fence in _FENCE.finditer(text)]
    found += [(inline.start(), "sh", inline[1]) for inline in _INLINE.finditer(_FENCE.sub(_blank, text))]
    return [Block(_section(headings, start), kind, block) for start, kind, block in found]


def _blank(fence: re.Match[str]) -> str:
    return re.sub(r"[^\n]", " ", fence[0])


def _section(headings: list[tuple[int, str]], position: int) -> str:
    return [heading for start, heading in headings if start < position][-1]


def outputs_of(text: str) -> Outputs:
    """The outputs that a runbook was rendered from."""
    return stack_outputs.parse(text, "the runbook")
