"""Pulumi's state without drains that are gone: the right entries, nothing else, and a state that Pulumi accepts."""

import io
import json
from collections.abc import Callable, Iterable
from typing import Any

import pytest

from runbook import cli
from runbook.clients import heroku
from runbook.clients.heroku import Drain
from runbook.errors import Denied
from tests.support.recording_monitor import Run, run

API, CONSOLE, VELVET = "raxx-api-prod", "raxx-console-prod", "raxx-velvet-prod"
SECRET = {"4dabf18193072939515e22adb298388d": "1b47061264138c4ac30d75fd1eb44270", "ciphertext": "v1:abc"}

Filter = Callable[..., tuple[int, str, str]]


@pytest.fixture(scope="module")
def declared() -> Run:
    return run()


def urn(name: str, declared: Run) -> str:
    """As the engine writes it, which leaves the root stack's type out."""
    return declared[name].urn.replace("pulumi:pulumi:Stack$", "")


def exported(declared: Run) -> dict[str, Any]:
    """What `pulumi stack export` writes of the stack, with one drain per app."""
    resources = []
    for resource in declared.resources.values():
        entry: dict[str, Any] = {
            "urn": resource.urn.replace("pulumi:pulumi:Stack$", ""),
            "custom": resource.custom,
            "type": resource.type,
            "dependencies": [each.replace("pulumi:pulumi:Stack$", "") for each in sorted(resource.dependencies)],
        }
        if resource.protect:
            entry["protect"] = True
        if resource.type == "heroku:drain/drain:Drain":
            app = resource.name.removeprefix("drains-")
            entry |= {"id": f"{app}-1", "inputs": {"appId": f"uuid-of-{app}", "sensitiveUrl": SECRET}}
        resources.append(entry)
    return {
        "version": 3,
        "deployment": {
            "manifest": {"time": "2026-11-25T21:00:00Z", "magic": "m", "version": "v3.274.0"},
            "secrets_providers": {"type": "passphrase", "state": {"salt": "v1:s"}},
            "resources": resources,
            "metadata": {},
        },
    }


def rotated(state: dict[str, Any], app: str) -> dict[str, Any]:
    """After a rotation whose deletion of the old drain failed, as somebody had removed it."""
    resources = state["deployment"]["resources"]
    [old] = [each for each in resources if each["urn"].endswith(f"::drains-{app}")]
    new = old | {"id": f"{app}-2"}
    resources[resources.index(old)] = new
    resources.append(old | {"delete": True})
    return state


def drains(state: dict[str, Any]) -> list[str]:
    return [each["id"] for each in state["deployment"]["resources"] if each["type"] == "heroku:drain/drain:Drain"]


def check_integrity(state: dict[str, Any]) -> None:
    """What `pulumi stack import` refuses a state for: `Snapshot.VerifyIntegrity` in pkg/resource/deploy/snapshot.go."""
    seen: set[str] = set()
    for resource in state["deployment"]["resources"]:
        assert set(resource["dependencies"]) <= seen, resource["urn"]
        assert resource["urn"] not in seen or resource.get("delete")
        seen.add(resource["urn"])


