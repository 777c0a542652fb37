"""A regular expression of `lines -E` is read alike by Athena and Python, or refused."""

import re
from collections.abc import Iterator
from contextlib import suppress

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from runbook.errors import RunbookError
from runbook.search.regular_expressions import translate
from runbook.search.text_filters import TextFilter, lower


@pytest.mark.parametrize(
    ("expression", "written"),
    [
        ("timeout", "timeout"),
        ("a|b(c|)", "a|b(?:c|)"),
        (r"\d+ms", "[0-9]+ms"),
        (r"[\w.-]{2,5}?", "[0-9A-Za-z_.\\-]{2,5}?"),
        (r"\S\s\t", "[^\\t ][\\t ]\t"),
        (r"^\[x\]/\"\-$", r'^\[x\]/"-$'),
        ("[^]a]", None),
        ("[a&&b]", r"[a\&\&b]"),
        ("[a-]", r"[a\-]"),
        ("caf\u00e9", "caf\u00e9"),
    ],
)
def test_what_is_read_alike_is_written_plainly(expression: str, written: str | None) -> None:
    if written is None:
        with pytest.raises(RunbookError):
            translate(expression)
    else:
        assert translate(expression) == written


@pytest.mark.parametrize(
    ("expression", "why"),
    [
        ("", "1 to 1000 characters"),
        ("x" * 1001, "1 to 1000 characters"),
        ("(a", r"at character 3: a \) is missing"),
        ("a)", r"at character 2: this \) closes nothing"),
        ("[a", "a ] is missing"),
        ("*a", "at character 1: nothing to repeat"),
        ("a**", "one repetition after another"),
        ("a++", "one repetition after another"),
        ("a{2}{3}", "one repetition after another"),
        ("^*", "nothing to repeat"),
        ("{", "nothing to repeat"),
        ("a{x}", r"write a repetition as \{3\}"),
        ("a{,3}", r"write a repetition as \{3\}"),
        ("a{1001}", "up to 1000 times"),
        ("a{3,2}", "the smaller number first"),
        ("a}", r"write \\} for the character"),
        (r"\bx", r"\\b is not supported"),
        (r"\1", r"\\1 is not supported"),
        (r"\p{L}", r"\\p is not supported"),
        ("a\\", r"is not supported"),
        ("(?i)x", r"only \(\?:…\) is supported"),
        ("(?=x)", r"only \(\?:…\) is supported"),
        ("[[:alpha:]]", r"write \\\[ for the character"),
        ("[z-a]", "is not a range"),
    ],
)
def test_anything_else_is_refused_where_it_stands(expression: str, why: str) -> None:
    with pytest.raises(RunbookError, match=why) as refused:
        translate(expression)
    assert "\n" not in str(refused.value)


def test_without_case_a_range_has_its_small_letters() -> None:
    assert translate("[A-C]É", lower) == "[A-Ca-c]é"
    with pytest.raises(RunbookError, match="of ASCII only"):
        translate("[à-é]", lower)


TEXTS = st.text(st.sampled_from("aAbBzZ09_ .-\t[](){}|^$*+?\\/&~éÉßİǅ取"), max_size=12)
ATOMS = st.one_of(
    st.sampled_from("aAbBzZ09_ -/éÉ取."),
    st.sampled_from([r"\d", r"\w", r"\s", r"\D", r"\W", r"\S", r"\.", r"\(", r"\[", r"\\", r"\&"]),
    st.sampled_from(["[a-z]", "[^A-Z]", "[a&b~]", r"[\w-]", r"[^\d.]", "[A-z]", "[ -~]", "[(é]"]),
)
EXPRESSIONS = st.recursive(
    ATOMS,
    lambda inner: st.one_of(
        st.lists(inner, min_size=1, max_size=3).map("".join),
        st.tuples(inner, inner).map("|".join),
        st.tuples(inner, st.sampled_from(["*", "+", "?", "{2}", "{0,2}", "{1,}", "*?"])).map(
            lambda t: f"({t[0]}){t[1]}"
        ),
        inner.map(lambda text: f"^{text}"),
        inner.map(lambda text: f"{text}$"),
    ),
    max_leaves=6,
)


@given(EXPRESSIONS, TEXTS)
@settings(deadline=None)
def test_a_translation_means_what_was_written(expression: str, text: str) -> None:
    """Python's own reading, in ASCII; spaces are only blanks and tabs, as a stored line has no others."""
    assert bool(re.search(translate(expression), text)) == bool(re.search(expression, text, re.ASCII))


@given(EXPRESSIONS, TEXTS)
@settings(deadline=None)
def test_without_case_the_case_of_ascii_does_not_count(expression: str, text: str) -> None:
    with suppress(RunbookError):
        without = TextFilter(expression, regexp=True, ignore_case=True)
        if text.isascii() and expression.isascii() and "[^" not in expression and not re.search(r"\\[DWS]", expression):
            assert without.found_in(text) == bool(re.search(expression, text, re.ASCII | re.IGNORECASE))


@pytest.fixture(scope="module")
def duck() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as database:
        yield database


@given(st.one_of(EXPRESSIONS, TEXTS), TEXTS, st.booleans())
@settings(deadline=None, max_examples=200)
def test_another_engine_reads_the_same(
    duck: duckdb.DuckDBPyConnection, expression: str, text: str, ignore_case: bool
) -> None:
    """RE2, for Joni; tests/trino asks Joni itself."""
    with suppress(RunbookError):
        sought = TextFilter(expression, regexp=True, ignore_case=ignore_case)
        sql = sought.condition.replace("regexp_like", "regexp_matches").replace("message", "$1")
        # Python's lower is not DuckDB's for all letters; selection is compared in test_selection.py.
        shown = text if text.isascii() or not ignore_case else lower(text)
        [(found,)] = duck.execute(f"SELECT {sql}", [shown]).fetchall()
        assert found == sought.found_in(shown)
