"""Keys are read seldom, a prober can't make that often, and an outage of SSM does not matter once they are known."""

import json

import pytest

from contract.drain import token
from receiver.aws import Unavailable
from receiver.deadline import Deadline
from receiver.drain_keys import DrainKeys
from tests.fakes import APP, KEY, PREVIOUS_KEY, FakeParameter

FRESH_S = 300
RETRY_S = 30
OUTAGE = Unavailable("ssm-deadline", "no answer in time")
NEXT_KEY = "next-key"


class Clock:
    """A clock that only the test moves."""

    now = 1000.0

    def __call__(self) -> float:
        return self.now


class Gate:
    """DrainKeys with a parameter and a clock at hand."""

    def __init__(self, *script: str | Unavailable) -> None:
        self.clock, self.parameter = Clock(), FakeParameter(*script)
        self._keys = DrainKeys(self.parameter.read, self.clock)

    def accept(self, presented: str, app: str = APP) -> bool:
        return self._keys.accept(app, presented, Deadline(10))

    def accept_key(self, key: str) -> bool:
        return self.accept(token(key, APP))


def keys(*values: object) -> str:
    return json.dumps(values)


# ---------------------------------------------------------------- tokens


# A token is good when any of the keys makes it for that very app: current, previous, and the next published ahead.
@pytest.mark.parametrize("key", [KEY, PREVIOUS_KEY, NEXT_KEY])
def test_the_token_of_any_key_is_accepted(key: str) -> None:
    assert Gate(keys(KEY, PREVIOUS_KEY, NEXT_KEY)).accept_key(key)


def test_each_app_has_its_own_token() -> None:
    gate = Gate(keys(KEY))
    other = "raxx-console-prod"
    assert gate.accept(token(KEY, other), app=other)
    assert not gate.accept(token(KEY, APP), app=other)


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


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("", id="empty"),
        pytest.param(KEY, id="bare-key"),
        pytest.param(f"{KEY},{PREVIOUS_KEY}", id="comma-separated"),
        pytest.param("[]", id="no-keys"),
        pytest.param('{"current": "key"}', id="object"),
        pytest.param('"key"', id="string"),
        pytest.param(keys(KEY, 1), id="number"),
        pytest.param(keys(KEY, None), id="null"),
        pytest.param(keys(KEY, ""), id="empty-key"),
        pytest.param(keys(KEY, "\ud800"), id="no-character"),
    ],
)
def test_a_parameter_that_is_no_array_of_keys_is_an_outage_and_not_shown(text: str) -> None:
    """An empty key would let in whoever guesses that it is empty."""
    with pytest.raises(Unavailable) as unavailable:
        Gate(text).accept_key(KEY)
    assert unavailable.value.reason == "drain-keys-malformed"
    assert KEY not in str(unavailable.value)
