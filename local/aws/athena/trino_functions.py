"""Trino's functions on DuckDB: one table, name to rule. What is not in it is refused, as a guess may answer wrongly.

Trino's side of each is the Trino manual, "Functions and operators". The macros named `trino_*` are in
local/aws/athena/trino.sql.
"""

import re
from collections.abc import Callable, Iterable
from typing import NamedTuple

from sqlglot import exp

Arguments = list[exp.Expr]


class Refused(Exception):
    """A statement that cannot be run, and why: Athena's StateChangeReason."""


class Function(NamedTuple):
    """How a call is written for DuckDB, and why it is not simply the same call."""

    build: Callable[[Arguments], exp.Expr]
    why: str


def call(name: str, *arguments: exp.Expr) -> exp.Anonymous:
    """Make a call of a DuckDB function or macro, by its name."""
    return exp.Anonymous(this=name, expressions=list(arguments))


def text(argument: exp.Expr, what: str) -> str:
    """Read an argument that must be a string literal; Refused when it is not."""
    if not (isinstance(argument, exp.Literal) and argument.is_string):
        raise Refused(f"NOT_SUPPORTED: the local engine takes {what} only as a string literal")
    return str(argument.this)


# ---------------------------------------------------------------- regular expressions


def _groups(pattern: str) -> list[tuple[str, bool]]:
    """List the pattern's capturing groups: the text of each, and whether a match may leave it out."""
    opened: list[tuple[int, bool]] = []
    found: dict[int, tuple[int, int]] = {}
    alternatives, in_class = [False], False
    enclosing: dict[int, list[int]] = {}
    branched: dict[int, bool] = {}
    for token in re.finditer(r"\\.|\[\^?\]?|\]|\((?!\?)|\(\?P?<[a-zA-Z]|\(\?|\)|\|", pattern, re.DOTALL):
        mark = token[0]
        if in_class or mark.startswith("["):
            in_class = mark != "]" if in_class else True
        elif mark.startswith("("):
            opened.append((token.start(), not mark.startswith("(?") or mark[-1].isalpha()))
            enclosing[token.start()] = [start for start, _ in opened]
            alternatives.append(False)
        elif mark == "|":
            alternatives[-1] = True
        elif mark == ")" and opened:
            start, captures = opened.pop()
            branched[start] = alternatives.pop()
            found[start] = (token.end(), int(captures))
    skippable = {start: bool(re.match(r"[?*]|\{0?,|\{0\}", pattern[end:])) for start, (end, _) in found.items()}
    return [
        (
            pattern[start:end],
            alternatives[0]
            or any(skippable[outer] or (outer != start and branched[outer]) for outer in enclosing[start]),
        )
        for start, (end, captures) in sorted(found.items())
        if captures
    ]


def _regexp_extract(arguments: Arguments) -> exp.Expr:
    string, pattern = arguments[:2]
    number = arguments[2] if len(arguments) > 2 else exp.Literal.number(0)
    extract = call("trino_regexp_extract", string, pattern, number)
    groups, wanted = _groups(text(pattern, "a pattern")), int(number.name)
    if wanted > len(groups):
        raise Refused(f"INVALID_FUNCTION_ARGUMENT: Pattern has {len(groups)} groups. Cannot access group {wanted}")
    if not wanted or not groups[wanted - 1][1]:
        return extract
    if re.fullmatch(groups[wanted - 1][0], ""):
        raise Refused(
            f"NOT_SUPPORTED: group {wanted} of {pattern.name!r} may be absent or empty, which the local engine "
            "cannot tell apart (NULL or '')"
        )
    return call("nullif", extract, exp.Literal.string(""))


def _regexp_replace(arguments: Arguments) -> exp.Expr:
    string, pattern = arguments[:2]
    replacement = text(arguments[2], "a replacement") if len(arguments) > 2 else ""
    count = len(_groups(text(pattern, "a pattern")))

    def translate(match: re.Match[str]) -> str:
        if match["group"]:
            if int(match["group"]) > min(count, 9):
                raise Refused(f"INVALID_FUNCTION_ARGUMENT: Illegal replacement sequence: unknown group {match[0]}")
            return f"\\{match['group']}"
        if match["literal"]:
            return match["literal"].replace("\\", "\\\\")
        raise Refused(f"NOT_SUPPORTED: the local engine cannot use the replacement {replacement!r}")

    template = re.sub(r"\$(?P<group>\d)|\\(?P<literal>.)|[$\\]", translate, replacement, flags=re.DOTALL)
    return call("regexp_replace", string, pattern, exp.Literal.string(template), exp.Literal.string("g"))


# ---------------------------------------------------------------- dates and times

