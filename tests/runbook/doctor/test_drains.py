"""Which drains are this stack's: doctor and stop go by one rule."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contract.outputs import Outputs
from local.pulumi import preview
from runbook.clients.aws import Aws
from runbook.clients.heroku import Drain, Heroku
from runbook.doctor.checks import drains
from runbook.doctor.context import Context, Finding
from runbook.drains import heroku_drains
from runbook.errors import RunbookError
from tests.support.outputs import VALUES

API = "raxx-api-prod"
ENDPOINT = VALUES["endpoint"]
HOST = "abc.execute-api.us-east-1.amazonaws.com"


class Listed(Heroku):
    """An API whose apps have these drains; it keeps what is removed."""

    def __init__(self, listed: list[Drain]) -> None:
        super().__init__("a-key")
        self.listed, self.removed = listed, list[str]()

    def drains(self, app: str) -> tuple[Drain, ...]:
        return tuple(self.listed)

    def remove_drain(self, app: str, drain_id: str) -> None:
        self.removed.append(drain_id)


def context(heroku: Heroku, **changed: Any) -> Context:
    values = VALUES | {"apps": [API], "drainsEnabled": False} | changed
    nobody = Aws()
    outputs = Outputs.parse(json.dumps(values), "the test", RunbookError)
    return Context(outputs, nobody, nobody, lambda: heroku, datetime(2026, 6, 17, tzinfo=UTC))


URLS = st.builds(
    "{}{}{}".format,
    st.sampled_from(
        ["https://", "http://", "HTTPS://", "https://user:password@", "syslog://", "https://["],
    ),
    st.sampled_from([HOST, HOST.upper(), f"{HOST}:443", f"{HOST}:8443", f"{HOST}.example.com", "example.com", ""]),
    st.sampled_from(["/prod/drain", "/prod/drain/", "/drain", "/prod/DRAIN", ""]).flatmap(
        lambda path: st.sampled_from([path, f"{path}?app={API}&token=x", f"{path}?token=x", f"{path}#"])
    ),
)
DRAINS = st.lists(st.tuples(URLS, st.booleans()), max_size=8).map(
    lambda listed: [Drain(f"drain-{number}", url, addon) for number, (url, addon) in enumerate(listed)]
)


@given(DRAINS)
def test_doctor_finds_the_drains_that_stop_removes(listed: list[Drain]) -> None:
    """Where drainsEnabled is false, doctor names each drain of the stack."""
    heroku = Listed(listed)
    found = [each for each in drains.check(context(heroku)) if isinstance(each, Finding)]
    plan, _ = heroku_drains.plan_of(heroku, ENDPOINT, [API])
    heroku_drains.stop(heroku, plan)
    assert [each.values["id"] for each in found] == heroku.removed


@given(DRAINS, st.booleans())
def test_an_add_ons_drain_is_never_ours(listed: list[Drain], missing: bool) -> None:
    of_addons = [Drain(each.id, ENDPOINT if missing else each.url, addon=True) for each in listed]
    assert heroku_drains.AppDrains.of(API, of_addons, ENDPOINT).ours == ()
    [found] = drains.check(context(Listed(of_addons), drainsEnabled=True))
    assert isinstance(found, Finding)
    assert found.fault.code == "drain-missing"
    assert found.values["others"] == (len(of_addons) or "none")


def test_an_endpoint_that_is_a_placeholder_is_not_compared() -> None:
    planned = context(Listed([]), endpoint=preview.outputs("prod")["endpoint"])
    with pytest.raises(RunbookError, match="written before the stack was deployed"):
        list(drains.check(planned))
