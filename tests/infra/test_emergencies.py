"""The sequences of docs/emergencies.md: no drain is refused on the way, and at its end the thief is.

Each sequence is read from the page, and the program runs once for every `pulumi up`.
"""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from urllib.parse import parse_qs, urlsplit

import pytest

from contract.drain_url import token
from contract.token_hashes import accepted_as, parse_hashes
from tests.support.paths import PROJECT
from tests.support.recording_monitor import Run, drain_key, run

PAGE = (PROJECT / "docs" / "emergencies.md").read_text(encoding="utf-8")
APPS = ("raxx-api-prod", "raxx-console-prod", "raxx-velvet-prod")


@dataclass(frozen=True)
class Step:
    """The stack after an `up`."""

    recorded: Run

    def drain_url(self, app: str) -> str:
        return str(self.recorded[f"drains-{app}"].inputs["sensitiveUrl"].value)

    def drain_token(self, app: str) -> str:
        return parse_qs(urlsplit(self.drain_url(app)).query)["token"][0]

    def accepts(self, app: str, presented: str) -> bool:
        value = self.recorded[f"drain-keys-hashes-{app}"].inputs["value"]
        return accepted_as(parse_hashes(value), presented) is not None


def after(settings: dict[str, str]) -> Step:
    return Step(run(settings))


def section(title: str) -> str:
    [text] = re.findall(rf"^## {re.escape(title)}\n(.*?)(?=^## |\Z)", PAGE, re.MULTILINE | re.DOTALL)
    return str(text)


def sequence(title: str, blocks: slice = slice(None)) -> list[Step]:
    """The stack before the section's commands, and after each `pulumi up` in some of its blocks of shell."""
    settings: dict[str, str] = {}
    steps = [after(settings)]
    for block in re.findall(r"^```sh\n(.*?)^```$", section(title), re.MULTILINE | re.DOTALL)[blocks]:
        for line in block.splitlines():
            if found := re.fullmatch(r"pulumi config set (\w+) (\S+)", line):
                settings[found[1]] = found[2]
            elif line == "pulumi up":
                steps.append(after(settings))
    return steps


def assert_nothing_is_refused(steps: Sequence[Step]) -> None:
    """During an `up` both drains of an app post, to receivers that know the hashes from before it or after it."""
    for before, now in pairwise(steps):
        for app in APPS:
            posting = {before.drain_token(app), now.drain_token(app)}
            for each in (before, now):
                assert [presented for presented in posting if not each.accepts(app, presented)] == []


@pytest.mark.parametrize(
    ("title", "blocks", "ups", "known"),
    [
        pytest.param("A drain token leaked", slice(1), 2, [1], id="a token"),
        pytest.param("A drain token leaked", slice(2), 3, [1], id="a token, and the next rotation"),
        pytest.param("The Pulumi state leaked", slice(None), 3, [1, 2], id="the state, with the next key"),
        pytest.param("The Heroku key leaked", slice(None), 2, [1], id="all tokens"),
    ],
)
def test_the_thief_is_shut_out_and_no_drain_on_the_way(title: str, blocks: slice, ups: int, known: list[int]) -> None:
    steps = sequence(title, blocks)
    assert len(steps) == ups + 1
    stolen = [(app, token(drain_key(generation), app)) for generation in known for app in APPS]
    assert any(steps[0].accepts(app, presented) for app, presented in stolen)
    assert_nothing_is_refused(steps)
    assert [app for app, presented in stolen if steps[-1].accepts(app, presented)] == []


def test_after_one_rotation_the_thief_of_a_state_is_not_shut_out() -> None:
    """Why the state takes two: the next generation's key was in it."""
    once = after({"tokenGeneration": "2", "acceptPreviousToken": "false"})
    assert once.accepts(APPS[0], token(drain_key(2), APPS[0]))


def test_a_single_step_would_refuse_the_old_drains() -> None:
    """Why shutting out takes two: Logplex drops what is answered 401."""
    with pytest.raises(AssertionError):
        assert_nothing_is_refused([after({}), after({"tokenGeneration": "2", "acceptPreviousToken": "false"})])


# ---------------------------------------------------------------- a flood


def test_the_drains_move_to_a_new_endpoint_before_the_old_one_goes() -> None:
    """The engine deletes last, dependents first: the old drains, then the API that they depended on."""
    *_, old, new = sequence("A flood at the endpoint")
    assert_nothing_is_refused([old, new])
    for app in APPS:
        assert "endpoint-stage" in old.recorded.dependencies(f"drains-{app}")
        assert "endpoint-stage-2" in new.recorded.dependencies(f"drains-{app}")
    endpoint = {"api", "permission", "integration", "route", "stage"}
    assert names(old) - names(new) == {f"endpoint-{part}" for part in endpoint}
    assert names(new) - names(old) == {f"endpoint-{part}-2" for part in endpoint}


def names(step: Step) -> set[str]:
    return {resource.name for resource in step.recorded.resources.values()}


def test_a_higher_limit_changes_nothing_but_the_limit() -> None:
    before, raised, *_ = sequence("A flood at the endpoint", slice(1))
    limits = [each.recorded["endpoint-stage"].inputs["defaultRouteSettings"] for each in (before, raised)]
    assert limits == [
        {"throttlingRateLimit": 1000, "throttlingBurstLimit": 2000},
        {"throttlingRateLimit": 5000, "throttlingBurstLimit": 5000},
    ]
    assert names(before) == names(raised)


# ---------------------------------------------------------------- keys of an earlier version


def test_the_keys_of_an_earlier_version_are_replaced_without_a_refusal() -> None:
    """The old receiver reads `drain_keys` until it is replaced; the new one accepts the old drains' tokens."""
    update = run({"acceptReplacedToken": "true"})
    replaced = json.loads(update["drain-keys-parameter"].inputs["value"].value)
    step = Step(update)
    for app in APPS:
        assert step.accepts(app, token(replaced[0], app))
        assert step.accepts(app, step.drain_token(app))
        assert step.drain_token(app) != token(replaced[0], app)
    function = update["receiver-function"].inputs["environment"]["variables"]
    assert function["DRAIN_KEYS_PARAMETER"] == update["drain-keys-parameter"].inputs["name"]
    assert "/drain_keys" in update["receiver-policy"].inputs["policy"]
    done = after({})
    assert not done.accepts(APPS[0], token(replaced[0], APPS[0]))
    assert done.drain_token(APPS[0]) == step.drain_token(APPS[0])