# MySQL's specifiers, as the manual's "MySQL date functions" lists them, as DuckDB's strftime writes them.
_DATE_SPECIFIERS = {
    **{same: f"%{same}" for same in "abdfHIjmpSYy%"},
    "c": "%-m",
    "e": "%-d",
    "h": "%I",
    "i": "%M",
    "k": "%-H",
    "l": "%-I",
    "M": "%B",
    "s": "%S",
    "W": "%A",
    "T": "%H:%M:%S",
    "r": "%I:%M:%S %p",
}


def _date_pattern(argument: exp.Expr) -> exp.Literal:
    def specifier(match: re.Match[str]) -> str:
        try:
            return _DATE_SPECIFIERS[match[1]]
        except KeyError:
            raise Refused(f"NOT_SUPPORTED: the local engine does not know %{match[1]} of a date format") from None

    return exp.Literal.string(re.sub(r"%(.?)", specifier, text(argument, "a date format"), flags=re.DOTALL))


def _unit(argument: exp.Expr, units: str) -> str:
    unit = text(argument, "a unit of time").lower()
    if unit not in units.split():
        raise Refused(f"INVALID_FUNCTION_ARGUMENT: {unit!r} is not one of {units}")
    return unit


_UNITS = "millisecond second minute hour day week month quarter year"


def _date_trunc(arguments: Arguments) -> exp.Expr:
    return call("trino_date_trunc", exp.Literal.string(_unit(arguments[0], _UNITS)), arguments[1])


def _date_add(arguments: Arguments) -> exp.Expr:
    unit, count, moment = arguments
    names = {"quarter": ("3", "month")}
    size, name = names.get(_unit(unit, _UNITS), ("1", _unit(unit, _UNITS)))
    interval = exp.Interval(this=exp.Literal.string(size), unit=exp.var(name.upper()))
    return call("trino_shift", moment, exp.Mul(this=interval, expression=exp.Paren(this=count)))


def _date_diff(arguments: Arguments) -> exp.Expr:
    return call("date_sub", exp.Literal.string(_unit(arguments[0], _UNITS)), *arguments[1:])


# ---------------------------------------------------------------- the table


def _as(name: str, *arity: int) -> Callable[[Arguments], exp.Expr]:
    def build(arguments: Arguments) -> exp.Expr:
        if arity and len(arguments) not in arity:
            raise Refused(f"NOT_SUPPORTED: the local engine has {name} only with {arity} arguments")
        return call(name, *arguments)

    return build


def _if(arguments: Arguments) -> exp.Expr:
    return exp.Case(
        ifs=[exp.If(this=arguments[0], true=arguments[1])], default=arguments[2] if len(arguments) > 2 else None
    )


def _strictest(name: str) -> Callable[[Arguments], exp.Expr]:
    def build(arguments: Arguments) -> exp.Expr:
        missing = exp.or_(*(exp.Is(this=each.copy(), expression=exp.Null()) for each in arguments))
        return exp.Case(ifs=[exp.If(this=missing, true=exp.Null())], default=call(name, *arguments))

    return build


def _concat(arguments: Arguments) -> exp.Expr:
    joined = arguments[0]
    for argument in arguments[1:]:
        joined = exp.DPipe(this=joined, expression=argument)
    return exp.Paren(this=joined)


def _distinct_count(arguments: Arguments) -> exp.Expr:
    return call("count", exp.Distinct(expressions=arguments[:1]))


def _replace(arguments: Arguments) -> exp.Expr:
    return call("replace", *arguments[:2], arguments[2] if len(arguments) > 2 else exp.Literal.string(""))


def _trimmed(name: str) -> Callable[[Arguments], exp.Expr]:
    whitespace = exp.Literal.string(" \t\n\x0b\x0c\r")
    return lambda arguments: call(name, arguments[0], *(arguments[1:] or [whitespace]))


def _same(names: str) -> Iterable[tuple[str, Function]]:
    return ((name, Function(_as(name), "the same in both")) for name in names.split())


