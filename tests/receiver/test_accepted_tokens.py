"""Hashes are read seldom, a prober can't make that often, and an outage of SSM does not matter once they are known."""

import threading
import time
from collections.abc import Iterator

import pytest

from contract.drain_url import token
from contract.token_hashes import token_hash
from receiver.accepted_tokens import AcceptedTokens
from receiver.aws import Unavailable
from receiver.deadline import Deadline
from tests.support.fakes import APP, KEY, PREVIOUS_KEY, FakeParameter, hashes_of

FRESH_S = 300
RETRY_S = 30
OUTAGE = Unavailable("ssm-deadline", "no answer in time")
NEXT_KEY = "next-key"
HASH = token_hash("a-token")
AMPLE_S = 10.0


class Clock:
    """A clock that only the test moves."""

    now = 1000.0

    def __call__(self) -> float:
        return self.now


class Gate:
    """AcceptedTokens with a parameter and a clock at hand."""

    def __init__(self, *script: str | Unavailable) -> None:
        self.clock, self.parameter = Clock(), FakeParameter(*script)
        self._tokens = AcceptedTokens(self.parameter.read, self.clock)

    def accept(self, presented: str) -> bool:
        return self._tokens.accept(presented, Deadline(10))

    def accept_key(self, key: str) -> bool:
        return self.accept(token(key, APP))


def keys(*accepted: str) -> str:
    return hashes_of(APP, *accepted)


# ---------------------------------------------------------------- tokens


# A token is good when any of the keys makes it for that very app: current, previous, and the next published ahead.
@pytest.mark.parametrize("key", [KEY, PREVIOUS_KEY, NEXT_KEY])
def test_the_token_of_any_key_is_accepted(key: str) -> None:
    assert Gate(keys(KEY, PREVIOUS_KEY, NEXT_KEY)).accept_key(key)


@pytest.mark.parametrize(
    "presented",
    [
        pytest.param("", id="empty"),
        pytest.param(KEY, id="the-key-itself"),
        pytest.param(token("another-key", APP), id="another-key"),
        pytest.param(token(KEY, "raxx-console-prod"), id="another-app"),
        pytest.param(token(KEY, APP)[:-1], id="shortened"),
        pytest.param(token(KEY, APP) + "=", id="padded"),
        pytest.param(token(KEY, APP).swapcase(), id="other-case"),
        pytest.param("ü", id="not-ASCII"),
        pytest.param("\udce9", id="no-character"),
    ],
)
def test_any_other_token_is_not(presented: str) -> None:
    assert not Gate(keys(KEY)).accept(presented)


# ---------------------------------------------------------------- when keys are read


def test_keys_are_read_once_and_kept() -> None:
    gate = Gate(keys(KEY))
    for _ in range(10):
        assert gate.accept_key(KEY)
        gate.clock.now += FRESH_S / 10
    assert gate.parameter.reads == 1


def test_keys_are_read_again_when_they_are_five_minutes_old() -> None:
    """A key that was taken out, as leaked, is shut out by then."""
    gate = Gate(keys(KEY, PREVIOUS_KEY), keys(KEY))
    assert gate.accept_key(PREVIOUS_KEY)
    gate.clock.now += FRESH_S
    assert gate.accept_key(PREVIOUS_KEY)
    gate.clock.now += 1
    assert not gate.accept_key(PREVIOUS_KEY)


def test_a_token_that_does_not_match_reads_the_keys_again() -> None:
    gate = Gate(keys(KEY), keys(NEXT_KEY, KEY))
    assert gate.accept_key(KEY)
    gate.clock.now += RETRY_S + 1
    assert gate.accept_key(NEXT_KEY)
    assert gate.parameter.reads == 2


def test_a_prober_causes_a_read_every_30_seconds_at_most() -> None:
    gate = Gate(keys(KEY))
    for second in range(10 * RETRY_S):
        gate.clock.now = 1000 + second
        assert not gate.accept(f"guess-{second}")
    assert gate.parameter.reads <= 10


def test_a_prober_causes_no_more_reads_during_an_outage() -> None:
    """Neither a token that does not match nor keys grown old make tries follow each other faster."""
    gate = Gate(keys(KEY), OUTAGE)
    assert gate.accept_key(KEY)
    begin = FRESH_S + 1
    for second in range(10 * RETRY_S):
        gate.clock.now = 1000 + begin + second
        assert not gate.accept("guess")
    assert 1 < gate.parameter.reads - 1 <= 10


# ---------------------------------------------------------------- when they can't be read


def test_without_any_keys_nobody_can_tell() -> None:
    """It is no 401: a 4xx would make Logplex drop the batch."""
    with pytest.raises(Unavailable) as unavailable:
        Gate(OUTAGE).accept_key(KEY)
    assert unavailable.value.reason == "ssm-deadline"


def test_keys_are_had_as_soon_as_ssm_is_back() -> None:
    gate = Gate(OUTAGE, keys(KEY))
    with pytest.raises(Unavailable):
        gate.accept_key(KEY)
    assert gate.accept_key(KEY)


@pytest.mark.parametrize("trouble", [OUTAGE, "not json", "[]"], ids=["outage", "malformed", "empty"])
def test_known_keys_survive_trouble(trouble: str | Unavailable) -> None:
    gate = Gate(keys(KEY), trouble)
    for hour in range(24):
        gate.clock.now = 1000 + hour * 3600
        assert gate.accept_key(KEY)
        assert not gate.accept("guess")
    assert gate.parameter.reads == 24


