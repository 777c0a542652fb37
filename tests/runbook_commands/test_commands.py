"""Every command in RUNBOOK.md does what the document says, on the local stack."""

import gzip
import json
import os
import re
import subprocess
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from uuid import uuid4

import pytest

from contract import buffer_table
from contract.object_keys import ObjectKey, batch_id
from contract.slots import Slot
from local import environment
from local.child import LocalError
from local.heroku.command_line import HEROKU, Usage, Wrong, parse
from local.logplex.nodes import post
from local.stack import LocalStack, Options
from runbook import stack_outputs
from runbook.canary import send_canary
from runbook.document.runbook import render
from tests.support import command_stubs, runbook_document
from tests.support.command_stubs import PULUMI
from tests.support.later import flush_later
from tests.support.runbook_cli import Run, runner
from tests.support.runbook_document import Block, blocks
from tests.support.terminal import Terminal
from tests.support.watch_state import confirm_subscriptions, deletions_url, forget_deletions, subscribe

ROOT = runbook_document.PATH.parent
COMMITTED = blocks(runbook_document.PATH.read_text(encoding="utf-8"))
SET_UP = next(block for block in COMMITTED if block.kind == "sh")
NOW = datetime.now(UTC)

Shell = Callable[[Block], str]


def line(app: str, time: datetime) -> str:
    """A failed request, just now."""
    return (
        f"<158>1 {time.isoformat(timespec='microseconds')} host heroku router - - at=error code=H12 "
        f'desc="Request timeout" method=GET path="/v1/orders" host={app}.example '
        'request_id=0f3d5bd2-5d0f-4a7e-9e4c-3a3c4b1f6a77 fwd="203.0.113.7" dyno=web.1 connect=1ms service=30000ms '
        "status=503 bytes=0 protocol=https\n"
    )


def store(stack: LocalStack, app: str, time: datetime, storage_class: str = "STANDARD") -> str:
    """Put a line where the receiver would, and give its key."""
    key = str(ObjectKey(app, int(time.timestamp() * 1000), batch_id(app, time.isoformat())))
    stack.client("s3").put_object(
        Bucket=stack.outputs["bucket"],
        Key=key,
        Body=gzip.compress(line(app, time).encode(), mtime=0),
        StorageClass=storage_class,
    )
    return key


@pytest.fixture(scope="module")
def stack() -> Iterator[LocalStack]:
    """A stack at the real time, which is the one that a shell's `date` says."""
    with LocalStack(Options(with_canary=True)) as running:
        for app in running.outputs["apps"]:
            # Tomorrow has an object too: the tests may run at midnight.
            for time in (NOW, NOW - timedelta(minutes=5), NOW + timedelta(days=1)):
                store(running, app, time)
        yield running


@pytest.fixture
def archived(stack: LocalStack) -> Iterator[str]:
    """The key of an object in Glacier, of the day and app that the document restores."""
    key = store(stack, stack.outputs["apps"][0], datetime(2026, 3, 1, 12, tzinfo=UTC), "GLACIER")
    yield key
    stack.client("s3").delete_object(Bucket=stack.outputs["bucket"], Key=key)


@pytest.fixture(autouse=True)
def drains_as_before(stack: LocalStack) -> Iterator[None]:
    """Some commands remove drains."""
    before = {app: stack.heroku.drains(app) for app in stack.outputs["apps"]}
    yield
    stack.heroku.drains_by_app.update(before)


