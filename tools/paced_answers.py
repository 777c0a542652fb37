"""What it saves and costs to answer Logplex later: `python -m tools.paced_answers`.

Logplex sends a POST as soon as it has a line and no request of the drain is in flight on that node, with all lines that
it has (logplex_http_drain.erl). So the lines that come while an answer takes its time are one POST.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from random import Random

from receiver.pace import BACKLOG_MS, FEW_LINES
from runbook import prices
from runbook.cost import bill, sizes, traffic
from runbook.cost.usage import MONTH_DAYS

APPS, NODES = 3, 4
SEED = 2026
PAUSES_MS = (0, 250, 500, 1_000)
MEMORIES_MB = (256, 512)
# From Logplex's sending to the receiver's beginning and back, and the receiver's own work.
ROUND_TRIP_S, WORK_S = 0.025, traffic.POST_MS / 1000
# Lines that a drain buffers before it drops the oldest, and that fit into a body.
BUFFER_LINES = 1_024
POST_LINES = sizes.BODY_BYTES // sizes.LINE_BYTES + 1
_LINES = 12_000
_BURST_S = 0.005
_MONTH_S = MONTH_DAYS * 24 * 3600


@dataclass(frozen=True)
class Case:
    """What Logplex gets: so many lines per second of all apps, in bursts of so many within some milliseconds."""

    lines_per_second: float
    burst: int

    @property
    def megabytes_per_day(self) -> float:
        """The volume, as Logplex sends it."""
        return self.lines_per_second * 24 * 3600 * sizes.LINE_BYTES / 1e6


@dataclass(frozen=True)
class Outcome:
    """What the receiver got in so many seconds. `busy_s` is how long it worked or waited, summed over its POSTs."""

    seconds: float
    lines: int
    posts: int
    busy_s: float
    write_units: float
    most_waiting: int

    @property
    def lines_per_post(self) -> float:
        """The mean."""
        return self.lines / self.posts

    @property
    def posts_per_second(self) -> float:
        """The mean."""
        return self.posts / self.seconds

    @property
    def concurrency(self) -> float:
        """How many POSTs are being answered at a time, on average."""
        return self.busy_s / self.seconds

    def writes_usd(self) -> float:
        """What the buffer's writes cost per month, in US dollars."""
        return prices.DYNAMODB_WRITE.cost(self.write_units / self.seconds * _MONTH_S)

    def lambda_usd(self, memory_mb: int) -> float:
        """What POSTs cost per month through API Gateway and Lambda, with the buffer's writes, in US dollars."""
        posts = self.posts_per_second * _MONTH_S
        return (
            prices.HTTP_API.cost(posts)
            + prices.LAMBDA_REQUEST.cost(posts)
            + prices.CLOUDWATCH_LOGS.cost(posts * bill.POST_LOG_BYTES)
            + prices.LAMBDA_GB_SECOND.cost(self.concurrency * _MONTH_S * memory_mb / 1024)
            + self.writes_usd()
        )


def simulate(case: Case, pause_ms: int, *, apps: int = APPS, nodes: int = NODES, lines: int = _LINES) -> Outcome:
    """Play Logplex with so many nodes for each app, until about so many lines are sent. Equal arguments, equal outcome.

    All lines of a burst come to one node, as those of a dyno do.
    """
    rng = Random(f"{SEED} {case} {apps} {nodes}")  # noqa: S311  not used for secrets
    seconds = lines / case.lines_per_second
    senders: list[list[float]] = [[] for _ in range(apps * nodes)]
    for time in _times(rng, case.lines_per_second / case.burst, seconds):
        sender = senders[rng.randrange(len(senders))]
        sender += (time + rng.random() * _BURST_S for _ in range(case.burst))
    played = [_send(sorted(sender), pause_ms / 1000) for sender in senders]
    posts = [post for each, _ in played for post in each]
    return Outcome(
        seconds,
        sum(size for size, _ in posts),
        len(posts),
        sum(busy for _, busy in posts),
        sum(sizes.write_units(size * sizes.LINE_BYTES) for size, _ in posts),
        max(waiting for _, waiting in played),
    )


def _times(rng: Random, rate: float, seconds: float) -> Iterator[float]:
    time = rng.expovariate(rate)
    while time < seconds:
        yield time
        time += rng.expovariate(rate)


def _send(arrivals: Sequence[float], pause_s: float) -> tuple[list[tuple[int, float]], int]:
    """Send the lines of a node: the lines of each POST and how long the receiver took, and the most lines in wait."""
    posts: list[tuple[int, float]] = []
    first, most, free = 0, 0, 0.0
    while first < len(arrivals):
        begin = max(free, arrivals[first])
        end = first
        while end < len(arrivals) and arrivals[end] <= begin:
            end += 1
        most = max(most, end - first)
        end = min(end, first + POST_LINES)
        busy = _busy(end - first, begin - arrivals[end - 1], pause_s)
        posts.append((end - first, busy))
        first, free = end, begin + ROUND_TRIP_S + busy
    return posts, most


def _busy(lines: int, age_s: float, pause_s: float) -> float:
    """How long the receiver takes (receiver/pace.py); `age_s` is the age of the newest line."""
    at_once = lines > FEW_LINES or age_s * 1000 > BACKLOG_MS
    return WORK_S if at_once else max(WORK_S, pause_s)


def machine_usd() -> float:
    """What a small machine for `python -m receiver` costs per month, in US dollars."""
    hours = MONTH_DAYS * 24
    disk = prices.EBS_GP3.cost(8 * prices.GB)
    return prices.EC2_T4G_SMALL.cost(hours) + disk + prices.PUBLIC_IPV4.cost(hours)


CASES = tuple(
    Case(bytes_per_day / sizes.LINE_BYTES / (24 * 3600), burst)
    for bytes_per_day in (7e6, 500e6, 5e9)
    for burst in (1, 5)
)


def main() -> None:
    """Print the table."""
    print("MB/day  burst  pause ms  POSTs/s  lines/POST  at a time  $ 256 MB  $ 512 MB  $ machine  most waiting")
    for case in CASES:
        for pause_ms in PAUSES_MS:
            found = simulate(case, pause_ms)
            usd = [*map(found.lambda_usd, MEMORIES_MB), machine_usd() + found.writes_usd()]
            print(
                f"{case.megabytes_per_day:6,.0f}  {case.burst:5}  {pause_ms:8,}  {found.posts_per_second:7.2f}  "
                f"{found.lines_per_post:10.2f}  {found.concurrency:9.2f}  "
                f"{'  '.join(f'{each:8.2f}' for each in usd)}  {found.most_waiting:13,}"
            )


if __name__ == "__main__":
    main()
