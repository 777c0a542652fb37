"""The doctor: each thing that can be broken is found, and nothing else is."""

import json
import re
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest
import urllib3
from botocore.exceptions import ClientError

from contract import alarms, policies
from contract.alarms import Watched
from contract.buffer_table import Seen
from local.stack import LocalStack, Options
from runbook.clients import aws
from runbook.clients.athena import Athena
from runbook.doctor import run_checks
from runbook.doctor.context import Context, Finding, Findings, Unknown
from runbook.doctor.faults import CHECKS, Check, Fault, Identity
from tests.support.doctor_faults import (
    API,
    BREAKS,
    CONSOLE,
    NOW,
    VELVET,
    Break,
    World,
    answers,
    delete_item,
    key,
    line,
    milliseconds,
    packed,
    put_digest,
    put_flushed,
    put_loss_report,
    put_marker,
    put_writer_policy,
    seen_ago,
)
from tests.support.policy_evaluation import Ask, allows
from tests.support.reader_policy import reader_policy
from tests.support.runbook_cli import Run, check_transcript, runner
from tests.support.watch_state import confirm_subscriptions, declared_alarm, deletions_url, forget_deletions, put_seen


@pytest.fixture(scope="module")
def stack() -> Iterator[LocalStack]:
    """A healthy stack: every app has logged lately."""
    with LocalStack(Options(clock=NOW)) as running:
        for app in (API, CONSOLE, VELVET):
            running.client("s3").put_object(
                Bucket=running.outputs["bucket"], Key=key(app, 5), Body=packed(line(app, 6), line(app, 5))
            )
            put_flushed(running, app)
            for is_canary in (False, True):
                put_seen(running, Seen(app, canary=is_canary), milliseconds(6))
        put_digest(running, 0.5)
        confirm_subscriptions(running)
        # A receiver that has read its keys goes on when SSM has others that cannot be.
        for url in running.drain_urls.values():
            assert urllib3.request("POST", url, body=b"").status == 200
        yield running


@pytest.fixture(scope="module")
def clients(stack: LocalStack) -> Callable[[Any, str], Any]:
    """Clients are made once for all tests: that takes longer than what they do."""
    made: dict[str, Any] = {}

    def client(session: Any, service: str) -> Any:
        if service not in made:
            made[service] = aws.make_client(session, service)
        return made[service]

    return client


