r"""The regular expressions of `lines -E`: a subset that Athena and Python read alike. Pure.

Athena's regexp_like is Trino's, which reads Java's syntax with Joni (Trino, "Regular expression functions"). It and
Python differ in what `\w`, `\d`, `\s` and `\b` are outside ASCII, in case folding, and in rarer syntax. So an
expression is parsed here and written anew: classes are spelled out, literals are escaped alike, and anything else is
refused. Without case, the expression is written in lower case, for a text in lower case.
"""

from collections.abc import Callable

from runbook.errors import RunbookError
from runbook.terminal import printing

LONGEST = 1000
# RE2, which the local Athena uses, takes no more.
_MOST_REPEATS = 1000
_CLASSES = {"d": "0-9", "w": "0-9A-Za-z_", "s": "\\t "}
_SPECIAL = set("\\.^$|?*+()[]{}")
# Java and Joni read && as an intersection; Python reserves the doubled ones.
_SPECIAL_IN_CLASS = set("\\[]^-&~|")


def translate(expression: str, lower: Callable[[str], str] | None = None) -> str:
    """Write an expression so that Athena and Python read it alike. RunbookError for what is outside the subset.

    `lower` writes a character in lower case, for a search without case.
    """
    if not expression or len(expression) > LONGEST:
        raise RunbookError(f"a regular expression has 1 to {LONGEST} characters, not {len(expression)}")
    return _Reader(expression, lower).read()


class _Reader:
    """Reads an expression from left to right."""

    def __init__(self, expression: str, lower: Callable[[str], str] | None) -> None:
        self._text, self._lower, self._at = expression, lower, 0

    def read(self) -> str:
        written = self._alternatives()
        if self._at < len(self._text):
            raise self._refusal("this ) closes nothing: write \\) for the character")
        return written

    def _alternatives(self) -> str:
        branches = [self._branch()]
        while self._peek() == "|":
            self._at += 1
            branches.append(self._branch())
        return "|".join(branches)

    def _branch(self) -> str:
        parts = []
        while self._peek() not in ("", "|", ")"):
            parts.append(self._part())
        return "".join(parts)

    def _part(self) -> str:
        char = self._take()
        match char:
            case "^" | "$":
                if self._peek() and self._peek() in "*+?{":
                    raise self._refusal("nothing to repeat")
                return char
            case "*" | "+" | "?" | "{":
                raise self._refusal(f"nothing to repeat: write \\{char} for the character", back=1)
            case "}" | "]":
                raise self._refusal(f"write \\{char} for the character", back=1)
            case "(":
                atom = self._group()
            case "[":
                atom = self._class()
            case "\\":
                atom = self._escape()
            case ".":
                atom = "."
            case _:
                atom = self._literal(char)
        return atom + self._repeat()

    def _group(self) -> str:
        if self._peek() == "?":
            if self._text[self._at : self._at + 2] != "?:":
                raise self._refusal("of groups that begin with (? only (?:…) is supported", back=1)
            self._at += 2
        inner = self._alternatives()
        if self._peek() != ")":
            raise self._refusal("a ) is missing")
        self._at += 1
        return f"(?:{inner})"

    def _repeat(self) -> str:
        char = self._peek()
        if not char or char not in "*+?{":
            return ""
        repeat = self._counted() if char == "{" else self._take()
        if self._peek() == "?":
            repeat += self._take()
        if self._peek() and self._peek() in "*+?{":
            raise self._refusal("one repetition after another is not supported: use a group")
        return repeat

    def _counted(self) -> str:
        end = self._text.find("}", self._at)
        low, comma, high = self._text[self._at + 1 : max(end, self._at + 1)].partition(",")
        numbers = [low, *([high] if high else [])]
        if end < 0 or not all(each.isascii() and each.isdigit() and len(each) <= 4 for each in numbers):
            raise self._refusal("write a repetition as {3}, {3,} or {3,5}, and \\{ for the character")
        if int(numbers[-1]) > _MOST_REPEATS or int(low) > int(numbers[-1]):
            raise self._refusal(f"a repetition is up to {_MOST_REPEATS} times, the smaller number first")
        self._at = end + 1
        return f"{{{low}{comma}{high}}}"

    def _escape(self) -> str:
        char = self._take()
        if char.lower() in _CLASSES:
            return f"[{'^' if char.isupper() else ''}{self._named(char)}]"
        return self._literal(self._escaped(char))

    def _named(self, char: str) -> str:
        # In lower case no letter of A-Z is left to match, and none does harm.
        return _CLASSES[char.lower()]

    def _escaped(self, char: str) -> str:
        if char == "t":
            return "\t"
        if char and not char.isalnum() and char.isascii():
            return char
        supported = "\\d, \\w, \\s, \\D, \\W, \\S, \\t and a backslash before punctuation are supported"
        raise self._refusal(f"\\{char} is not supported; {supported}", back=2)

    def _class(self) -> str:
        negated = self._peek() == "^"
        self._at += negated
        if self._peek() == "]":
            raise self._refusal("a class in brackets must not be empty: write \\] for the character")
        items = []
        while self._peek() != "]":
            if not self._peek():
                raise self._refusal("a ] is missing")
            items.append(self._item())
        self._at += 1
        return f"[{'^' if negated else ''}{''.join(items)}]"

    def _item(self) -> str:
        first = self._take()
        if first == "[":
            raise self._refusal("write \\[ for the character", back=1)
        if first == "\\":
            char = self._take()
            if char and char in _CLASSES:
                return _CLASSES[char]
            first = self._escaped(char)
        if self._peek() != "-" or self._text[self._at + 1 : self._at + 2] in ("]", ""):
            return self._in_class(first)
        self._at += 1
        last = self._take()
        if last == "\\":
            last = self._escaped(self._take())
        return self._range(first, last)

    def _range(self, first: str, last: str) -> str:
        if first > last or last == "[":
            raise self._refusal(f"{first}-{last} is not a range of characters")
        written = f"{_in_class(first)}-{_in_class(last)}"
        if self._lower is None:
            return written
        if not last.isascii():
            raise self._refusal("with -i a range in brackets is of ASCII only")
        low, high = max(first, "A"), min(last, "Z")
        return written + (f"{low.lower()}-{high.lower()}" if low <= high else "")

    def _in_class(self, char: str) -> str:
        return _in_class(self._lower(char) if self._lower else char)

    def _literal(self, char: str) -> str:
        char = self._lower(char) if self._lower else char
        return f"\\{char}" if char in _SPECIAL else char

    def _peek(self) -> str:
        return self._text[self._at : self._at + 1]

    def _take(self) -> str:
        char = self._peek()
        self._at += 1
        return char

    def _refusal(self, why: str, *, back: int = 0) -> RunbookError:
        place = min(self._at - back, len(self._text)) + 1
        return RunbookError(f"invalid regular expression {printing.printable(self._text)}, at character {place}: {why}")


def _in_class(char: str) -> str:
    return f"\\{char}" if char in _SPECIAL_IN_CLASS else char
