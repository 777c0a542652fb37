"""Shows text in a pager, if it is longer than the screen."""

import os
from typing import TYPE_CHECKING

from runbook.terminal import printing

if TYPE_CHECKING:
    from collections.abc import Iterable

    from rich.text import Text


def lines(texts: "Iterable[Text]", *, heading: str = "", enabled: bool = True) -> None:
    """Print a heading, and lines without wrapping them; in a pager if stdout is a terminal and they are too many.

    Without a pager the heading is a note on stderr.
    """
    from rich.text import Text

    out = printing.console()
    listed = list(texts)
    paged = [Text(heading, style="dim"), *listed] if heading else listed
    if not (enabled and out.is_terminal and _rows(paged, out.width) >= out.height):
        if heading:
            printing.note(heading)
        printing.lines(listed)
        return
    # As git has it: colours, no pager for what fits, and what was read stays on the screen.
    os.environ.setdefault("LESS", "FRX")
    with out.pager(styles=_takes_colours()):
        for text in paged:
            out.print(text, soft_wrap=True)


def _rows(texts: "Iterable[Text]", width: int) -> int:
    return sum(max(1, -(-text.cell_len // width)) for text in texts)


def _takes_colours() -> bool:
    # pydoc, which rich uses, asks these in this order, and takes less if neither is set.
    name = os.environ.get("MANPAGER") or os.environ.get("PAGER") or "less"
    return "less" in name or name.startswith(("bat", "most", "moar"))
