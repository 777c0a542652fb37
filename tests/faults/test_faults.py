"""Whatever AWS and clients do: an answer within 4 s, nothing lost that was answered 200, nothing that piles up."""

import random
import ssl
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.faults.drains import Drains, open_connections
from tests.faults.receiver import Held, Receiver, receiver
from tests.faults.services import SLOW, WORKS, Services, services
from tests.support.tls import certificate

ANSWER_S = 4.0
RECOVERY_S = 10.0
BUSY = 64
THREADS = 10
# The server's own and, for each thread, a call under way and one that it has just left; and the read of hashes.
MOST_THREADS = 1 + 3 * THREADS + 2
# For each call, a connection; and as many that boto3 keeps for later, of each service.
CALLS = 2 * THREADS
KEPT = 3 * CALLS
# More than an item of the buffer may have, even as two hexadecimal digits for each byte.
LARGE = 900_000


@pytest.fixture(scope="module")
def tls(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, ssl.SSLContext]:
    return certificate(tmp_path_factory.mktemp("tls"))


@pytest.fixture
def aws(tls: tuple[Path, ssl.SSLContext]) -> Iterator[Services]:
    bundle, context = tls
    with services(context, str(bundle)) as serving:
        yield serving


def report(what: str, drains: Drains, running: Receiver) -> None:
    print(
        f"\n{what}: {len(drains.answers):,} answers {dict(sorted(drains.statuses().items()))}, slowest "
        f"{drains.slowest():.2f} s (the load itself stood still for {drains.pause_s:.2f} s), at most "
        f"{running.most().threads} threads and {running.most().descriptors} descriptors"
    )


def test_whatever_the_buffer_s3_and_sqs_do_answers_are_in_time_and_nothing_is_lost(
    aws: Services, tmp_path: Path, seconds: float
) -> None:
    with (
        receiver(aws.environment, tmp_path / "log", "--threads", str(THREADS)) as running,
        Drains(running.port) as drains,
    ):
        before = running.held()
        drains.add(BUSY, 0.5)
        drains.add(1, 1.0, lambda: LARGE)
        assert drains.wait_until(lambda: drains.statuses()[200] > BUSY, RECOVERY_S)
        aws.go_through_trouble(seconds)
        # The probe of a breaker finds out within seconds that all is well.
        assert drains.wait_until(lambda: all(each.status == 200 for each in drains.answers[-BUSY:]), RECOVERY_S)
        kept, stored = len(aws.dynamodb.kept), len(aws.s3.kept)
        assert drains.wait_until(lambda: len(aws.dynamodb.kept) > kept + BUSY, RECOVERY_S)
        assert drains.wait_until(lambda: len(aws.s3.kept) > stored, RECOVERY_S)
        drains.stop()
        report("the buffer, S3 and SQS in trouble", drains, running)
        assert drains.slowest() < ANSWER_S
        assert drains.statuses().keys() <= {200, 503}
        assert drains.accepted <= aws.numbers()
        assert aws.sqs.kept
        assert running.most().threads <= MOST_THREADS
        assert running.most().descriptors <= before.descriptors + BUSY + CALLS + KEPT
        assert running.is_back_at(Held(before.threads, before.descriptors + KEPT), RECOVERY_S)


def test_whatever_ssm_does_answers_are_in_time_and_hashes_that_come_late_are_had(aws: Services, tmp_path: Path) -> None:
    """No hashes are known, so that every POST needs them."""
    with (
        receiver(aws.environment, tmp_path / "log", "--threads", str(THREADS)) as running,
        Drains(running.port) as drains,
    ):
        before = running.held()
        aws.ssm.does = "hangs"
        drains.add(BUSY, 0.5)
        aws.ssm_goes_through_trouble(20)
        assert 200 not in drains.statuses()
        # A read that hangs is given up after ten seconds, and SSM that is slow takes longer than any POST waits.
        assert drains.wait_until(lambda: all(each.status == 200 for each in drains.answers[-BUSY:]), 2 * RECOVERY_S)
        drains.stop()
        report("SSM in trouble", drains, running)
        assert drains.slowest() < ANSWER_S
        assert drains.statuses().keys() == {200, 503}
        assert drains.accepted <= aws.numbers()
        assert running.most().threads <= MOST_THREADS
        assert running.is_back_at(Held(before.threads, before.descriptors + KEPT), RECOVERY_S)


def test_hashes_that_take_longer_than_a_post_waits_cost_no_batch(aws: Services, tmp_path: Path) -> None:
    """Logplex's second try has what the first one waited for."""
    aws.ssm.does = SLOW
    with (
        receiver(aws.environment, tmp_path / "log", "--threads", str(THREADS)) as running,
        Drains(running.port) as drains,
    ):
        drains.add(THREADS, 0.5)
        assert drains.wait_until(lambda: len(drains.accepted) > 2 * THREADS, RECOVERY_S)
        drains.stop()
        report("SSM slow", drains, running)
        assert drains.dropped == 0
        assert drains.accepted <= aws.numbers()


def test_300_connections_are_served_slow_idle_and_half_open_ones_among_them(aws: Services, tmp_path: Path) -> None:
    """With bodies of 0.5 to 3 MB, and as many descriptors below 1,024 as a shell usually gives."""
    sizes = random.Random(12)
    with (
        receiver(aws.environment, tmp_path / "log") as running,
        ExitStack() as open_ones,
        Drains(running.port) as drains,
    ):
        for connection in (
            *open_connections(running.port, 30),
            *open_connections(running.port, 30, b"POST /drain HTTP/1.1\r\nContent-Length: 100000\r\n\r\nhalf"),
        ):
            open_ones.enter_context(connection)
        drains.add_slow(30)
        drains.add(200, 2.0)
        drains.add(10, 1.0, lambda: sizes.randrange(500_000, 3_000_000))
        enough = 200 * 10
        assert drains.wait_until(lambda: len(drains.answers) >= enough, 60)
        drains.stop()
        report("300 connections", drains, running)
        assert drains.statuses().keys() == {200}
        assert drains.slowest() < ANSWER_S
        assert drains.accepted <= aws.numbers()
        assert drains.slow_ones_closed == 30, "a request that takes longer than ten seconds to come has no sender"
        assert aws.dynamodb.does == WORKS
        assert aws.dynamodb.kept
        assert aws.s3.kept
        assert not aws.sqs.kept
