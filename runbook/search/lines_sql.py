"""The SQL of `lines`: the matching lines of a window, or with the lines around them. Pure."""

from collections.abc import Sequence

from runbook.search.cut import POSITION, Cut
from runbook.search.selection import Selection
from runbook.search.sql_literals import literal

# The last one is the URL of the line's object (Athena user guide, "Get the file locations for source data in Amazon
# S3").
COLUMNS = ("log_ts", "app", "source", "proc_id", "message", "seq", '"$path"')


def sql(table: str, selection: Selection, cut: Cut | None, *, apps: Sequence[str] = ()) -> str:
    """Write a query for the selected lines that a cut keeps, best first; `table` includes the database.

    Without a cut, all of them, in the order of the log.
    """
    where = "\n    AND ".join([*_of_apps(apps), *selection.base, *selection.texts])
    last = f"{cut.order}\nLIMIT {cut.limit}" if cut else POSITION
    return f"SELECT {', '.join(COLUMNS)}\nFROM {table}\nWHERE\n    {where}\nORDER BY {last}"


def with_context(
    table: str, selection: Selection, cut: Cut, before: int, after: int, *, apps: Sequence[str] = ()
) -> str:
    """Write a query for these lines and so many lines of the same app before and after each, whatever their message.

    Also the newest lines of each app, which can be just before a line that is not in S3 yet. After the columns come the
    line's number among those of its app, counted from the newest, and whether it is selected.
    """
    where = "\n        AND ".join([*_of_apps(apps), *selection.base])
    hit = "\n            AND ".join(selection.texts)
    names = ", ".join((*COLUMNS[:-1], "path"))
    # What is written into it was checked or escaped where it comes from.
    return f"""WITH base AS (
    SELECT
        {", ".join(COLUMNS[:-1])},
        "$path" AS path,
        ({hit}) AS hit
    FROM {table}
    WHERE
        {where}
),
numbered AS (
    SELECT
        *,
        row_number() OVER (PARTITION BY hit ORDER BY {cut.order}) AS place,
        row_number() OVER (PARTITION BY app ORDER BY {Cut(1).order}) AS number
    FROM base
),
near AS (
    SELECT
        *,
        max(if(hit AND place <= {cut.limit}, 1, 0)) OVER (
            PARTITION BY app ORDER BY number DESC ROWS BETWEEN {after} PRECEDING AND {before} FOLLOWING
        ) AS shown
    FROM numbered
)
SELECT {names}, number, hit
FROM near
WHERE shown = 1 OR number <= {max(before, 1)}
ORDER BY {POSITION}"""  # noqa: S608


def _of_apps(apps: Sequence[str]) -> list[str]:
    return [f"app IN ({', '.join(map(literal, apps))})"] if apps else []
