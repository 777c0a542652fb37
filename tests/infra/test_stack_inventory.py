"""What the stack declares, all of it, in a file to review; and what must hold however that changes."""

import difflib
import hashlib
import json
import os
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from contract import policies
from contract.outputs import MEANINGS
from tests.support.paths import GOLDEN
from tests.support.policy_evaluation import BUCKET, BUFFER, HASHES, QUEUE
from tests.support.recording_monitor import UNKNOWN, Resource, Run, Secret, name_of, run

INVENTORY = GOLDEN / "inventory.yaml"
RENEW = "RENEW_GOLDEN"
LONGEST = 100
HEADER = f"# What the stack of Pulumi.prod.yaml declares. Renewed on purpose with: {RENEW}=1 make test\n\n"


@pytest.fixture(scope="module")
def update() -> Run:
    return run()


@pytest.fixture(scope="module")
def preview() -> Run:
    return run(preview=True)


# ---------------------------------------------------------------- the inventory


def shown(value: Any) -> Any:
    """A value for people: no secret, JSON as what it says, long text as its beginning and digest."""
    if isinstance(value, Secret):
        return "[secret]"
    if isinstance(value, dict):
        return {key: shown(value[key]) for key in sorted(value)}
    if isinstance(value, list):
        return [shown(item) for item in value]
    if not isinstance(value, str):
        return value
    if value.startswith(("{", "[")):
        return shown(json.loads(value))
    if len(value) <= LONGEST and "\n" not in value:
        return value
    digest = hashlib.sha256(value.encode()).hexdigest()[:12]
    return f"{value[:60].splitlines()[0]}... ({len(value)} characters, SHA-256 {digest})"


def block(resource: Resource) -> dict[str, Any]:
    facts = {
        "type": resource.type,
        "parent": name_of(resource.parent),
        "provider": name_of(resource.provider),
        "protect": resource.protect,
        "retain_on_delete": resource.retain_on_delete,
        "replacement": {None: None, False: "create first", True: "delete first"}[resource.delete_before_replace],
        "depends_on": sorted(map(name_of, resource.explicit)),
        "inputs": shown(resource.inputs),
    }
    return {resource.name: {name: fact for name, fact in facts.items() if fact}}


def inventory(recorded: Run) -> str:
    ordered = sorted(recorded.resources.values(), key=lambda resource: (name_of(resource.parent), resource.name))
    blocks = [*map(block, ordered), {"stack outputs": shown(recorded.outputs)}]
    return HEADER + "\n".join(yaml.safe_dump(each, sort_keys=False, width=120, allow_unicode=True) for each in blocks)


def test_the_stack_is_what_was_reviewed(update: Run) -> None:
    """Every resource with its parent, provider, protection, explicit dependencies and inputs."""
    found = inventory(update)
    if os.environ.get(RENEW):
        INVENTORY.write_text(found, encoding="utf-8")
    reviewed = INVENTORY.read_text(encoding="utf-8")
    if found != reviewed:
        diff = difflib.unified_diff(reviewed.splitlines(), found.splitlines(), "reviewed", "declared", lineterm="")
        advice = (
            f"The stack is not as in tests/golden/{INVENTORY.name}. Where the change is meant, renew the file with "
            f"`{RENEW}=1 make test ARGS=tests/infra/{Path(__file__).name}` and commit it."
        )
        pytest.fail("\n".join([*diff, advice]), pytrace=False)


def texts(value: Any) -> list[Any]:
    if isinstance(value, Secret):
        return texts(value.value)
    if isinstance(value, dict | list):
        return [text for item in (value.values() if isinstance(value, dict) else value) for text in texts(item)]
    return [value]


def test_no_input_is_made_of_an_output_that_nobody_filled_in(update: Run) -> None:
    """The SDK hands out None for it, so a policy for `None/logs/*` would be reviewed: recording_monitor.py lacks it."""
    for resource in update.resources.values():
        assert not [text for text in texts(dict(resource.inputs)) if text is None or "None" in str(text)], resource.name


def test_each_output_is_explained(update: Run) -> None:
    """The outputs are what the operator's tools read; infra/outputs.py is where they are told."""
    assert update.outputs.keys() == MEANINGS.keys()


# ---------------------------------------------------------------- a preview


def agrees(previewed: Any, updated: Any) -> bool:
    """Whether what a preview knows is what an update has."""
    if isinstance(previewed, Secret) or isinstance(updated, Secret):
        both = isinstance(previewed, Secret) and isinstance(updated, Secret)
        return both and agrees(previewed.value, updated.value)
    if isinstance(previewed, dict) and isinstance(updated, dict):
        return previewed.keys() == updated.keys() and all(agrees(previewed[key], updated[key]) for key in updated)
    if isinstance(previewed, list) and isinstance(updated, list):
        return len(previewed) == len(updated) and all(map(agrees, previewed, updated))
    return bool(previewed in (UNKNOWN, updated))