FUNCTIONS: dict[str, Function] = {
    **dict(_same("count sum min max array_agg bool_and bool_or count_if")),
    **dict(_same("row_number rank dense_rank percent_rank cume_dist ntile lag lead first_value last_value")),
    **dict(_same("lower upper length reverse strpos lpad rpad concat_ws starts_with coalesce nullif translate")),
    **dict(_same("abs ceil floor sqrt ln exp power mod year quarter month day hour minute second try")),
    "avg": Function(lambda a: call("avg", _avg_argument(a[0])), "Trino's average of decimals is a decimal"),
    "every": Function(_as("bool_and"), "another name"),
    "arbitrary": Function(_as("any_value"), "another name"),
    "any_value": Function(_as("any_value"), "the same in both"),
    "max_by": Function(_as("arg_max_null", 2), "DuckDB's arg_max passes over NULL results"),
    "min_by": Function(_as("arg_min_null", 2), "DuckDB's arg_min passes over NULL results"),
    "approx_percentile": Function(_as("quantile_disc", 2), "exact here, and of the argument's type as in Trino"),
    "approx_distinct": Function(_distinct_count, "exact here, so that answers are reproducible"),
    "if": Function(_if, "DuckDB's if needs three arguments"),
    "greatest": Function(_strictest("greatest"), "NULL when any argument is; DuckDB's passes over NULL"),
    "least": Function(_strictest("least"), "NULL when any argument is; DuckDB's passes over NULL"),
    "concat": Function(_concat, "NULL when any argument is; DuckDB's passes over NULL"),
    "replace": Function(_replace, "DuckDB's needs three arguments"),
    "trim": Function(_trimmed("trim"), "Trino's trims all white space, DuckDB's only spaces"),
    "ltrim": Function(_trimmed("ltrim"), "Trino's trims all white space, DuckDB's only spaces"),
    "rtrim": Function(_trimmed("rtrim"), "Trino's trims all white space, DuckDB's only spaces"),
    "substr": Function(_as("trino_substr", 2, 3), "a start of 0 gives '' in Trino"),
    "substring": Function(_as("trino_substr", 2, 3), "a start of 0 gives '' in Trino"),
    "split": Function(_as("string_split", 2), "another name"),
    "split_part": Function(_as("trino_split_part", 3), "NULL beyond the last part; DuckDB gives ''"),
    "regexp_like": Function(_as("regexp_matches", 2), "another name"),
    "regexp_extract": Function(_regexp_extract, "NULL without a match or group; DuckDB gives ''"),
    "regexp_replace": Function(_regexp_replace, "replaces all matches; groups are $1, and \\1 is a literal 1"),
    "round": Function(_as("trino_round", 1, 2), "Trino keeps the scale of a rounded decimal"),
    "ceiling": Function(_as("ceil", 1), "another name"),
    "pow": Function(_as("power", 2), "another name"),
    "date": Function(_as("trino_date", 1), "the same as CAST(x AS date)"),
    "date_format": Function(lambda a: call("strftime", a[0], _date_pattern(a[1])), "MySQL formats"),
    "date_parse": Function(lambda a: call("strptime", a[0], _date_pattern(a[1])), "MySQL formats"),
    "date_trunc": Function(_date_trunc, "a date stays a date"),
    "date_add": Function(_date_add, "a date stays a date"),
    "date_diff": Function(_date_diff, "Trino counts whole units, DuckDB's date_diff boundaries"),
    "day_of_week": Function(_as("isodow", 1), "another name"),
    "day_of_year": Function(_as("dayofyear", 1), "another name"),
    "from_iso8601_timestamp": Function(_as("trino_from_iso8601_timestamp", 1), "DuckDB reads other forms as well"),
    "from_iso8601_date": Function(_as("trino_from_iso8601_date", 1), "DuckDB reads other forms as well"),
    "to_iso8601": Function(_as("trino_to_iso8601", 1), "DuckDB has none"),
    "from_unixtime": Function(
        lambda a: call("to_timestamp", call("round", a[0], exp.Literal.number(3))), "timestamps are of milliseconds"
    ),
    "to_unixtime": Function(_as("epoch", 1), "another name"),
    "cardinality": Function(_as("len", 1), "another name"),
    "contains": Function(_as("list_contains", 2), "DuckDB's contains is of strings as well"),
    "array_join": Function(_as("array_to_string", 2), "another name"),
    "array_distinct": Function(_as("trino_array_distinct", 1), "keeps order and NULL; DuckDB's list_distinct neither"),
    "element_at": Function(_as("trino_element_at", 2), "an index of 0 is an error in Trino"),
    "sequence": Function(_as("trino_sequence", 2, 3), "a sequence of dates stays one of dates"),
}


def words(names: str) -> frozenset[str]:
    """Make a set of the words of a text."""
    return frozenset(names.split())


# By their names in Trino and in DuckDB.
AGGREGATES = words(
    "count sum min max avg array_agg bool_and bool_or every count_if any_value arbitrary max_by arg_max_null "
    "min_by arg_min_null approx_percentile quantile_disc approx_distinct"
)

# Macros that answer by the types of their arguments. DuckDB does not know the type of an aggregate or a window
# function where it picks the macro, so these are computed a level further in.
TYPED = words(
    "trino_bigint trino_integer trino_double trino_boolean trino_date trino_timestamp trino_timestamptz "
    "trino_varchar trino_divide trino_round trino_shift trino_minus trino_date_trunc trino_to_iso8601 "
    "trino_not_decimal trino_sequence"
)


def _avg_argument(argument: exp.Expr) -> exp.Expr:
    if isinstance(argument, exp.Distinct):
        return exp.Distinct(expressions=[call("trino_not_decimal", argument.expressions[0])])
    return call("trino_not_decimal", argument)
