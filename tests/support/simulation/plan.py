"""What is particular about a world: its time, its load, its troubles. All of it follows from the seed."""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from random import Random

from contract.slots import LENGTHS
from tests.support.simulation.trouble import Fate, Outage, Trouble

DAY_S = 24 * 3600
_NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)
_BEGINNINGS = [
    _NOON,
    datetime(2026, 11, 24, 23, 57, tzinfo=UTC),
    datetime(2026, 12, 31, 23, 57, tzinfo=UTC),
    datetime(2028, 2, 28, 23, 58, tzinfo=UTC),
]
_SERVICES = ["dynamodb", "s3", "sqs"]
# The flusher of real life has some minutes; these are short, so that much happens at the edges of slots.
_MINUTES = [1, 1, 1, 2, 5]


@dataclass
class Plan:
    """Times are in seconds from the beginning of the world; lengths of slots in minutes."""

    epoch_s: int
    apps: tuple[str, ...]
    minutes: int
    # Receivers and then the flusher change to these, if it is another length.
    next_minutes: int
    change: float
    traffic_s: float
    posts: int
    at_slot_ends: float
    bursts: int
    # How much of the traffic is sent just before the end of a slot, and how much is of which kind.
    weights: dict[str, float]
    trouble: Trouble
    skew_s: float
    answer_after_ms: int
    record_batches: int
    page_items: int
    runs: list[float] = field(default_factory=list)


def make(random: Random) -> Plan:
    """Draw a plan, with everything in it, and make some plans about one thing."""
    minutes = random.choice(_MINUTES)
    traffic_s = 60.0 * minutes * random.uniform(2, 4)
    plan = Plan(
        epoch_s=int(random.choice(_BEGINNINGS).timestamp()) + random.randrange(120),
        apps=("app-one", "app-two")[: random.choice([1, 1, 2])],
        minutes=minutes,
        next_minutes=minutes,
        change=traffic_s * random.random(),
        traffic_s=traffic_s,
        posts=random.randint(15, 35),
        at_slot_ends=0.4,
        bursts=random.choice([0, 1, 3]),
        weights=_weights(random),
        trouble=Trouble(
            bad=random.choice([0, 0.02, 0.1, 0.3]),
            crash=random.choice([0, 0, 0.005, 0.02]),
            tempo_s=random.choice([0.01, 0.1, 0.4, 1.0]),
            stalls=random.choice([0, 0, 0.02]),
        ),
        skew_s=random.choice([0, 0.5, 3]),
        answer_after_ms=random.choice([0, 0, 300, 1000]),
        record_batches=random.choice([1, 2, 3, 20_000, 20_000]),
        page_items=random.choice([2, 5, 1000, 1000]),
    )
    [specialise] = random.choices(list(_SPECIALITIES), list(_SPECIALITIES.values()))
    specialise(random, plan)
    plan.runs = _runs(random, plan.traffic_s)
    return plan


def _about_nothing(random: Random, plan: Plan) -> None:
    """Leave it as it is."""


def _about_an_outage(random: Random, plan: Plan) -> None:
    for _ in range(random.choice([1, 1, 2])):
        plan.trouble.outages += _outages(random, plan.traffic_s)


def _about_a_day_without_s3(random: Random, plan: Plan) -> None:
    plan.minutes = plan.next_minutes = random.choice([30, 60])
    plan.traffic_s = random.choice([0.5, 1.1]) * DAY_S
    plan.trouble.outages.append(Outage("s3", 600, plan.traffic_s * 0.9, [Fate.FAILED]))


def _about_a_change(random: Random, plan: Plan) -> None:
    plan.next_minutes = random.choice([each for each in LENGTHS if each <= 10])
    plan.change = plan.traffic_s * random.random()
    if random.random() < 0.5:
        # After the flusher's first run, and before it flushed the first slot.
        plan.minutes, plan.traffic_s, plan.change = 5, 240, random.uniform(30, 90)
        plan.trouble.bad, plan.trouble.tempo_s = 0, 0.1
    # Nothing is spilled then: a batch would be stored twice that is both in the buffer, by the length before, and in
    # the queue, from where it gets into the buffer by the length after.
    plan.trouble.outages.append(Outage("sqs", 0, plan.traffic_s * 2, [Fate.FAILED]))


def _about_undated(random: Random, plan: Plan) -> None:
    plan.weights, plan.at_slot_ends, plan.minutes = {"undated": 1}, 0.9, random.choice([1, 1, 2])
    plan.next_minutes, plan.traffic_s = plan.minutes, 60.0 * plan.minutes * random.uniform(1, 3)
    fates = random.choice([[Fate.UNHEARD], [Fate.LATE], [Fate.FAILED, Fate.LATE], [Fate.DONE, *Fate]])
    services = random.choice([["dynamodb"], ["dynamodb", "sqs"]])
    plan.trouble.outages = [
        Outage(service, 0, plan.traffic_s * random.choice([0.5, 1]), [*fates, Fate.DONE]) for service in services
    ]


def _about_bursts(random: Random, plan: Plan) -> None:
    plan.posts, plan.bursts, plan.page_items = 4, 10, 1000
    plan.trouble.tempo_s, plan.trouble.bad = random.choice([0.1, 0.3]), random.choice([0, 0.1, 0.2])


def _about_large(random: Random, plan: Plan) -> None:
    plan.weights, plan.trouble.bad = {"large": 1}, random.choice([0.1, 0.3])
    # Nothing is spilled, so that there are more tries.
    plan.trouble.outages = [Outage("sqs", 0, plan.traffic_s, [Fate.FAILED])]


# What plans are about, and how often.
_SPECIALITIES = {
    _about_nothing: 23,
    _about_an_outage: 32,
    _about_a_day_without_s3: 5,
    _about_a_change: 8,
    _about_undated: 12,
    _about_bursts: 15,
    _about_large: 5,
}


def _outages(random: Random, traffic_s: float) -> list[Outage]:
    begin = random.uniform(0, traffic_s)
    end = begin + random.choice([5, 20, 60, 200])
    fates = random.choice(
        [
            [Fate.FAILED],
            [Fate.HANGS],
            [Fate.UNHEARD],
            [Fate.LATE],
            [Fate.DONE_AND_FAILED, Fate.FAILED],
            [Fate.DONE, Fate.UNHEARD, Fate.LATE, Fate.FAILED],
        ]
    )
    services = random.choice([["dynamodb"], ["dynamodb"], ["s3"], ["sqs"], ["dynamodb", "sqs"]])
    return [Outage(service, begin, end, fates) for service in services]


def _runs(random: Random, traffic_s: float) -> list[float]:
    """The flusher's runs: one a minute, or where much time passes some; and some that overlap with them."""
    phase, end = random.uniform(0, 60), traffic_s + 180
    if end > 3600:
        runs = sorted(random.uniform(0, end) for _ in range(8))
    else:
        runs = [phase + 60 * number for number in range(int(end / 60))]
    doubled = random.choice([0, 0.2, 0.8])
    late_s = random.choice([0.01, 0.3, 1, 3, 20])
    return runs + [run + random.random() * late_s for run in runs if random.random() < doubled]


def _weights(random: Random) -> dict[str, float]:
    """Some kinds are left out, so that the others meet more often."""
    kinds = {
        "dated": 4, "delayed": 3, "undated": 3, "mixed": 1, "old": 1, "future": 0.5, "large": 1,
        "large undated": 0.0, "two days": 1, "empty": 0.2,
    }  # fmt: skip
    weights = {kind: weight for kind, weight in kinds.items() if weight and random.random() < 0.6}
    return weights or {"dated": 1}