def test_a_preview_shows_every_resource_and_all_that_is_known_of_it(preview: Run, update: Run) -> None:
    """None is created by an `apply`, which a preview does not run, and none has another name, parent or option."""
    assert preview.resources.keys() == update.resources.keys()
    for urn, previewed in preview.resources.items():
        updated = update.resources[urn]
        assert block(previewed) | {previewed.name: None} == block(updated) | {updated.name: None}
        for attribute in (
            "custom",
            "provider",
            "protect",
            "retain_on_delete",
            "delete_before_replace",
            "dependencies",
            "explicit",
            "aliases",
        ):
            assert getattr(previewed, attribute) == getattr(updated, attribute), (urn, attribute)
        assert agrees(dict(previewed.inputs), dict(updated.inputs)), urn
    assert sorted(preview.lookups) == sorted(update.lookups)
    assert agrees(preview.outputs, update.outputs)


def test_a_preview_does_not_know_what_only_aws_can_say(preview: Run) -> None:
    """Else the comparison above would compare nothing."""
    assert preview["endpoint-route"].inputs["apiId"] == UNKNOWN
    assert preview["parameters-drain-url-raxx-api-prod"].inputs["value"] == Secret(UNKNOWN)


# ---------------------------------------------------------------- rooms and providers


def test_each_resource_is_in_a_room(update: Run) -> None:
    """A component is `raxx:logdrain:*`, at the top or in the watch; what is neither that nor a provider is in one."""
    rooms = {resource.urn for resource in update.resources.values() if not resource.custom}
    for resource in update.resources.values():
        if resource.custom and not resource.is_provider:
            assert resource.parent in rooms, resource.name
        elif not resource.custom:
            assert resource.type.startswith("raxx:logdrain:")
            assert name_of(resource.parent) in {"heroku-log-archive-prod", "watch"}


@pytest.mark.parametrize("package", ["aws", "heroku"])
def test_a_resource_is_made_by_the_provider_that_the_program_declares(update: Run, package: str) -> None:
    """The default one would take region, account and tags from the environment."""
    providers = {
        name_of(resource.provider) for resource in update.resources.values() if resource.type.startswith(f"{package}:")
    }
    assert providers == {package}


# ---------------------------------------------------------------- what must be there before what


def test_the_archive_outlives_the_stack_with_its_settings_and_what_was_accepted(update: Run) -> None:
    """Protected and retained: neither `pulumi destroy` nor its removal from the state deletes them in AWS."""
    bucket = {
        "archive-bucket", "archive-ownership", "archive-public-access", "archive-policy", "archive-encryption",
        "archive-versioning", "archive-lifecycle",
    }  # fmt: skip
    accepted = {"buffer-table", "spill-queue", "spill-dead-letters"}
    assert {r.name for r in update.resources.values() if r.retain_on_delete} == bucket | accepted
    assert {r.name for r in update.resources.values() if r.protect} == bucket | accepted | {"destroy-guard"}
    assert update["buffer-table"].inputs["deletionProtectionEnabled"]


def test_what_is_replaced_by_a_setting_is_not_protected(update: Run) -> None:
    """The engine replaces nothing that is protected: rotations, and most settings, must go on."""
    replaced = [*update.of_type(":Drain"), *update.of_type(":Function"), *update.of_type(":Parameter")]
    assert replaced
    assert not any(resource.protect for resource in replaced)


def destroyed(recorded: Run, *, unprotected: frozenset[str] = frozenset()) -> set[str]:
    """Names of what `pulumi destroy` deletes, whatever its flags but --ignore-protect.

    The engine refuses a protected resource, keeps all that it depends on (dependencies, parents, providers), and goes
    on with the rest: pulumi/pulumi, pkg/resource/deploy, `deploymentExecutor.performPostSteps`. What
    --exclude-protected keeps is the same: pkg/cmd/pulumi/operations, `getProtectedExcludes`.
    """
    kept: set[str] = set()
    waiting = [r.urn for r in recorded.resources.values() if r.protect and r.name not in unprotected]
    while waiting:
        urn = waiting.pop()
        if urn not in kept and urn in recorded.resources:
            kept.add(urn)
            resource = recorded.resources[urn]
            waiting += [*resource.dependencies, resource.parent, resource.provider]
    return {resource.name for urn, resource in recorded.resources.items() if urn not in kept}


