"""What a change of settings changes, and that it changes nothing else."""

import os
import pickle
import shutil
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from local.pulumi.project import FOLDER
from tests.support.recording_monitor import Resource, Run, run

APPS = ("raxx-api-prod", "raxx-console-prod", "raxx-velvet-prod")
ONE_MORE = '["raxx-api-prod", "raxx-console-prod", "raxx-velvet-prod", "raxx-new-prod"]'
DRAIN_URLS = {f"parameters-drain-url-{app}": {"value"} for app in APPS}
HASHES = {f"drain-keys-hashes-{app}": {"value"} for app in APPS}
NEW_APP = {
    *("drains-raxx-new-prod", "parameters-drain-url-raxx-new-prod", "drain-keys-hashes-raxx-new-prod"),
    "watch-alarm-silent-raxx-new-prod",
}
DRAINS = {f"drains-{app}": {"sensitiveUrl"} for app in APPS}
# The policies that except deployers, and those that except break-glass principals.
NAME_DEPLOYERS = {name: {"policy"} for name in ("archive-policy", "parameters-key")}
NAME_BREAK_GLASS = {
    **NAME_DEPLOYERS,
    **{name: {"policy"} for name in ("buffer-policy", "deletions-policy", "spill-dead-letters-policy")},
}
DASHBOARD = {"watch-dashboard": {"dashboardBody"}}
TRUST = {f"identities-{role}": {"assumeRolePolicy"} for role in ("reader", "restorer")}
SILENCE = {f"watch-alarm-silent-{app}" for app in APPS}
# What knows the list of apps: the projection, the functions, the number of objects, and the operator's tools.
KNOW_THE_APPS = {
    "catalog-table": {"parameters"},
    "receiver-function": {"environment"},
    "flusher-function": {"environment"},
    "canary-function": {"environment"},
    "watch-alarm-objects": {"alarmDescription", "threshold"},
    **DASHBOARD,
    "parameters-outputs": {"value"},
    "stack outputs": {"apps"},
}

# What stays with the archive, and what keeps a destroy from the rest.
PROTECTED = {
    "archive-bucket": {"protect", "retain_on_delete"},
    "archive-ownership": {"protect", "retain_on_delete"},
    "archive-public-access": {"protect", "retain_on_delete"},
    "archive-policy": {"protect", "retain_on_delete"},
    "archive-encryption": {"protect", "retain_on_delete"},
    "archive-versioning": {"protect", "retain_on_delete"},
    "archive-lifecycle": {"protect", "retain_on_delete"},
    "buffer-table": {"protect", "retain_on_delete", "deletionProtectionEnabled"},
    "spill-queue": {"protect", "retain_on_delete"},
    "spill-dead-letters": {"protect", "retain_on_delete"},
    "destroy-guard": {"protect"},
}


def tells(output: str) -> dict[str, set[str]]:
    """What changes with a setting that the operator's tools are told of."""
    return {"parameters-outputs": {"value"}, "stack outputs": {output}}


@dataclass(frozen=True)
class Changes:
    """A plan, by names: what is created, what is deleted, and which inputs of what are changed."""

    added: set[str] = field(default_factory=set)
    removed: set[str] = field(default_factory=set)
    changed: dict[str, set[str]] = field(default_factory=dict)


def changes(before: Run, after: Run) -> Changes:
    """What an update from one run to the other would do; a resource is another one when its URN is."""
    kept = before.resources.keys() & after.resources.keys()
    changed = {before.resources[urn].name: differing(before.resources[urn], after.resources[urn]) for urn in kept}
    changed["stack outputs"] = differing_keys(before.outputs, after.outputs)
    return Changes(
        added={after.resources[urn].name for urn in after.resources.keys() - kept},
        removed={before.resources[urn].name for urn in before.resources.keys() - kept},
        changed={name: inputs for name, inputs in changed.items() if inputs},
    )