@pytest.fixture
def runbook(
    stack: LocalStack,
    clients: Callable[[Any, str], Any],
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> Run:
    found = runner(stack, monkeypatch, capfd, NOW)
    found.make_client = clients
    return found


@pytest.fixture
def world(stack: LocalStack, monkeypatch: pytest.MonkeyPatch, runbook: Run) -> Iterator[World]:
    with ExitStack() as undo:
        yield World(stack, undo, monkeypatch, runbook)


# ---------------------------------------------------------------- what it finds


def test_a_healthy_stack_has_no_finding(runbook: Run) -> None:
    answer = runbook("doctor", "--json")
    document = json.loads(answer.out)
    assert (document["findings"], document["could_not_tell"]) == ([], [])
    assert document["fine"].keys() == {check.name for check in CHECKS}
    assert all(document["fine"].values())
    assert answer.code == 0


@pytest.mark.parametrize(("fault", "make"), [pytest.param(fault, make, id=name) for fault, name, make in BREAKS])
def test_what_is_broken_is_found_and_nothing_else(
    runbook: Run, world: World, stack: LocalStack, fault: Fault, make: Break
) -> None:
    secrets = [url.rpartition("token=")[2] for url in stack.drain_urls.values()] + world.keys()
    make(world)
    answer = runbook("doctor", "--json")
    findings = json.loads(answer.out)["findings"]
    assert {finding["fault"] for finding in findings} == {fault.code}
    assert answer.code == 1
    assert not [secret for secret in secrets if secret in answer.out + answer.err]
    told = " ".join(value for finding in findings for value in finding.values())
    assert not re.search(r"\{\w|\n|None", told)


GATEWAY_LOG, RECEIVER_LOG, UPDATE = "/aws/apigateway/raxx-log-drain", "/aws/lambda/raxx-log-receiver", "pulumi up"


@pytest.mark.parametrize(
    ("status", "message", "told", "command"),
    [
        (500, "Internal Server Error", "API Gateway itself responds 500", GATEWAY_LOG),
        (503, "Service Unavailable", "API Gateway itself responds 503", GATEWAY_LOG),
        (413, "Request Entity Too Large", "API Gateway itself responds 413", GATEWAY_LOG),
        (429, "Too Many Requests", "API Gateway throttles", GATEWAY_LOG),
        (404, "Not Found", "route or stage", UPDATE),
        (403, "Forbidden", "nor this stack's API", UPDATE),
        (503, "", "the receiver responds", RECEIVER_LOG),
        (404, "", "the receiver responds", RECEIVER_LOG),
        (401, "", "the token in SSM", "get-function-configuration"),
    ],
)
def test_an_answer_is_explained_by_who_gave_it(
    runbook: Run, world: World, stack: LocalStack, status: int, message: str, told: str, command: str
) -> None:
    """API Gateway developer guide, "Troubleshooting issues with HTTP API Lambda integrations".

    Where the gateway could not call the receiver the receiver's log is empty, and nobody is to be sent there.
    """
    answers(world, status, message)
    findings = json.loads(runbook("doctor", "--only", "endpoint", "--json").out)["findings"]
    assert [told in finding["found"] for finding in findings] == [True] * len(stack.outputs["apps"])
    assert {command in finding["command"] for finding in findings} == {True}
    groups = {group["logGroupName"] for group in stack.client("logs").describe_log_groups()["logGroups"]}
    assert {word for each in findings for word in each["command"].split() if word.startswith("/aws/")} <= groups
    assert (f"[status = {status}, " in findings[0]["command"]) == (command == GATEWAY_LOG)


OTHER_DRAIN = "d.437d5ca9-0f3c-4d52-9a37-6f1a8e3f4a11"
BEFORE, TODAY = "2026-11-22T23:59:59Z", "2026-11-24T04:00:00Z"


@pytest.mark.parametrize(
    ("other_url", "created_at", "told"),
    [
        pytest.param("https://other.example/", TODAY, "fine", id="a drain that leads elsewhere"),
        pytest.param(None, BEFORE, "fine", id="a drain that is gone and was not replaced"),
        pytest.param(None, TODAY, "could_not_tell", id="a drain that today's may have replaced"),
    ],
)
def test_a_loss_of_another_drain_is_told_apart(
    runbook: Run, world: World, other_url: str | None, created_at: str, told: str
) -> None:
    """Every drain of an app receives its L10 lines (DataDog/heroku-buildpack-datadog #298)."""
    put_loss_report(world, f"drain '{OTHER_DRAIN}' dropped 5000 messages")
    world.set_drains(API, world.stack.drain_urls[API], *([other_url] if other_url else []))
    ours, *others = world.stack.heroku.drains_by_app[API]
    ours["created_at"] = created_at
    for other in others:
        other["token"] = OTHER_DRAIN
    document = json.loads(runbook("doctor", "--only", "losses", "--json").out)
    assert document["findings"] == []
    assert f"{OTHER_DRAIN}" in str(document[told])
    assert "5,000 lines" in str(document[told])


def test_without_a_heroku_key_a_loss_of_a_named_drain_is_told_and_not_judged(
    runbook: Run, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    put_loss_report(world, f"drain '{OTHER_DRAIN}' dropped 5000 messages")
    monkeypatch.delenv("HEROKU_API_KEY")
    monkeypatch.setenv("HOME", "/nonexistent")
    answer = runbook("doctor", "--only", "losses", "--json")
    [told] = json.loads(answer.out)["could_not_tell"]
    assert OTHER_DRAIN in told["reason"]
    assert "HEROKU_API_KEY" in told["reason"]
    assert answer.code == 2


def test_every_fault_is_made_by_a_test() -> None:
    """A fault that is added to the catalogue is added to tests/support/doctor_faults.py."""
    assert {fault.code for fault, _, _ in BREAKS} == {fault.code for check in CHECKS for fault in check.faults}


def test_a_check_finds_only_faults_of_its_own(runbook: Run, world: World) -> None:
    """The docs and --list are written from the catalogue."""
    of_check = {fault.code: check.name for check in CHECKS for fault in check.faults}
    assert len(of_check) == sum(len(check.faults) for check in CHECKS)
    for name in ("no_drain", "another_bucket_arn", "a_dead_letter", "no_locks", "an_upload_above_the_days", "no_view"):
        [make] = [make for _, made, make in BREAKS if made == name]
        make(world)
    findings = json.loads(runbook("doctor", "--json").out)["findings"]
    assert findings
    assert all(of_check[finding["fault"]] == finding["check"] for finding in findings)


def test_what_came_late_just_now_is_no_finding(runbook: Run, world: World) -> None:
    """However old its slot is: the flusher has had no time yet."""
    put_marker(world, API, 24 * 60, 9)
    assert runbook("doctor", "--only", "buffer").code == 0


def test_a_flusher_that_is_behind_is_found_by_whoever_may_only_query(runbook: Run, world: World) -> None:
    def refuse(parsed: dict[str, Any]) -> None:
        raise ClientError({"Error": {"Code": "AccessDeniedException", "Message": "no"}}, "DescribeTable")

    put_flushed(world.stack, API, 45)
    world.undo.callback(put_flushed, world.stack, API)
    world.answer("dynamodb", "DescribeTable", refuse)
    document = json.loads(runbook("doctor", "--only", "buffer", "--json").out)
    [finding], [untold] = document["findings"], document["could_not_tell"]
    assert finding["found"] == (f"{API}: the flusher is 39 min behind: the slot 2026-11-24T04:15Z/05 is not flushed")
    assert "whether the table is as declared" in untold["reason"]


def test_a_writer_that_runs_a_receiver_is_well(runbook: Run, world: World) -> None:
    outputs = world.stack.outputs
    arn = "arn:aws:{}:us-east-1:123456789012:{}".format
    policy = policies.outside_receiver(
        f"arn:aws:s3:::{outputs['bucket']}",
        arn("ssm", "parameter/raxx/log-drain/token_hashes/raxx-api-prod"),
        arn("sqs", "raxx-log-spill"),
        arn("dynamodb", f"table/{outputs['buffer']}"),
    )
    put_writer_policy(world, policy["Statement"])
    answer = runbook("doctor", "--only", "writer")
    assert (answer.code, "run a receiver" in answer.out) == (0, True)


def test_a_pattern_of_roles_is_shown_and_not_its_account(runbook: Run, world: World) -> None:
    """The account is trusted only for roles with such a name."""
    iam, role = world.client("iam"), "raxx-log-athena-reader"
    trust = iam.get_role(RoleName=role)["Role"]["AssumeRolePolicyDocument"]
    world.undo.callback(iam.update_assume_role_policy, RoleName=role, PolicyDocument=json.dumps(trust))
    ops = "arn:aws:iam::123456789012:role/aws-reserved/sso.amazonaws.com/*AWSReservedSSO_Ops_*"
    iam.update_assume_role_policy(RoleName=role, PolicyDocument=json.dumps(policies.assumable_by([ops])))
    assert f"you and {ops} can assume {role}" in runbook("doctor", "--only", "reader").out


def test_a_stopped_stack_is_well_without_drains_and_objects(runbook: Run, world: World) -> None:
    world.set_outputs(drainsEnabled=False)
    for app in (API, CONSOLE, VELVET):
        world.set_drains(app)
        world.take_away(app)
    assert runbook("doctor").code == 0


@pytest.mark.parametrize("name", ["$(touch x)'; &.txt", "$(touch x)'; \x1b[2J&\u2028.txt"])
def test_a_file_name_cannot_break_out_of_the_command(runbook: Run, world: World, name: str) -> None:
    """It is pasted into a shell."""
    key = f"logs/{name}"
    world.put(key, b"x")
    [finding] = json.loads(runbook("doctor", "--json", "--only", "layout").out)["findings"]
    assert finding["command"].isprintable()
    assert "\x1b" not in runbook("doctor", "--only", "layout").out
    words = finding["command"].replace("aws ", "printf '%s\\n' ", 1)
    said = subprocess.run(["bash", "-c", words], capture_output=True, text=True, check=True, env={"LC_ALL": "C.UTF-8"})
    assert said.stdout.split("\n")[2] == f"s3://raxx-heroku-logs-prod/{key}"


# ---------------------------------------------------------------- silence


def test_canaries_do_not_hide_an_apps_silence_and_tell_that_the_endpoint_works(runbook: Run, world: World) -> None:
    seen_ago(world, Seen(VELVET), 5 + 3 * 60)
    [finding] = json.loads(runbook("doctor", "--only", "objects", "--json").out)["findings"]
    assert finding["found"].startswith(f"{VELVET} has sent no line for 3 h, and its limit is 2 h; its canaries arrive")
    seen_ago(world, Seen(VELVET, canary=True), 60)
    [finding] = json.loads(runbook("doctor", "--only", "objects", "--json").out)["findings"]
    assert finding["found"].endswith("its canaries do not arrive, either")


@pytest.mark.parametrize(("hours", "silent"), [(0, 0), (2, 1), (4, 0)])
def test_each_app_has_its_own_limit_of_silence(runbook: Run, world: World, hours: int, silent: int) -> None:
    world.set_outputs(silenceHoursByApp={VELVET: hours})
    seen_ago(world, Seen(VELVET), 5 + 3 * 60)
    findings = json.loads(runbook("doctor", "--only", "objects", "--json").out)["findings"]
    assert len(findings) == silent


def test_what_the_flusher_has_not_looked_at_counts_as_no_silence(runbook: Run, world: World) -> None:
    """Lines may wait in the buffer, and the check `buffer` finds that."""
    seen_ago(world, Seen(VELVET), 5 + 3 * 60)
    world.undo.callback(put_flushed, world.stack, VELVET)
    put_flushed(world.stack, VELVET, 2 * 60)
    assert runbook("doctor", "--only", "objects").code == 0


def test_an_app_that_was_never_looked_at_is_not_called_silent(runbook: Run, world: World) -> None:
    seen_ago(world, Seen(VELVET), 6)
    delete_item(world.stack, Seen(VELVET).key)
    document = json.loads(runbook("doctor", "--only", "objects", "--json").out)
    assert document["findings"] == []
    assert VELVET in document["could_not_tell"][0]["reason"]


def test_the_canary_before_may_be_the_newest_that_arrived(runbook: Run, world: World) -> None:
    """It was sent 15 minutes before the next, and its slot takes 8 minutes; so may the next one's."""
    seen_ago(world, Seen(VELVET, canary=True), 15 + 23)
    assert runbook("doctor", "--only", "canary").code == 0


def test_a_canary_is_missed_by_whoever_may_only_query(runbook: Run, world: World) -> None:
    def refuse(parsed: dict[str, Any]) -> None:
        raise ClientError({"Error": {"Code": "AccessDeniedException", "Message": "no"}}, "GetFunctionConfiguration")

    world.answer("lambda", "GetFunctionConfiguration", refuse)
    seen_ago(world, Seen(VELVET, canary=True), 60)
    document = json.loads(runbook("doctor", "--only", "canary", "--json").out)
    [finding], [untold] = document["findings"], document["could_not_tell"]
    assert finding["found"].startswith(f"{VELVET}: its newest canary is 60 min old")
    assert "whether the canary runs" in untold["reason"]


# ---------------------------------------------------------------- the watch


def test_s3s_test_message_is_no_deletion(runbook: Run, stack: LocalStack) -> None:
    """S3 sends it when it is told of the queue ("Walkthrough: Configuring a bucket for notifications")."""
    url = deletions_url(stack)
    stack.client("sqs").send_message(QueueUrl=url, MessageBody=json.dumps({"Event": "s3:TestEvent", "Bucket": "x"}))
    assert runbook("doctor", "--only", "deletions").code == 0


def test_a_deletion_is_told_with_who_what_and_when_as_often_as_asked(runbook: Run, world: World) -> None:
    """The check takes no message from the queue."""
    s3, deleted = world.client("s3"), f"logs/{API}/2026/11/20/a b+c.gz"
    world.put(deleted, packed("x"))
    s3.delete_object(Bucket=world.bucket, Key=deleted)
    for _ in range(3):
        [finding] = json.loads(runbook("doctor", "--only", "deletions", "--json").out)["findings"]
        assert "1 object, the newest s3://raxx-heroku-logs-prod/" + deleted in finding["found"]
        assert "by AWS:AIDALOCALUSER from 127.0.0.1" in finding["found"]
    script = finding["command"].replace("aws sqs", "echo sqs")
    said = subprocess.run(["bash", "-c", script], capture_output=True, text=True, check=True)
    assert "raxx-log-deletions" in said.stdout


def test_messages_that_sqs_does_not_give_are_not_called_none(runbook: Run, world: World) -> None:
    [make] = [make for _, made, make in BREAKS if made == "somebody_deletes_an_object"]
    # S3's test message is there too, as long as no canary ran.
    forget_deletions(world.stack)
    make(world)
    world.answer("sqs", "ReceiveMessage", lambda parsed: parsed.pop("Messages", None))
    answer = runbook("doctor", "--only", "deletions", "--json")
    assert "SQS gave none of the 1 message" in json.loads(answer.out)["could_not_tell"][0]["reason"]


ARGUMENTS = {
    alarm.command("/raxx/log-drain/").removeprefix("hla ")
    for alarm in alarms.alarms(Watched("raxx-log", "/raxx/log-drain/", {API: 2}))
}


@pytest.mark.parametrize("arguments", sorted(ARGUMENTS))
def test_the_command_in_an_alarms_notice_runs(runbook: Run, arguments: str) -> None:
    answer = runbook(*arguments.split())
    assert answer.code == 0, answer.err


def test_each_difference_of_an_alarm_is_named(runbook: Run, world: World) -> None:
    for name in ("alarm_threshold", "alarm_another_queue"):
        [make] = [make for _, made, make in BREAKS if made == name]
        make(world)
    findings = json.loads(runbook("doctor", "--only", "alarms", "--json").out)["findings"]
    assert {finding["found"] for finding in findings} == {
        "the alarm raxx-log-behind differs from this version's declaration: threshold",
        "the alarm raxx-log-spill-age differs from this version's declaration: dimensions",
    }


def test_the_alarms_of_an_api_are_of_this_stacks(runbook: Run, world: World) -> None:
    """The endpoint's name begins with the API's id."""
    world.set_outputs(endpoint="https://abc123.execute-api.us-east-1.amazonaws.com/prod/drain")
    findings = json.loads(runbook("doctor", "--only", "alarms", "--json").out)["findings"]
    assert {finding["found"].split()[2] for finding in findings} == {"raxx-log-api-5xx", "raxx-log-api-4xx"}


def test_no_alarm_of_silence_is_expected_of_a_stopped_stack_or_of_an_app_that_may_be_silent(
    runbook: Run, world: World
) -> None:
    cloudwatch, name = world.client("cloudwatch"), f"raxx-log-silent-{VELVET}"
    declared = declared_alarm(world.stack, name)
    world.undo.callback(lambda: cloudwatch.put_metric_alarm(**declared))
    cloudwatch.delete_alarms(AlarmNames=[name])
    for changes in ({"drainsEnabled": False}, {"silenceHoursByApp": {VELVET: 0}}):
        # The alarm of objects depends on the number of apps alone.
        world.set_outputs(**changes)
        assert runbook("doctor", "--only", "alarms").code == 0


def test_a_part_of_the_watch_that_cannot_be_read_does_not_hide_the_others(runbook: Run, world: World) -> None:
    def refuse(parsed: dict[str, Any]) -> None:
        raise ClientError({"Error": {"Code": "AccessDeniedException", "Message": "no"}}, "DescribeBudget")

    world.answer("budgets", "DescribeBudget", refuse)
    [make] = [make for _, made, make in BREAKS if made == "email_not_confirmed"]
    make(world)
    document = json.loads(runbook("doctor", "--only", "alarms", "--json").out)
    [finding], [untold] = document["findings"], document["could_not_tell"]
    assert "--protocol email --notification-endpoint sre@raxx.app" in finding["command"]
    assert "whether the budget is there" in untold["reason"]


def test_a_subscribers_url_is_shown_without_its_secret(runbook: Run, world: World) -> None:
    [make] = [make for _, made, make in BREAKS if made == "https_not_confirmed"]
    make(world)
    answer = runbook("doctor", "--only", "alarms")
    assert "https://hooks.example.com/… has not confirmed" in answer.out
    assert "secret" not in answer.out


# ---------------------------------------------------------------- a good object that Athena cannot read

GOOD = f"s3://raxx-heroku-logs-prod/{key(API, 5)}"
SPLIT = f"HIVE_CANNOT_OPEN_SPLIT: Error opening Hive split {GOOD} (offset=0, length=18614): "


@pytest.fixture
def no_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Context, "pause", lambda *_: None)


@pytest.mark.parametrize(
    ("reason", "said"),
    [
        pytest.param(
            SPLIT + "Slow Down (Service: Amazon S3; Status Code: 503)", "also when it was repeated", id="slow"
        ),
        pytest.param(SPLIT + "Access Denied (Service: Amazon S3; Status Code: 403)", "an administrator", id="denied"),
        pytest.param(SPLIT + "... is not authorized to perform: kms:Decrypt", "grants kms:Decrypt", id="KMS"),
        pytest.param(SPLIT + "The specified key does not exist. (Status Code: 404)", "run it again", id="expired"),
        pytest.param(f"HIVE_CURSOR_ERROR: Failed to read file at {GOOD}", "do not move it", id="read-by-the-doctor"),
        pytest.param("HIVE_CURSOR_ERROR: Unexpected end of input stream", "", id="names-no-object"),
        pytest.param(f"HIVE_CURSOR_ERROR: Failed to read file at {GOOD[:-9]}.gz", "no longer exists", id="gone-since"),
        pytest.param("Query exhausted resources at this scale factor", "shorter window", id="exhausted"),
        pytest.param(
            "Insufficient Lake Formation permission(s) on syslog", "Lake Formation grants", id="lake-formation"
        ),
        pytest.param("Access Denied s3://raxx-heroku-logs-prod/athena-results/x.csv", "administrator", id="results"),
        pytest.param(
            "Failed to read file at s3://raxx-heroku-logs-prod/athena-results/x.gz", "", id="not-of-the-archive"
        ),
    ],
)
@pytest.mark.usefixtures("no_pause")
def test_a_good_object_is_never_to_be_moved(runbook: Run, world: World, reason: str, said: str) -> None:
    """Moving it would take its lines out of the archive."""
    world.fail_queries(reason)
    answer = runbook("doctor", "--only", "lines", "--json")
    document = json.loads(answer.out)
    [told] = document["could_not_tell"]
    assert (document["findings"], answer.code) == ([], 2)
    assert said in told["reason"]
    assert "aws s3 mv" not in answer.out


@pytest.mark.usefixtures("no_pause")
def test_a_failure_that_passes_is_not_told(runbook: Run, world: World) -> None:
    world.fail_queries(SPLIT + "Slow Down (Service: Amazon S3; Status Code: 503)", times=1)
    assert runbook("doctor", "--only", "lines").code == 0


@pytest.mark.usefixtures("no_pause")
def test_an_object_is_to_be_moved_once_the_doctor_could_not_read_it_either(runbook: Run, world: World) -> None:
    """Trino does not say what is wrong with it (trinodb/trino #22201)."""
    world.put(key(API, 5), packed(line(API, 5))[:-9])
    world.fail_queries(f"HIVE_CURSOR_ERROR: Failed to read file at {GOOD}", of="count(*) AS lines")
    [finding] = json.loads(runbook("doctor", "--only", "lines", "--json").out)["findings"]
    assert (finding["fault"], finding["command"].startswith(f"aws s3 mv {GOOD}")) == ("object-unreadable", True)


@pytest.mark.usefixtures("no_pause")
def test_an_archived_object_is_restored(runbook: Run, world: World) -> None:
    """S3 API reference, "GetObject": InvalidObjectState, which the doctor gets where Athena does not say why."""
    world.put(key(API, 5), packed(line(API, 5)), "DEEP_ARCHIVE")
    world.fail_queries(f"HIVE_CURSOR_ERROR: Failed to read file at {GOOD}")
    [finding] = json.loads(runbook("doctor", "--only", "lines", "--json").out)["findings"]
    assert finding["command"] == f"hla restore --app {API} --from 2026-11-24 --to 2026-11-25"


@pytest.mark.parametrize(
    ("reason", "fault", "command"),
    [
        ("VIEW_IS_STALE: View 'x' is stale; it must be re-created", "view-stale", "pulumi up --refresh"),
        ("HIVE_METASTORE_ERROR: Table storage descriptor is missing SerDe info", "view-without-serde", UPDATE),
    ],
)
def test_what_athena_says_of_the_view_has_its_remedy(
    runbook: Run, world: World, reason: str, fault: str, command: str
) -> None:
    world.fail_queries(reason)
    [finding] = json.loads(runbook("doctor", "--only", "catalog", "--json").out)["findings"]
    assert (finding["fault"], command in finding["command"]) == (fault, True)


@pytest.mark.parametrize(
    ("reason", "said"),
    [
        ("Insufficient Lake Formation permission(s) on router_requests", "Lake Formation grants"),
        (SPLIT + "Slow Down (Service: Amazon S3; Status Code: 503)", "repeated"),
        (f"HIVE_CURSOR_ERROR: Failed to read file at {GOOD}", "see the check `lines`"),
        ("Query exhausted resources at this scale factor", "shorter window"),
    ],
)
@pytest.mark.usefixtures("no_pause")
def test_what_is_not_the_views_fault_is_not_its_finding(runbook: Run, world: World, reason: str, said: str) -> None:
    world.fail_queries(reason)
    document = json.loads(runbook("doctor", "--only", "catalog", "--json").out)
    assert (document["findings"], said in document["could_not_tell"][0]["reason"]) == ([], True)


# ---------------------------------------------------------------- what it cannot tell


def refuse_all(runbook: Run, code: str = "AccessDeniedException") -> None:
    def refuse(model: Any, **_: Any) -> None:
        message = f"User: arn:aws:iam::1:user/x is not authorized to perform: {model.service_model.service_name}:x"
        raise ClientError({"Error": {"Code": code, "Message": message}}, model.name)

    def refusing(session: Any, service: str) -> Any:
        client = aws.make_client(session, service)
        client.meta.events.register("before-call", refuse)
        return client

    runbook.make_client = refusing


@pytest.fixture
def outputs_file(stack: LocalStack, tmp_path: Any) -> str:
    path = tmp_path / "outputs.json"
    path.write_text(json.dumps(stack.outputs))
    return str(path)


def test_without_rights_nothing_is_found_and_all_is_said(runbook: Run, outputs_file: str) -> None:
    """Lack of a right is no fault of the stack: exit code 2, and who could tell."""
    refuse_all(runbook)
    answer = runbook("--outputs", outputs_file, "doctor", "--json")
    document = json.loads(answer.out)
    assert (document["findings"], document["fine"], answer.code) == ([], {}, 2)
    assert {told["check"] for told in document["could_not_tell"]} == {check.name for check in CHECKS}
    assert all(re.search(r"not allow.*; ", told["reason"]) for told in document["could_not_tell"])


def test_without_a_heroku_key_the_others_are_told(runbook: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HEROKU_API_KEY")
    monkeypatch.setenv("HOME", "/nonexistent")
    document = json.loads(runbook("doctor", "--json").out)
    assert [told["check"] for told in document["could_not_tell"]] == ["drains"]
    assert "HEROKU_API_KEY" in document["could_not_tell"][0]["reason"]
    assert document["fine"].keys() == {check.name for check in CHECKS} - {"drains"}


def test_a_finding_counts_more_than_what_cannot_be_told(
    runbook: Run, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("HEROKU_API_KEY")
    monkeypatch.setenv("HOME", "/nonexistent")
    world.set_parameter("bucket_arn", None)
    assert runbook("doctor").code == 1


def test_an_unknown_check_is_refused_with_the_names_of_all(runbook: Run) -> None:
    answer = runbook("doctor", "--only", "drain")
    assert answer.code == 2
    assert "the checks are drains, endpoint, " in answer.err


# ---------------------------------------------------------------- side by side

CHECK = Check("a", "something", (Identity.READER,), ())
OTHER = Check("b", "something else", (Identity.READER,), ())


def nothing(context: Context) -> Findings:
    yield from ()
    return "fine"


@pytest.fixture
def context() -> Context:
    unused: Any = None
    return Context(unused, unused, unused, unused, NOW)


def test_a_check_that_hangs_is_not_waited_for(context: Context) -> None:
    released = threading.Event()

    def hangs(context: Context) -> Findings:
        released.wait()
        yield from nothing(context)
        return "late"

    late, well = run_checks.run({CHECK: hangs, OTHER: nothing}, context, 0.2, last_calls_s=0)
    released.set()
    assert "no answer within 0.2 s" in late.unknown[0].reason
    assert (late.fine, well.fine) == ("", "fine")


def test_a_check_that_fails_by_itself_does_not_hide_what_it_found(context: Context) -> None:
    def fails(context: Context) -> Findings:
        yield Finding.of(Fault("x", "", "", ""))
        raise KeyError("surprise")

    failed, well = run_checks.run({CHECK: fails, OTHER: nothing}, context, 60)
    assert [finding.fault.code for finding in failed.findings] == ["x"]
    assert "KeyError" in failed.unknown[0].reason
    assert well.fine == "fine"


def test_what_cannot_be_told_is_not_also_fine(context: Context) -> None:
    def denied(context: Context) -> Findings:
        yield Unknown("no")
        return "fine"

    [report] = run_checks.run({CHECK: denied}, context, 60)
    assert report.fine == ""


@pytest.mark.parametrize("ends", ["time", "Ctrl-C"])
def test_queries_that_nobody_waits_for_are_stopped(
    context: Context, monkeypatch: pytest.MonkeyPatch, ends: str
) -> None:
    """They would go on in Athena, and be charged."""
    stopped: list[str] = []
    started = threading.Event()

    class Client:
        def start_query_execution(self, **_: object) -> dict[str, str]:
            return {"QueryExecutionId": "q"}

        def get_query_execution(self, QueryExecutionId: str) -> Any:  # noqa: N803  boto3's name
            started.set()
            return {"QueryExecution": {"Status": {"State": "RUNNING"}}}

        def stop_query_execution(self, QueryExecutionId: str) -> None:  # noqa: N803  boto3's name
            stopped.append(QueryExecutionId)

    client: Any = Client()

    def asks(context: Context) -> Findings:
        Athena(client, "w", "d", pause=context.pause).run("SELECT 1")
        yield from nothing(context)
        return ""

    if ends == "time":
        run_checks.run({CHECK: asks}, context, 0.2)
    else:
        join = threading.Thread.join

        def interrupted(thread: threading.Thread, timeout: float | None = None) -> None:
            started.wait()
            monkeypatch.setattr(threading.Thread, "join", join)
            raise KeyboardInterrupt

        monkeypatch.setattr(threading.Thread, "join", interrupted)
        with pytest.raises(KeyboardInterrupt):
            run_checks.run({CHECK: asks}, context, 60)
    assert stopped == ["q"]


# ---------------------------------------------------------------- rights


def as_iam_asks(service: str, operation: str, params: dict[str, Any], outputs: dict[str, Any]) -> list[Ask]:
    """What IAM is asked for a call, with the resources that the service asks about."""
    glue = "arn:aws:glue:us-east-1:123456789012:"
    match service, operation:
        case "s3", "ListObjectsV2":
            return [Ask("s3:ListBucket", f"arn:aws:s3:::{params['Bucket']}", {"s3:prefix": params["Prefix"]})]
        case "s3", "GetObject":
            return [Ask("s3:GetObject", f"arn:aws:s3:::{params['Bucket']}/{params['Key']}")]
        case "ssm", _:
            return [Ask(f"ssm:{operation}", f"arn:aws:ssm:us-east-1:123456789012:parameter{params['Name']}")]
        case "athena", _:
            group = f"arn:aws:athena:us-east-1:123456789012:workgroup/{outputs['workgroup']}"
            return [Ask(f"athena:{operation}", group)]
        case "glue", _:
            database = params["DatabaseName"]
            names = ("catalog", f"database/{database}", f"table/{database}/{params['Name']}")
            return [Ask(f"glue:{operation}", glue + name) for name in names]
        case "dynamodb", _:
            return [
                Ask(f"dynamodb:{operation}", f"arn:aws:dynamodb:us-east-1:123456789012:table/{params['TableName']}")
            ]
    return [Ask(f"{service}:{operation}", "*")]


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.name)
def test_a_check_needs_the_rights_that_the_list_says(stack: LocalStack, runbook: Run, check: Check) -> None:
    """With --assume, what the list calls the reader's is asked as the reader role, and within its rights."""
    asks: dict[bool, list[Ask]] = {True: [], False: []}

    def recording(session: Any, service: str) -> Any:
        client = aws.make_client(session, service)
        assumed = session.get_credentials().token is not None

        def note(params: dict[str, Any], model: Any, **_: Any) -> None:
            asks[assumed] += as_iam_asks(model.service_model.service_name, model.name, params, stack.outputs)

        client.meta.events.register("before-parameter-build", note)
        return client

    runbook.make_client = recording
    assert runbook("--assume", "doctor", "--only", check.name).code == 0
    own = [ask for ask in asks[False] if not ask.action.startswith("sts:")]
    assert bool(own) == (Identity.BREAK_GLASS in check.identities) or check.name == "reader"
    # Every command reads the outputs.
    readers = [ask for ask in asks[True] if not ask.resource.endswith("/outputs") and not ask.action.startswith("sts:")]
    assert bool(readers) == (Identity.READER in check.identities)
    policy = reader_policy(stack)
    assert [ask for ask in asks[True] if not ask.action.startswith("sts:") and not allows(policy, ask)] == []


def test_every_check_has_a_function() -> None:
    assert run_checks.FUNCTIONS.keys() == set(CHECKS)


# ---------------------------------------------------------------- as people have it

TRANSCRIPTS = {
    "doctor": ["doctor"],
    "doctor-list": ["doctor", "--list"],
    "doctor-list-json": ["doctor", "--list", "--json", "--only", "drains"],
}


@pytest.mark.parametrize("name", TRANSCRIPTS)
def test_a_healthy_stack_says_what_was_reviewed(runbook: Run, name: str) -> None:
    check_transcript(name, TRANSCRIPTS[name], runbook(*TRANSCRIPTS[name]))


def test_a_broken_stack_says_what_was_reviewed(runbook: Run, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HEROKU_API_KEY")
    monkeypatch.setenv("HOME", "/nonexistent")
    world.take_away(VELVET)
    world.put(f"logs/{API}/2026/11/24/notes.txt", b"hello\n")
    check_transcript("doctor-broken", ["doctor"], runbook("doctor"))