@pytest.mark.parametrize("settings", [{}, {"drainsEnabled": "false"}, {"writerRunsReceiver": "true"}], ids=str)
def test_a_destroy_deletes_nothing_of_a_protected_stack(settings: dict[str, str]) -> None:
    """Not even with --skip-preview: the guard depends on everything."""
    assert destroyed(run(settings)) == set()


def test_without_its_guard_the_archive_is_all_that_stays(update: Run) -> None:
    """docs/deploy.md: `pulumi state unprotect` of the guard, then `pulumi destroy --exclude-protected`."""
    left = update.resources.keys() - {
        update[name].urn for name in destroyed(update, unprotected=frozenset({"destroy-guard"}))
    }
    assert {update.resources[urn].name for urn in left} == {
        "archive", "archive-bucket", "archive-ownership", "archive-public-access", "archive-policy",
        "archive-encryption", "archive-versioning", "archive-lifecycle", "spill", "spill-queue", "spill-dead-letters",
        "buffer", "buffer-table", "aws",
    }  # fmt: skip


def test_an_unprotected_archive_goes_with_the_stack() -> None:
    recorded = run({"protectArchive": "false"})
    assert not any(resource.protect or resource.retain_on_delete for resource in recorded.resources.values())
    assert destroyed(recorded) == {resource.name for resource in recorded.resources.values()}


def test_what_a_new_name_prefix_replaces_is_there_before_the_old_one_goes(update: Run) -> None:
    """The old function answers POSTs with its role, its policy and its log until the API calls the new one."""
    renamed = run({"namePrefix": "other"})
    named = {
        resource.name
        for resource in update.resources.values()
        if resource.inputs.get("name") != renamed.resources[resource.urn].inputs.get("name")
    }
    # An API's name is changed in place; a role's policy follows its role.
    replaced = named - {"endpoint-api"} | {
        "receiver-policy", "flusher-policy", "flusher-schedule-policy", "canary-policy", "canary-schedule-policy",
        "digester-policy", "digester-schedule-policy",
    }  # fmt: skip
    watching = {name for name in replaced if name.startswith("watch-")}
    assert watching >= {"watch-alarms-topic", "watch-alarm-behind", "watch-budget-budget"}
    assert replaced - watching == {
        "canary-log", "canary-role", "canary-policy", "canary-function", "canary-schedules", "canary-schedule-role",
        "canary-schedule-policy", "deletions-queue",
        "digester-log", "digester-role", "digester-policy", "digester-function", "digester-schedules",
        "digester-schedule-role", "digester-schedule-policy",
        "receiver-log", "receiver-role", "receiver-policy", "receiver-function", "endpoint-access-log",
        "flusher-log", "flusher-role", "flusher-policy", "flusher-function", "flusher-schedules",
        "flusher-schedule-role", "flusher-schedule-policy", "buffer-table", "spill-queue", "spill-dead-letters",
    }  # fmt: skip
    assert {name for name in replaced if update[name].delete_before_replace is not False} == set()


def test_hashes_are_there_under_a_new_name_before_the_function_asks_for_them(update: Run) -> None:
    assert update["drain-keys-hashes-raxx-api-prod"].delete_before_replace is False


@pytest.mark.parametrize(("setting", "name"), [("bucketName", "archive-bucket"), ("namePrefix", "spill-queue")])
def test_a_new_name_of_what_is_protected_would_replace_it(update: Run, setting: str, name: str) -> None:
    """docs/settings.md: the engine refuses it, as it replaces nothing that is protected."""
    renamed = run({setting: "another-name"})
    physical = "bucket" if "bucket" in update[name].inputs else "name"
    assert update[name].protect
    assert update[name].inputs[physical] != renamed[name].inputs[physical]


@pytest.mark.parametrize(
    ("name", "needed"),
    [
        pytest.param("archive-policy", {"archive-public-access"}, id="policy-after-public-access-block"),
        pytest.param("archive-lifecycle", {"archive-versioning"}, id="lifecycle-after-versioning"),
        pytest.param("endpoint-integration", {"endpoint-permission"}, id="integration-after-permission"),
        pytest.param("receiver-function", {"receiver-policy", "receiver-log"}, id="receiver-after-rights-and-log"),
        pytest.param("flusher-function", {"flusher-policy", "flusher-log"}, id="flusher-after-rights-and-log"),
        pytest.param("receiver-function", {"flusher-function"}, id="receiver-after-flusher"),
        pytest.param(
            "flusher-schedule", {"flusher-schedule-policy", "flusher-retries"}, id="schedule-after-rights-and-retries"
        ),
        pytest.param(
            "endpoint-stage", {"endpoint-route", "endpoint-permission"}, id="stage-after-route-and-permission"
        ),
    ],
)
def test_what_is_needed_comes_first(update: Run, name: str, needed: set[str]) -> None:
    assert needed <= set(map(name_of, update[name].explicit))