@pytest.fixture
def forget(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Filter:
    """`forget(state, "raxx-api-prod-1")` runs `forget-drains` on a state while Heroku has these drains."""

    def run_command(
        state: object, *there: str, arguments: Iterable[str] = (), denied: str = ""
    ) -> tuple[int, str, str]:
        class Api:
            def drains(self, app: str) -> tuple[Drain, ...]:
                if app == f"uuid-of-{denied}":
                    raise Denied("this Heroku key may not do that")
                return tuple(Drain(each, "https://x") for each in there if f"uuid-of-{each[:-2]}" == app)

        monkeypatch.setattr(heroku, "from_environment", Api)
        monkeypatch.setattr("sys.stdin", io.StringIO(state if isinstance(state, str) else json.dumps(state)))
        code = cli.run(["forget-drains", *arguments])
        out, err = capfd.readouterr()
        return code, out, err

    return run_command


def test_a_drain_that_was_removed_by_hand_is_forgotten(forget: Filter, declared: Run) -> None:
    """The next `up` registers it again."""
    state = exported(declared)
    code, out, err = forget(state, f"{CONSOLE}-1", f"{VELVET}-1")
    left = json.loads(out)
    check_integrity(left)
    assert (code, drains(left)) == (0, [f"{CONSOLE}-1", f"{VELVET}-1"])
    assert f"forgotten: {API}  drain {API}-1" in err


def test_of_a_drain_that_was_rotated_after_it_had_gone_only_the_old_one_is_forgotten(
    forget: Filter, declared: Run
) -> None:
    """Both have one URN, which `pulumi state delete` refuses as ambiguous."""
    state = rotated(exported(declared), API)
    before = [each for each in state["deployment"]["resources"] if not each.get("delete")]
    code, out, err = forget(state, f"{API}-2", f"{CONSOLE}-1", f"{VELVET}-1")
    left = json.loads(out)
    check_integrity(left)
    assert (code, left["deployment"]["resources"]) == (0, before)
    assert f"forgotten: {API}  drain {API}-1  (replaced, to be deleted)" in err


def test_an_old_drain_that_is_there_still_stays_for_pulumi_to_delete(forget: Filter, declared: Run) -> None:
    """And the guard depends on none that stands after it."""
    state = rotated(exported(declared), API)
    _, out, _ = forget(state, f"{API}-1", f"{CONSOLE}-1", f"{VELVET}-1")
    left = json.loads(out)
    check_integrity(left)
    assert drains(left) == [f"{CONSOLE}-1", f"{VELVET}-1", f"{API}-1"]


def test_after_a_stop_all_are_forgotten_and_the_rest_stays_as_it_is(forget: Filter, declared: Run) -> None:
    state = rotated(exported(declared), API)
    code, out, _ = forget(state)
    left = json.loads(out)
    check_integrity(left)
    assert (code, drains(left)) == (0, [])
    gone = {urn(f"drains-{app}", declared) for app in (API, CONSOLE, VELVET)}
    for each in state["deployment"]["resources"]:
        each["dependencies"] = [urn for urn in each["dependencies"] if urn not in gone]
    kept = [each for each in state["deployment"]["resources"] if each["urn"] not in gone]
    assert left == state | {"deployment": state["deployment"] | {"resources": kept}}


def test_a_state_that_is_in_step_is_not_changed(forget: Filter, declared: Run) -> None:
    state = exported(declared)
    code, out, err = forget(state, f"{API}-1", f"{CONSOLE}-1", f"{VELVET}-1")
    assert (code, json.loads(out)) == (0, state)
    assert "nothing was changed" in err


def test_an_app_that_heroku_does_not_show_keeps_its_drains(forget: Filter, declared: Run) -> None:
    """One app's trouble keeps no other back; it is said, with the way out for a deleted app."""
    code, out, err = forget(exported(declared), f"{CONSOLE}-1", denied=API)
    assert (code, drains(json.loads(out))) == (1, [f"{API}-1", f"{CONSOLE}-1"])
    assert f"kept: {API}  this Heroku key may not do that; if the app was deleted, add --app {API}" in err


def test_named_apps_are_forgotten_without_asking(forget: Filter, declared: Run) -> None:
    """Before a `pulumi import` of their drains, and for an app that was deleted."""
    there = [f"{app}-1" for app in (API, CONSOLE, VELVET)]
    code, out, err = forget(exported(declared), *there, arguments=["--app", API, "--app", "other-app"], denied=API)
    assert (code, drains(json.loads(out))) == (0, [f"{CONSOLE}-1", f"{VELVET}-1"])
    assert "not there: other-app  has no drain in the state" in err


def test_a_program_gets_what_was_forgotten_with_the_state(forget: Filter, declared: Run) -> None:
    state = exported(declared)
    _, out, _ = forget(state, f"{CONSOLE}-1", arguments=["--json"], denied=VELVET)
    told = json.loads(out)
    assert told["forgotten"] == [{"app": API, "id": f"{API}-1"}]
    assert told["failed"] == {VELVET: "this Heroku key may not do that"}
    assert drains(told["state"]) == [f"{CONSOLE}-1", f"{VELVET}-1"]


@pytest.mark.parametrize("text", ["", "x", "[]", "{}", '{"deployment": null}', '{"deployment": {"resources": [1]}}'])
def test_what_is_not_a_state_prints_nothing(forget: Filter, text: str) -> None:
    """`pulumi stack import` refuses an empty input, and changes nothing."""
    code, out, err = forget(text)
    assert (code, out) == (2, "")
    assert "pulumi stack export" in err


def test_without_an_answer_of_heroku_nothing_is_printed(forget: Filter, declared: Run) -> None:
    state = exported(declared)
    state["deployment"]["resources"] = [
        each for each in state["deployment"]["resources"] if not each["urn"].endswith((CONSOLE, VELVET))
    ]
    code, out, err = forget(state, denied=API)
    assert (code, out) == (2, "")
    assert "may not do that" in err