@pytest.fixture
def runbook(stack: LocalStack, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Run:
    """`runbook("doctor")` runs the command line, with somebody who answers yes to whatever is asked."""
    monkeypatch.setattr("sys.stdin", Terminal("y\n" * 9))
    return runner(stack, monkeypatch, capfd, NOW)


@pytest.fixture(scope="module")
def tools(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder for PATH."""
    folder = tmp_path_factory.mktemp("tools")
    command_stubs.install(folder)
    return folder


@pytest.fixture
def shell(stack: LocalStack, tools: Path, tmp_path: Path) -> Shell:
    """`shell(block)` runs a block in a new terminal with the environment of `make up`, after the document's set-up."""
    outputs, env_file = tmp_path / "outputs.json", tmp_path / "env"
    outputs.write_text(json.dumps(stack.outputs))
    env_file.write_text(environment.text(stack, env_file))
    of_terminal = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "STACK_OUTPUTS": str(outputs)}

    def run(block: Block) -> str:
        text = block.text.replace("<app>", stack.outputs["apps"][0])
        script = f"set -euo pipefail\n{environment.command(env_file)}\n{SET_UP.text}\nPATH={tools}:$PATH\n{text}"
        done = subprocess.run(
            ["bash", "-c", script], cwd=ROOT, env=of_terminal, capture_output=True, text=True, timeout=120
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    return run


COVERED: set[Block] = set()


def about(section: str, snippet: str) -> pytest.MarkDecorator:
    """Give a test `block`: the one of this section that has this in it."""
    [block] = [block for block in COMMITTED if block.section == section and snippet in block.text]
    COVERED.add(block)
    return pytest.mark.parametrize("block", [block], ids=["block"])


# ---------------------------------------------------------------- what the document says to expect


@about("1. Are the drains registered?", "heroku drains")
def test_step_1_shows_each_drain_without_its_token(shell: Shell, block: Block, stack: LocalStack) -> None:
    shown = shell(block)
    for app, url in stack.drain_urls.items():
        assert url.partition("token=")[0] in shown
        assert f"{app}\n" in shown
    assert "token" not in shown


@about("2. Do objects arrive?", "aws s3 ls")
def test_step_2_shows_each_apps_newest_object(shell: Shell, block: Block, stack: LocalStack) -> None:
    for app, found in zip(stack.outputs["apps"], shell(block).splitlines(), strict=True):
        assert found.startswith(f"{app} ")
        assert found.endswith(".gz")


@about("2. Do objects arrive?", "hla --assume lines")
def test_step_2_shows_a_line_of_each_app(shell: Shell, block: Block, stack: LocalStack) -> None:
    assert [found.partition(" host=")[2].split(".")[0] for found in shell(block).splitlines()] == stack.outputs["apps"]


@about("3. Is the drain's URL the one in SSM?", "DIFFERS")
def test_step_3_tells_a_url_that_is_not_ours(shell: Shell, block: Block, stack: LocalStack) -> None:
    first, *others = stack.outputs["apps"]
    assert shell(block).splitlines() == [f"{app} same" for app in (first, *others)]
    [drain] = stack.heroku.drains(first)
    stack.heroku.drains_by_app[first] = [drain | {"url": drain["url"] + "x"}]
    assert shell(block).splitlines() == [f"{first} DIFFERS", *(f"{app} same" for app in others)]


@about("3. Is the drain's URL the one in SSM?", "get-parameters-by-path")
def test_step_3_lists_all_urls(shell: Shell, block: Block, stack: LocalStack) -> None:
    assert {found.split("\t")[1] for found in shell(block).splitlines()} == set(stack.drain_urls.values())


@about("4. Does the endpoint accept a POST?", "curl")
def test_step_4_is_answered_200_and_stores_nothing(shell: Shell, block: Block, stack: LocalStack) -> None:
    def stored() -> int:
        return int(stack.client("s3").list_objects_v2(Bucket=stack.outputs["bucket"], Prefix="logs/")["KeyCount"])

    before = stored()
    assert shell(block).splitlines() == [f"{app} 200" for app in stack.outputs["apps"]]
    assert stored() == before


@about("4. Does the endpoint accept a POST?", "test-drain")
def test_step_4_finds_a_line_of_each_app(
    runbook: Run, block: Block, stack: LocalStack, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(send_canary, "pause", partial(flush_later, stack))
    [arguments] = block.commands or []
    answer = runbook(*arguments)
    assert [found.split(maxsplit=1)[0] for found in answer.out.splitlines()] == stack.outputs["apps"]
    assert (answer.out.count("sent, stored, found after 0 s"), answer.code) == (len(stack.outputs["apps"]), 0)


@about("5. Can they write?", "simulate-principal-policy")
def test_step_5_judges_the_functions_roles_and_the_writer(shell: Shell, block: Block, stack: LocalStack) -> None:
    roles = [
        stack.client("lambda").get_function_configuration(FunctionName=stack.outputs[name])["Role"]
        for name in ("receiver", "flusher")
    ]
    allowed = ("dynamodb:PutItem\tallowed", "s3:PutObject\tallowed", "s3:PutObject\tallowed")
    principals = [*roles, stack.outputs["writerUserArn"]]
    expected = [line for pair in zip(principals, allowed, strict=True) for line in pair]
    assert shell(block).splitlines() == expected


def test_step_5_finds_a_role_that_may_not_write(shell: Shell, stack: LocalStack) -> None:
    [block] = [block for block in COMMITTED if "simulate-principal-policy" in block.text]
    name, iam = stack.outputs["flusher"], stack.client("iam")
    [policy] = iam.list_role_policies(RoleName=name)["PolicyNames"]
    document = iam.get_role_policy(RoleName=name, PolicyName=policy)["PolicyDocument"]
    iam.delete_role_policy(RoleName=name, PolicyName=policy)
    try:
        assert "s3:PutObject\timplicitDeny" in shell(block).splitlines()
    finally:
        iam.put_role_policy(RoleName=name, PolicyName=policy, PolicyDocument=json.dumps(document))


@about("4. Does the endpoint accept a POST?", "--log-group-name /aws/apigateway")
def test_step_4_shows_what_the_endpoint_refused(shell: Shell, block: Block, stack: LocalStack) -> None:
    url = stack.drain_urls[stack.outputs["apps"][0]]
    before = shell(block)
    assert post(url, b"") == 200
    assert shell(block) == before
    assert post(f"{url}x", b"") == 401
    assert shell(block).count("401 401 200 127.0.0.1 ") == before.count("401 401 200 127.0.0.1 ") + 1


@about("6. What do receiver and flusher log?", "--log-group-name /aws/lambda/raxx-log-flusher")
def test_step_6_shows_what_the_flusher_could_not_do(shell: Shell, block: Block, stack: LocalStack) -> None:
    before = shell(block).count("flush-failed")
    s3, bucket = stack.client("s3"), stack.outputs["bucket"]
    policy = s3.get_bucket_policy(Bucket=bucket)["Policy"]
    deny = {"Effect": "Deny", "Principal": "*", "Action": "s3:PutObject", "Resource": f"arn:aws:s3:::{bucket}/*"}
    s3.put_bucket_policy(Bucket=bucket, Policy=json.dumps({"Version": "2012-10-17", "Statement": [deny]}))
    try:
        send(stack, stack.outputs["apps"][0], NOW - timedelta(hours=3))
        with pytest.raises(LocalError):
            stack.flush()
    finally:
        s3.put_bucket_policy(Bucket=bucket, Policy=policy)
    stack.flush()
    assert shell(block).count("flush-failed") > before


def test_step_6_reads_logs_that_there_are(stack: LocalStack) -> None:
    groups = {group["logGroupName"] for group in stack.client("logs").describe_log_groups()["logGroups"]}
    texts = [block.text for block in COMMITTED if block.kind == "sh" and "--log-group-name" in block.text]
    assert {word for text in texts for word in text.split() if word.startswith("/aws/")} == groups


def send(stack: LocalStack, app: str, time: datetime) -> None:
    frame = b"<190>1 %b host app web.1 - hello" % time.isoformat(timespec="microseconds").encode()
    assert post(stack.drain_urls[app], b"%d %b" % (len(frame), frame), uuid4().hex) == 200


@about("7. Is the buffer flushed?", "dynamodb query")
def test_step_7_shows_the_first_slot_that_is_not_flushed(shell: Shell, block: Block, stack: LocalStack) -> None:
    app, minutes = stack.outputs["apps"][0], stack.outputs["flushMinutes"]
    slot = Slot.of(int((NOW - timedelta(hours=1)).timestamp() * 1000), minutes)
    for at in (slot.begin_ms, slot.begin_ms + 1000):
        send(stack, app, datetime.fromtimestamp(at / 1000, UTC))
    item = buffer_table.until_item(app, slot)
    stack.client("dynamodb").put_item(TableName=stack.outputs["buffer"], Item=item)
    assert f"{app} {slot} 2" in shell(block).splitlines()


@about("7. Is the buffer flushed?", "lambda invoke")
def test_step_7_flushes_by_hand(shell: Shell, block: Block, stack: LocalStack) -> None:
    send(stack, stack.outputs["apps"][0], NOW - timedelta(hours=2))
    assert '"slots": ' in shell(block)
    assert '"slots": 0' in shell(block)


@about("7. Is the buffer flushed?", "scheduler get-schedule")
def test_step_7_shows_whether_the_schedule_is_on(shell: Shell, block: Block) -> None:
    assert shell(block) == "ENABLED\n"


@about("When S3 refuses objects", "update-time-to-live")
def test_expiry_is_stopped_by_hand(shell: Shell, block: Block, stack: LocalStack) -> None:
    dynamodb, table = stack.client("dynamodb"), stack.outputs["buffer"]
    shell(block)
    description = dynamodb.describe_time_to_live(TableName=table)["TimeToLiveDescription"]
    assert description["TimeToLiveStatus"] == "DISABLED"
    dynamodb.update_time_to_live(
        TableName=table, TimeToLiveSpecification={"Enabled": True, "AttributeName": buffer_table.EXPIRES}
    )


@about("8. Are batches waiting in a queue?", "aws sqs")
def test_step_8_counts_what_waits(shell: Shell, block: Block, stack: LocalStack) -> None:
    spilled, dead = (stack.outputs[key].rpartition("/")[2] for key in ("spillQueue", "deadLetterQueue"))
    queue = stack.client("sqs")
    queue.send_message(QueueUrl=stack.outputs["deadLetterQueue"], MessageBody="a dead letter")
    assert shell(block).splitlines() == [f"{spilled} 0\t0", f"{dead} 1\t0"]
    queue.purge_queue(QueueUrl=stack.outputs["deadLetterQueue"])


@about("By hand", "start-query-execution")
def test_a_saved_query_is_run_by_hand(shell: Shell, block: Block, stack: LocalStack) -> None:
    shown = shell(block)
    assert "SUCCEEDED" in shown
    assert all(f"\n{app}\t" in shown for app in stack.outputs["apps"])


@about("By hand", "assume-role")
def test_the_reader_role_is_taken_by_hand(shell: Shell, block: Block, stack: LocalStack) -> None:
    who = block._replace(text=f"{block.text}aws sts get-caller-identity --query Arn --output text\n")
    role = stack.outputs["readerRoleArn"].rpartition("/")[2]
    assert f":assumed-role/{role}/log-query-" in shell(who)


# ---------------------------------------------------------------- alarms


def armed(stack: LocalStack) -> set[bool]:
    found = stack.client("cloudwatch").describe_alarms(AlarmNamePrefix="raxx-log-")["MetricAlarms"]
    assert found
    return {alarm["ActionsEnabled"] for alarm in found}


def alarm_names(stack: LocalStack) -> list[str]:
    found = stack.client("cloudwatch").describe_alarms(AlarmNamePrefix="raxx-log-")["MetricAlarms"]
    return [alarm["AlarmName"] for alarm in found]


@about("Silence them", "disable-alarm-actions")
def test_alarms_are_silenced_by_hand(shell: Shell, block: Block, stack: LocalStack) -> None:
    shell(block)
    assert armed(stack) == {False}
    stack.client("cloudwatch").enable_alarm_actions(AlarmNames=alarm_names(stack))


@about("Silence them", "enable-alarm-actions --")
def test_alarms_are_armed_again_by_hand(shell: Shell, block: Block, stack: LocalStack) -> None:
    stack.client("cloudwatch").disable_alarm_actions(AlarmNames=alarm_names(stack))
    shell(block)
    assert armed(stack) == {True}


@about("Who is told", "list-subscriptions-by-topic")
def test_who_has_not_confirmed_is_shown(shell: Shell, block: Block, stack: LocalStack) -> None:
    assert shell(block) == "email\tops@raxx.app\tPendingConfirmation\n"
    confirm_subscriptions(stack)
    assert shell(block) == f"email\tops@raxx.app\t{subscribe(stack, 'email', 'ops@raxx.app')}\n"


@about("Who is told", "aws sns subscribe")
def test_another_link_is_sent(shell: Shell, block: Block, stack: LocalStack) -> None:
    """SNS does not subscribe an address twice."""
    subscribed = stack.client("sns").list_subscriptions_by_topic(TopicArn=stack.outputs["alarmTopicArn"])
    shell(block)
    again = stack.client("sns").list_subscriptions_by_topic(TopicArn=stack.outputs["alarmTopicArn"])
    assert again["Subscriptions"] == subscribed["Subscriptions"]


@about("Somebody deleted logs", "receive-message")
def test_deletions_are_shown_as_often_as_asked(shell: Shell, block: Block, stack: LocalStack) -> None:
    # A call gives ten, and other tests delete objects too.
    forget_deletions(stack)
    deleted = store(stack, stack.outputs["apps"][0], NOW - timedelta(minutes=3))
    stack.client("s3").delete_object(Bucket=stack.outputs["bucket"], Key=deleted)
    for _ in range(2):
        assert deleted.rpartition("/")[2] in shell(block)
    forget_deletions(stack)


@about("Somebody deleted logs", "list-object-versions")
def test_deleted_objects_are_brought_back(shell: Shell, block: Block, stack: LocalStack) -> None:
    """Those of the prefix; and none is no error."""
    s3, bucket = stack.client("s3"), stack.outputs["bucket"]
    [day] = re.findall(r"^prefix=(\S+)$", block.text, re.MULTILINE)
    kept, deleted = f"{day}1-{uuid4()}.gz", f"{day}2-{uuid4()}.gz"
    for key in (kept, deleted):
        s3.put_object(Bucket=bucket, Key=key, Body=b"")
    s3.delete_object(Bucket=bucket, Key=deleted)
    shell(block)
    listed = s3.list_objects_v2(Bucket=bucket, Prefix=day)["Contents"]
    assert [each["Key"] for each in listed] == [kept, deleted]
    shell(block)
    for key in (kept, deleted):
        s3.delete_object(Bucket=bucket, Key=key)
    forget_deletions(stack)


@about("Did somebody change the archive?", "lambda invoke")
def test_a_digest_is_made_by_hand(shell: Shell, block: Block, stack: LocalStack) -> None:
    before = stack.digest()["number"]
    assert f'"number": {before + 1}' in shell(block)


@about("Did somebody change the archive?", "verify --last")
def test_the_archive_is_compared_with_its_record(runbook: Run, block: Block, stack: LocalStack) -> None:
    stack.digest()
    [arguments] = block.commands or []
    answer = runbook(*arguments)
    assert "as recorded" in answer.out
    assert "CHAIN" not in answer.out


@about("Somebody deleted logs", "purge-queue")
def test_the_queue_of_deletions_is_emptied(shell: Shell, block: Block, stack: LocalStack) -> None:
    url = deletions_url(stack)
    stack.client("sqs").send_message(QueueUrl=url, MessageBody="{}")
    shell(block)
    assert "Messages" not in stack.client("sqs").receive_message(QueueUrl=url)


# ---------------------------------------------------------------- by hand


@about("Emergency stop", "drains:remove")
def test_drains_are_removed_by_hand(shell: Shell, block: Block, stack: LocalStack) -> None:
    """All of ours; that of somebody else stays."""
    app = stack.outputs["apps"][0]
    other = {"id": "other", "url": "https://logs.example/drain?token=x", "token": "d.other"}
    stack.heroku.drains_by_app[app] = [*stack.heroku.drains(app), other]
    shell(block)
    assert stack.drain_urls == {app: other["url"]}


@about("Emergency stop", "--outputs RUNBOOK.md")
def test_drains_are_stopped_without_aws(
    runbook: Run, block: Block, stack: LocalStack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the RUNBOOK.md of this stack."""
    document = render(stack_outputs.parse(json.dumps(stack.outputs), "the stack"))
    (tmp_path / "RUNBOOK.md").write_text(document, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
    assert block.commands
    [arguments] = block.commands
    assert runbook(*arguments).code == 0
    assert stack.drain_urls == {}


@about("Emergency stop", "drains:add")
def test_drains_are_registered_again_by_hand(shell: Shell, block: Block, stack: LocalStack) -> None:
    before = stack.drain_urls
    stack.heroku.drains_by_app.update({app: [] for app in before})
    shell(block)
    assert stack.drain_urls == before


@about("Bootstrap: the drain receiver", "drains:add")
def test_one_drain_is_registered_by_hand(shell: Shell, block: Block, stack: LocalStack) -> None:
    before, app = stack.drain_urls, stack.outputs["apps"][0]
    stack.heroku.drains_by_app[app] = []
    shell(block)
    assert stack.drain_urls == before


@about("Glacier restore", "restore-object")
def test_what_lies_in_glacier_is_restored_by_hand(shell: Shell, block: Block, stack: LocalStack, archived: str) -> None:
    s3, bucket = stack.client("s3"), stack.outputs["bucket"]
    assert "Restore" not in s3.head_object(Bucket=bucket, Key=archived)
    shell(block)
    assert "Restore" in s3.head_object(Bucket=bucket, Key=archived)


# ---------------------------------------------------------------- all others


# Some are in more than one place.
OTHERS = {block.text: block for block in COMMITTED if block.kind == "sh" and block not in COVERED}.values()


@pytest.mark.parametrize("block", OTHERS, ids=lambda block: f"{block.section}: {block.text.splitlines()[0]}")
@pytest.mark.usefixtures("archived")
def test_a_command_runs(runbook: Run, shell: Shell, block: Block) -> None:
    """As it stands, pasted after the first block and no other."""
    if block.commands is None:
        shell(block)
        return
    for arguments in block.commands:
        answer = runbook(*arguments)
        assert answer.code in {0, 1}, answer


# ---------------------------------------------------------------- that a wrong command is found


@pytest.mark.parametrize(
    ("table", "command"),
    [
        (HEROKU, "drains"),
        (HEROKU, "drains --app"),
        (HEROKU, "drains --app x --jason"),
        (HEROKU, "drains:remove --app x"),
        (HEROKU, "drains:list --app x"),
        (PULUMI, "config set"),
        (PULUMI, "stack output a b"),
        (PULUMI, "up --refresh=no"),
        (PULUMI, "refresh"),
    ],
)
def test_a_command_that_the_tool_would_refuse_is_refused(table: dict[str, Usage], command: str) -> None:
    with pytest.raises(Wrong):
        parse(table, command.split())


@pytest.mark.parametrize(
    "text",
    [
        "aws iam simulate-principal-policy --policy-source-arn x --action-names s3:PutObject --resource-arn",
        "aws logs tail /aws/lambda/x",
        "heroku drains",
        "make no-such-target",
        "aws s3 ls s3://no-such-bucket | tail -1",
        "hla lines --no-such-option",
    ],
)
def test_a_block_that_fails_fails_its_test(shell: Shell, text: str) -> None:
    with pytest.raises(AssertionError):
        shell(Block("", "sh", text))