def test_the_access_log_says_why_the_receiver_was_not_called(update: Run) -> None:
    """And who answered. API Gateway developer guide, "Customize HTTP API access logs"; it has no execution log."""
    settings = update["endpoint-stage"].inputs["accessLogSettings"]
    assert {
        "$context.status",
        "$context.error.message",
        "$context.integrationErrorMessage",
        "$context.integration.status",
        "$context.integration.integrationStatus",
    } <= set(re.findall(r"\$context[\w.]+\w", settings["format"]))
    assert settings["destinationArn"].endswith(f":{update['endpoint-access-log'].inputs['name']}")


def test_the_access_log_takes_few_bytes_and_has_no_token(update: Run) -> None:
    """Every POST is a line of it, and is charged by its bytes."""
    variables = re.sub(r"\$context\.[\w.]+\w", "", update["endpoint-stage"].inputs["accessLogSettings"]["format"])
    assert len(variables) <= 12
    assert not re.findall("path|domainName|querystring", update["endpoint-stage"].inputs["accessLogSettings"]["format"])


def test_a_post_that_goes_well_is_no_line_of_the_functions_log(update: Run) -> None:
    """Lambda's own three lines are INFO; so are metrics and the runtime's errors, which must be kept."""
    for function in ("receiver-function", "flusher-function"):
        assert update[function].inputs["loggingConfig"] == {
            "logFormat": "JSON", "systemLogLevel": "WARN", "applicationLogLevel": "INFO",
        }  # fmt: skip


def test_a_run_of_the_flusher_is_not_tried_again(update: Run) -> None:
    """The next run does what it left; another try would overlap with it."""
    assert update["flusher-retries"].inputs["maximumRetryAttempts"] == 0
    schedule = update["flusher-schedule"].inputs
    assert schedule["target"]["retryPolicy"]["maximumRetryAttempts"] == 0
    assert (schedule["scheduleExpression"], schedule["flexibleTimeWindow"]) == ("rate(1 minute)", {"mode": "OFF"})


def test_a_drain_comes_after_everything_else(update: Run) -> None:
    """A drain whose receiver is not there, or does not know its token, loses lines.

    And what came after a rotation's new drains would keep the old ones: the engine removes them when all is done.
    """
    drains = update.of_type(":Drain")
    others = {each.name for each in update.resources.values() if each.custom and not each.is_provider}
    others -= {drain.name for drain in drains}
    assert len(drains) == 3
    for drain in drains:
        assert update.dependencies(drain.name) == others


def test_writer_runs_receiver_adds_one_inline_policy_and_changes_nothing_else() -> None:
    without, with_it = run(), run({"writerRunsReceiver": "true"})
    added = with_it.resources.keys() - without.resources.keys()
    (policy,) = (with_it.resources[urn] for urn in added)
    assert policy.name == "identities-writer-receiver-policy"
    assert policy.type.endswith(":UserPolicy")
    assert {name: policy.inputs[name] for name in ("name", "user")} == {
        "name": "receive",
        "user": "raxx-heroku-log-drain",
    }
    assert json.loads(policy.inputs["policy"]) == policies.outside_receiver(BUCKET, HASHES, QUEUE, BUFFER)
    # The guard and the drains depend on whatever there is.
    others = [urn for urn, each in without.resources.items() if not each.name.startswith(("destroy-guard", "drains-"))]
    assert [block(without.resources[urn]) for urn in others] == [block(with_it.resources[urn]) for urn in others]


def test_saved_queries_read_log_groups_of_the_stack(update: Run) -> None:
    """CloudWatch takes the name of any group."""
    groups = {group.inputs["name"] for group in update.of_type(":LogGroup")}
    queries = update.of_type(":QueryDefinition")
    assert queries
    assert {name for query in queries for name in query.inputs["logGroupNames"]} <= groups


def test_each_alarm_tells_the_topic_of_both_changes(update: Run) -> None:
    topic = "arn:aws:sns:us-east-1:123456789012:raxx-log-alarms"
    for alarm in update.of_type(":MetricAlarm"):
        assert (alarm.inputs["alarmActions"], alarm.inputs["okActions"]) == ([topic], [topic]), alarm.name
        assert "watch-alarms-policy" in {name_of(urn) for urn in alarm.dependencies}, alarm.name