def differing(before: Resource, after: Resource) -> set[str]:
    options = ("provider", "protect", "retain_on_delete", "aliases")
    return differing_keys(dict(before.inputs), dict(after.inputs)) | {
        option for option in options if getattr(before, option) != getattr(after, option)
    }


def differing_keys(before: dict[str, object], after: dict[str, object]) -> set[str]:
    absent = object()
    return {key for key in before.keys() | after.keys() if before.get(key, absent) != after.get(key, absent)}


@pytest.fixture(scope="module")
def production() -> Run:
    return run()


@pytest.fixture(scope="module")
def rotated() -> Run:
    return run({"tokenGeneration": "2"})


# ---------------------------------------------------------------- tokens


def test_a_rotation_adds_a_key_and_changes_keys_urls_and_drains_only(production: Run, rotated: Run) -> None:
    """The receiver is not deployed anew, no key is removed, and each drain gets its new URL."""
    assert changes(production, rotated) == Changes(
        added={"drain-keys-generation-3"}, changed={**HASHES, **DRAIN_URLS, **DRAINS}
    )


def test_shutting_out_the_previous_token_changes_only_hashes(rotated: Run) -> None:
    shut = run({"tokenGeneration": "2", "acceptPreviousToken": "false"})
    assert changes(rotated, shut) == Changes(changed=HASHES)


def test_the_first_token_has_no_previous_one_to_shut_out(production: Run) -> None:
    assert changes(production, run({"acceptPreviousToken": "false"})) == Changes()


# ---------------------------------------------------------------- apps and drains


def test_a_new_app_gets_its_drain_and_those_of_the_others_stay(production: Run) -> None:
    assert changes(production, run({"apps": ONE_MORE})) == Changes(
        added=NEW_APP,
        changed=KNOW_THE_APPS,
    )


def test_an_app_that_is_removed_loses_its_drain_and_nothing_else_goes(production: Run) -> None:
    assert changes(run({"apps": ONE_MORE}), production) == Changes(
        removed=NEW_APP,
        changed=KNOW_THE_APPS,
    )


def test_an_app_that_is_retired_is_queried_as_before_and_has_nothing_else(production: Run) -> None:
    with_it = run({"apps": ONE_MORE})
    retired = run({"retiredApps": '["raxx-new-prod"]'})
    assert changes(with_it, retired) == Changes(
        removed=NEW_APP,
        changed={key: what for key, what in KNOW_THE_APPS.items() if key != "catalog-table"}
        | {"stack outputs": {"apps", "retiredApps"}},
    )
    assert changes(production, retired) == Changes(
        changed={"catalog-table": {"parameters"}, **tells("retiredApps")},
    )
    assert not [lookup for lookup in retired.lookups if "raxx-new-prod" in lookup]


def test_the_emergency_stop_removes_the_drains_and_the_alarms_of_silence_only(production: Run) -> None:
    """Keys and drain URLs stay, so that the same drains come back."""
    stopped = run({"drainsEnabled": "false"})
    assert changes(production, stopped) == Changes(
        removed={"drains", *DRAINS, *SILENCE}, changed=tells("drainsEnabled") | DASHBOARD
    )
    assert not [lookup for lookup in stopped.lookups if lookup.startswith("heroku:")]


def test_an_app_whose_uuid_is_given_is_not_looked_up(production: Run) -> None:
    """For an API key that may not read the app's config vars."""
    uuid = "01234567-89ab-cdef-0123-456789abcdef"
    given = run({"appIds": f'{{"raxx-api-prod": "{uuid}"}}'})
    assert changes(production, given) == Changes(changed={"drains-raxx-api-prod": {"appId"}})
    assert set(production.lookups) - set(given.lookups) == {"heroku:app/getApp:getApp raxx-api-prod"}


# ---------------------------------------------------------------- who is told


def test_an_app_that_may_be_silent_has_no_alarm(production: Run) -> None:
    quiet = run({"silenceHoursByApp": '{"raxx-velvet-prod": 0}'})
    assert changes(production, quiet) == Changes(
        removed={"watch-alarm-silent-raxx-velvet-prod"}, changed=tells("silenceHoursByApp") | DASHBOARD
    )