# ---------------------------------------------------------------- when they come late


class SlowParameter:
    """Answers when it is told to; `asked` counts the reads that have begun."""

    def __init__(self) -> None:
        self.asked, self.go_on = threading.Semaphore(0), threading.Event()
        self.reads, self.budgets = 0, [0.0]

    def read(self, deadline: Deadline) -> str:
        self.reads += 1
        self.budgets.append(deadline.remaining())
        self.asked.release()
        self.go_on.wait(AMPLE_S)
        return keys(KEY)


@pytest.fixture
def slow() -> Iterator[SlowParameter]:
    parameter = SlowParameter()
    yield parameter
    parameter.go_on.set()


def fails_in(accepted: AcceptedTokens, seconds: float) -> str:
    """The reason with which a POST fails that waits so long for keys."""
    with pytest.raises(Unavailable) as unavailable:
        accepted.accept(token(KEY, APP), Deadline(seconds))
    return unavailable.value.reason


def test_a_read_that_ends_after_the_post_that_began_it_is_the_next_ones(slow: SlowParameter) -> None:
    """Logplex makes its second try at once. Without this SSM that takes 1.5 s would be 503 for ever."""
    accepted = AcceptedTokens(slow.read)
    assert fails_in(accepted, 0.01) == "ssm-deadline"
    threading.Timer(0.05, slow.go_on.set).start()
    assert accepted.accept(token(KEY, APP), Deadline(AMPLE_S))
    assert slow.reads == 1
    assert slow.budgets[1] > 2 * 1.2, "the read has more time than a POST has for it"


def test_all_that_need_keys_share_one_read(slow: SlowParameter) -> None:
    accepted = AcceptedTokens(slow.read)
    answers: list[bool] = []
    threads = [
        threading.Thread(target=lambda: answers.append(accepted.accept(token(KEY, APP), Deadline(AMPLE_S))))
        for _ in range(20)
    ]
    for thread in threads:
        thread.start()
    slow.asked.acquire()
    slow.go_on.set()
    for thread in threads:
        thread.join()
    assert (answers, slow.reads) == ([True] * 20, 1)


def test_nobody_waits_for_a_read_that_has_taken_too_long(slow: SlowParameter) -> None:
    """While SSM hangs, POSTs are not to keep each other from a thread; the read itself goes on."""
    clock = Clock()
    accepted = AcceptedTokens(slow.read, clock)
    assert fails_in(accepted, 0.01) == "ssm-deadline"
    clock.now += 4
    begin = time.monotonic()
    for _ in range(10):
        assert fails_in(accepted, AMPLE_S) == "ssm-deadline"
    assert time.monotonic() - begin < AMPLE_S / 2
    assert slow.reads == 1


def test_while_old_keys_are_read_again_others_go_on_with_them() -> None:
    clock, slow = Clock(), SlowParameter()
    slow.go_on.set()
    accepted = AcceptedTokens(slow.read, clock)
    assert accepted.accept(token(KEY, APP), Deadline(AMPLE_S))
    slow.go_on.clear()
    clock.now += FRESH_S + 1
    assert accepted.accept(token(KEY, APP), Deadline(0.01)), "it has waited, and old keys are good"
    begin = time.monotonic()
    for _ in range(10):
        assert accepted.accept(token(KEY, APP), Deadline(AMPLE_S))
    assert time.monotonic() - begin < AMPLE_S / 2
    slow.go_on.set()
    assert slow.reads == 2


def test_a_token_that_does_not_match_waits_for_the_read_of_another() -> None:
    """Not to be answered 401, which makes Logplex drop the batch, a moment before its key is there."""
    clock, slow = Clock(), SlowParameter()
    script = iter([keys(PREVIOUS_KEY)])
    accepted = AcceptedTokens(lambda deadline: next(script, None) or slow.read(deadline), clock)
    assert not accepted.accept("guess", Deadline(AMPLE_S))
    clock.now += RETRY_S + 1
    assert not accepted.accept(token(KEY, APP), Deadline(0.01))
    threading.Timer(0.05, slow.go_on.set).start()
    assert accepted.accept(token(KEY, APP), Deadline(AMPLE_S))
    assert slow.reads == 1


def test_a_system_without_threads_is_an_outage_that_passes(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    accepted = AcceptedTokens(FakeParameter(keys(KEY)).read)
    with monkeypatch.context() as patched:
        patched.setattr(threading.Thread, "start", refuse)
        assert fails_in(accepted, AMPLE_S) == "ssm-busy"
    assert accepted.accept(token(KEY, APP), Deadline(AMPLE_S))


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("", id="empty"),
        pytest.param(KEY, id="bare-key"),
        pytest.param(f"{KEY},{PREVIOUS_KEY}", id="comma-separated"),
        pytest.param("{}", id="no-hashes"),
        pytest.param(f'["{HASH}"]', id="array"),
        pytest.param(f'"{HASH}"', id="string"),
        pytest.param('{"current": "token"}', id="not-a-hash"),
        pytest.param(f'{{"current": "{HASH.upper()}"}}', id="upper-case"),
        pytest.param(f'{{"current": "{HASH}", "next": null}}', id="null"),
        pytest.param(f'{{"current": "{HASH}", "next": ""}}', id="empty-hash"),
    ],
)
def test_a_parameter_that_is_no_object_of_hashes_is_an_outage(text: str) -> None:
    with pytest.raises(Unavailable) as unavailable:
        Gate(text).accept_key(KEY)
    assert unavailable.value.reason == "token-hashes-malformed"
