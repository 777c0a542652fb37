"""What receiver and flusher do for so much traffic, where nobody measured it. Pure; the model is in docs/cost.md."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import date, datetime, timedelta

from contract import canary
from contract.slots import DEFAULT_MINUTES
from runbook import prices
from runbook.cost import sizes, usage
from runbook.cost.usage import Day, Days

MINUTES_PER_DAY = 24 * 60
# The flusher is invoked every minute, and polls the spill queue once.
RUNS_PER_DAY = MINUTES_PER_DAY
# The canary is invoked this often, and sends one for each app.
CANARY_RUNS_PER_DAY = MINUTES_PER_DAY // canary.EVERY_MINUTES
# The digester is invoked every hour. It lists five days of each app, once a day 37, and digests, and apps.
DIGESTS_PER_DAY = 24
_DAYS_PER_DIGEST = (23 * 5 + 37) / 24
_OTHERS_PER_DIGEST = 3

# Assumptions, not measurements on AWS. A POST waits for DynamoDB most of its time; a run waits for several queries.
POST_MS = 15
RUN_MS = 300
# Most of it is the start of its environment, which Lambda does not keep for a quarter of an hour, or an hour.
CANARY_MS = 3_000
DIGEST_MS = 5_000
# Of a flusher of 1,024 MB, which has 0.58 of a processor: 12 to 22 µs of CPU time (`objects` of the traffic generator).
LINE_MS = 0.03
# How many lines a POST has when nobody counted them.
LINES_PER_POST = 5

# A run reads two partitions of notes and each app's late markers. To flush a slot it reads all batches three times.
_READS_OF_BATCHES = 3
_RECORD_ID_BYTES = 16

# The fields of a day that CloudWatch knows.
MEASURED = ("posts", "lines", "body_bytes", "receiver_ms", "flusher_ms", "write_units", "read_units")


def requests_per_digest(apps: int) -> float:
    """Give how many requests at the price of a PUT the digester makes per run: lists, and its digest."""
    return apps * _DAYS_PER_DIGEST + _OTHERS_PER_DIGEST


def receiver_ms(posts: float, answer_after_ms: float = 0) -> float:
    """Give the time that the receiver is billed for, in milliseconds, if it delays answers by so much."""
    return posts * (POST_MS + answer_after_ms)


def flusher_ms(lines: float, days: float = 1) -> float:
    """Give the time that the flusher is billed for, in milliseconds."""
    return days * RUNS_PER_DAY * RUN_MS + lines * LINE_MS


def write_units(day: Day, slots: float) -> float:
    """Give the write units of batches, of the records of their objects, and of the note after each of so many slots.

    Only a stack that is not watched has no canaries.
    """
    of_batches = day.batches * sizes.write_units(day.mean_body) + day.canaries * sizes.write_units(sizes.CANARY_BYTES)
    ids = (day.batches + day.canaries) * _RECORD_ID_BYTES / prices.WRITE_UNIT_BYTES
    # When the newest batch and the newest canary of a slot came: at most one of each.
    seen = day.app_slots + day.canaries if day.canaries else 0.0
    # A record is written, and then marked as stored.
    return of_batches + slots + 2 * (day.app_slots + ids) + seen


def read_units(day: Day, apps: int, slots: float, days: float = 1) -> float:
    """Give the read units of all runs; a query that finds nothing takes one."""
    size = day.batches * sizes.item_bytes(day.mean_body) + day.canaries * sizes.item_bytes(sizes.CANARY_BYTES)
    of_batches = _READS_OF_BATCHES * size / prices.READ_UNIT_BYTES
    notes = 2 if day.canaries else 1
    # The canary reads whether the one before was seen.
    return days * RUNS_PER_DAY * (notes + apps) + slots + of_batches + day.canaries


def worked(day: Day, apps: int, minutes: int = DEFAULT_MINUTES, days: float = 1, answer_after_ms: float = 0) -> Day:
    """Add to a day, or to a part of one, what its traffic makes the functions do; `minutes` is a slot's length."""
    slots = days * apps * MINUTES_PER_DAY / minutes
    return replace(
        day,
        receiver_ms=receiver_ms(day.posts, answer_after_ms),
        flusher_ms=flusher_ms(day.lines, days),
        write_units=write_units(day, slots),
        read_units=read_units(day, apps, slots, days),
    )


# ---------------------------------------------------------------- what is known

Found = Mapping[date, Mapping[str, float]]


def known(found: Found) -> frozenset[str]:
    """Name the fields of a day that have a value on any day.

    Without POSTs but with lines, a receiver outside Lambda takes them, and there are no POSTs to the API.
    """
    names = {name for values in found.values() for name in values}
    return frozenset(names | {"posts", "receiver_ms"} if "lines" in names else names)


def completed(days: Days, found: Found, now: datetime, apps: int, minutes: int) -> dict[date, Day]:
    """Give the days with their traffic, from the beginning of last month on: as found, else as estimated."""
    names, part = known(found), usage.moment(now) % 1
    filled = dict(days)
    for day in _since(min(days, default=now.date()), now):
        values = {name: found.get(day, {}).get(name, 0.0) for name in names}
        length = part if day == now.date() else 1.0
        filled[day] = _completed(days.get(day, Day()), values, apps, minutes, length)
    return filled


def _since(first: date, now: datetime) -> Iterable[date]:
    begin = max(first, date.fromordinal(int(usage.month_before(now).begin)))
    return (begin + timedelta(number) for number in range((now.date() - begin).days + 1))


def _completed(day: Day, values: Mapping[str, float], apps: int, minutes: int, days: float) -> Day:
    lines = values.get("lines", _body_bytes(day) / sizes.LINE_BYTES)
    canaries = days * apps * CANARY_RUNS_PER_DAY
    posts = values.get("posts", 0.0)
    batches = max(0.0, posts - canaries) if posts else lines / LINES_PER_POST
    counted = replace(
        day,
        lines=lines,
        batches=batches,
        canaries=canaries,
        posts=values.get("posts", batches + canaries),
        body_bytes=values.get("body_bytes", lines * sizes.LINE_BYTES),
    )
    return replace(worked(counted, apps, minutes, days), **values)


def _body_bytes(day: Day) -> float:
    """Guess the bytes of the bodies from those of their objects."""
    return day.all_objects * sizes.body_bytes(day.mean_bytes)