def test_more_addresses_are_more_subscriptions_each_once(production: Run) -> None:
    """The name of an https endpoint's does not show its URL, which often has a secret in it."""
    more = run({"alarmEndpoints": '["second@raxx.app", "ops@raxx.app", "https://events.example.com/hunter2"]'})
    found = changes(production, more)
    assert (found.removed, found.changed) == (set(), {})
    subscriptions = [more[name] for name in sorted(found.added)]
    assert [(each.inputs["protocol"], each.inputs["endpointAutoConfirms"]) for each in subscriptions] == [
        ("https", True),
        ("email", False),
    ]
    assert not any("hunter2" in name for name in found.added)


def test_a_lock_is_one_of_the_bucket_and_of_who_writes(production: Run) -> None:
    """Not an argument of the bucket, which would replace it; no default retention, which would lock results too."""
    locked = run({"objectLockDays": "30"})
    writers = ("receiver", "flusher", "digester")
    assert changes(production, locked) == Changes(
        added={"archive-object-lock"},
        changed={
            **{f"{name}-function": {"environment"} for name in writers},
            **{f"{name}-policy": {"policy"} for name in writers},
            "identities-writer-policy": {"policy"},
        },
    )
    assert locked["archive-object-lock"].inputs == {
        "bucket": "raxx-heroku-logs-prod",
        "objectLockEnabled": "Enabled",
    }


def test_without_an_address_there_is_no_subscription(production: Run) -> None:
    nobody = run({"alarmEmail": ""})
    assert changes(production, nobody) == Changes(removed={"watch-alarms-subscription-ops@raxx.app"})


def test_a_key_of_its_own_encrypts_the_topic(production: Run) -> None:
    keyed = run({"alarmTopicKey": "true"})
    assert changes(production, keyed) == Changes(
        added={"watch-alarms-key"}, changed={"watch-alarms-topic": {"kmsMasterKeyId"}}
    )


# ---------------------------------------------------------------- the rest


@pytest.mark.parametrize(
    ("key", "text", "changed"),
    [
        pytest.param(
            "archiveAfterDays", "60", {"archive-lifecycle": {"rules"}, **tells("archiveAfterDays")}, id="archiving"
        ),
        pytest.param(
            "expireAfterDays", "400", {"archive-lifecycle": {"rules"}, **tells("expireAfterDays")}, id="expiry"
        ),
        pytest.param(
            "resultsExpireAfterDays",
            "7",
            {"archive-lifecycle": {"rules"}, **tells("resultsExpireAfterDays")},
            id="results",
        ),
        pytest.param("scanLimitGib", "20", {"athena-workgroup": {"configuration"}}, id="scan-limit"),
        pytest.param("receiverMemoryMb", "1024", {"receiver-function": {"memorySize"}}, id="receiver-memory"),
        pytest.param("flusherMemoryMb", "2048", {"flusher-function": {"memorySize"}}, id="flusher-memory"),
        pytest.param("answerAfterMs", "500", {"receiver-function": {"environment"}}, id="answer"),
        pytest.param(
            "flushMinutes",
            "10",
            {
                "receiver-function": {"environment"},
                "flusher-function": {"environment"},
                "canary-function": {"environment"},
                "watch-alarm-objects": {"alarmDescription", "threshold"},
                **DASHBOARD,
                **tells("flushMinutes"),
            },
            id="slots",
        ),
        pytest.param(
            "reservedConcurrency", "50", {"receiver-function": {"reservedConcurrentExecutions"}}, id="concurrency"
        ),
        pytest.param(
            "receiverLogDays",
            "60",
            {
                name: {"retentionInDays"}
                for name in ("receiver-log", "flusher-log", "canary-log", "digester-log", "endpoint-access-log")
            },
            id="log-days",
        ),
        pytest.param(
            "silenceHours",
            "3",
            {**{name: {"alarmDescription", "threshold"} for name in SILENCE}, **DASHBOARD, **tells("silenceHours")},
            id="silence",
        ),
        pytest.param(
            "silenceHoursByApp",
            '{"raxx-velvet-prod": 24}',
            {
                "watch-alarm-silent-raxx-velvet-prod": {"alarmDescription", "threshold"},
                **DASHBOARD,
                **tells("silenceHoursByApp"),
            },
            id="silence-of-one-app",
        ),
        pytest.param(
            "budgetUsd", "30", {"watch-budget-budget": {"limitAmount"}, **DASHBOARD, **tells("budgetUsd")}, id="budget"
        ),
        pytest.param("budgetTag", "project", {"watch-budget-budget": {"costFilters"}}, id="budget-by-tag"),
        pytest.param("breakGlassMfa", "true", TRUST, id="mfa"),
        pytest.param(
            "restoreArns",
            '["arn:aws:iam::123456789012:role/ops"]',
            {"identities-restorer": {"assumeRolePolicy"}},
            id="restore",
        ),
        pytest.param("tags", '{"a": "b"}', {"aws": {"defaultTags"}}, id="tags"),
        pytest.param(
            "allowedAccountIds", '["123456789012", "210987654321"]', {"aws": {"allowedAccountIds"}}, id="accounts"
        ),
        pytest.param("protectArchive", "false", PROTECTED, id="protection"),
    ],
)
def test_a_setting_changes_what_it_is_about(production: Run, key: str, text: str, changed: dict[str, set[str]]) -> None:
    assert changes(production, run({key: text})) == Changes(changed=changed)


def test_break_glass_arns_are_trusted_as_they_are_and_nobody_is_looked_up(production: Run) -> None:
    """For an account in which the user does not exist, or may not be read."""
    given = run({"breakGlassArns": '["arn:aws:iam::123456789012:role/ops"]'})
    assert changes(production, given) == Changes(changed={**TRUST, **NAME_BREAK_GLASS, **tells("breakGlassArns")})
    assert set(production.lookups) - set(given.lookups) == {"aws:iam/getUser:getUser claude-infisical-bootstrap"}


def test_deployers_are_excepted_where_break_glass_principals_are(production: Run) -> None:
    given = run({"deployerArns": '["arn:aws:iam::123456789012:role/ci"]'})
    assert changes(production, given) == Changes(changed={**NAME_DEPLOYERS, **tells("deployerArns")})


def test_the_arn_of_the_deployer_who_was_looked_up_changes_nothing(production: Run) -> None:
    given = run({"deployerArns": '["arn:aws:iam::123456789012:user/deployer"]'})
    assert changes(production, given) == Changes()


def test_the_arn_of_the_user_who_was_looked_up_changes_nothing(production: Run) -> None:
    given = run({"breakGlassArns": '["arn:aws:iam::123456789012:user/claude-infisical-bootstrap"]'})
    assert changes(production, given) == Changes()


# ---------------------------------------------------------------- nothing


def test_the_same_settings_change_nothing(production: Run) -> None:
    assert changes(production, run()) == Changes()


def test_the_same_settings_change_nothing_from_another_checkout(production: Run, tmp_path: Path) -> None:
    """Another folder, another process with another seed of its hashes: neither is in any input."""
    checkout = tmp_path / "elsewhere"
    shutil.copytree(FOLDER, checkout, ignore=shutil.ignore_patterns(".*", "__pycache__"))
    code = "import pickle, sys; from tests.support.recording_monitor import run; pickle.dump(run(), sys.stdout.buffer)"
    environment = {**os.environ, "PYTHONPATH": str(checkout), "PYTHONHASHSEED": "4711"}
    result = subprocess.run(
        [sys.executable, "-c", code], cwd=checkout, env=environment, stdout=subprocess.PIPE, check=True
    )
    assert changes(production, pickle.loads(result.stdout)) == Changes()
