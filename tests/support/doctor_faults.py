"""How to break one thing of a local stack, and mend it again: one way or more for each fault that the doctor knows."""

import gzip
import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from datetime import datetime, timedelta
from functools import partial
from typing import Any

import pytest
from botocore.exceptions import ClientError
from werkzeug.wrappers import Response

from contract import buffer_table, drain_url, policies
from contract.buffer_table import Seen
from contract.digests import Days, Digest, Listed
from contract.object_keys import ObjectKey, batch_id, partition_prefix
from contract.outputs import Outputs
from contract.slots import Slot
from local.http_server import HttpServer
from local.stack import LocalStack
from runbook.doctor import faults
from runbook.doctor.checks import endpoint
from runbook.doctor.faults import Fault
from tests.support.runbook_cli import Run
from tests.support.watch_state import (
    confirm_subscriptions,
    declared_alarm,
    deletions_url,
    forget_deletions,
    put_seen,
    subscribe,
)

API, CONSOLE, VELVET = "raxx-api-prod", "raxx-console-prod", "raxx-velvet-prod"
NOW = datetime.fromisoformat("2026-11-24T05:00:00+00:00")
_SSM = "/raxx/log-drain/"
_ALARM, _CHANGE_ALARM = "raxx-log-behind", "raxx-log-objects"


class World:
    """A local stack in which things can be broken; what `undo` holds mends them."""

    def __init__(self, stack: LocalStack, undo: ExitStack, monkeypatch: pytest.MonkeyPatch, runbook: Run) -> None:
        self.stack, self.undo, self.monkeypatch, self.runbook = stack, undo, monkeypatch, runbook
        self.bucket = str(stack.outputs["bucket"])

    def client(self, service: str) -> Any:
        return self.stack.client(service)

    @property
    def outputs(self) -> Outputs:
        return Outputs.parse(json.dumps(self.stack.outputs), "the stack")

    def keys(self) -> list[str]:
        """The keys of the first generations."""
        made = self.stack.cloud.made
        return [made[f"drain-keys-generation-{generation}"][1]["result"] for generation in (1, 2)]

    def url(self, app: str, key: str) -> str:
        return drain_url.url(self.stack.outputs["endpoint"].removesuffix("/drain"), app, key)

    # ---------------------------------------------------------------- Heroku

    def set_drains(self, app: str, *urls: str) -> None:
        drains = self.stack.heroku.drains_by_app
        before = list(drains[app])
        self.undo.callback(drains.__setitem__, app, before)
        drains[app] = [before[0] | {"id": f"drain-{number}", "url": url} for number, url in enumerate(urls)]

    # ---------------------------------------------------------------- SSM

    def set_parameter(self, name: str, value: str | None) -> None:
        """Overwrite or, without a value, delete a parameter."""
        ssm = self.client("ssm")
        before = ssm.get_parameter(Name=_SSM + name, WithDecryption=True)["Parameter"]
        mend = {"Name": _SSM + name, "Type": before["Type"], "Value": before["Value"], "Overwrite": True}
        self.undo.callback(lambda: ssm.put_parameter(**mend))
        if value is None:
            ssm.delete_parameter(Name=_SSM + name)
        else:
            ssm.put_parameter(**{**mend, "Value": value})

    def set_outputs(self, **changes: object) -> None:
        self.set_parameter("outputs", json.dumps(self.stack.outputs | changes))

    # ---------------------------------------------------------------- S3

    def put(self, key: str, body: bytes, storage_class: str = "STANDARD") -> None:
        """Put an object where the bucket's policy would let nobody."""
        s3 = self.client("s3")
        policy = s3.get_bucket_policy(Bucket=self.bucket)["Policy"]
        s3.delete_bucket_policy(Bucket=self.bucket)
        version = s3.put_object(Bucket=self.bucket, Key=key, Body=body, StorageClass=storage_class)["VersionId"]
        s3.put_bucket_policy(Bucket=self.bucket, Policy=policy)
        # In reverse order. The emulator lists the folder of a key that has only a delete marker.
        self.undo.callback(forget_deletions, self.stack)
        self.undo.callback(lambda: s3.delete_object(Bucket=self.bucket, Key=key, VersionId=version))

    def take_away(self, app: str) -> None:
        """Delete an app's objects."""
        s3 = self.client("s3")
        listed = s3.list_objects_v2(Bucket=self.bucket, Prefix=f"logs/{app}/").get("Contents", [])
        for key in (each["Key"] for each in listed):
            body = s3.get_object(Bucket=self.bucket, Key=key)["Body"].read()
            s3.delete_object(Bucket=self.bucket, Key=key)
            self.undo.callback(s3.put_object, Bucket=self.bucket, Key=key, Body=body)
        forget_deletions(self.stack)

    # ---------------------------------------------------------------- answers that the emulator cannot be made to give

    def answer(self, service: str, operation: str, change: Callable[[dict[str, Any]], Any]) -> None:
        """Change what a call of the runbook is answered, or raise in its place."""
        make = self.runbook.make_client

        def changing(session: Any, name: str) -> Any:
            client, call = make(session, name), f"after-call.{service}.{operation}"
            if name == service:
                client.meta.events.register(call, changed)
                self.undo.callback(client.meta.events.unregister, call, changed)
            return client

        def changed(parsed: dict[str, Any], **_: Any) -> None:
            change(parsed)

        self.runbook.make_client = changing

    def fail_queries(
        self, reason: str, *, of: str = "", times: int = 99, error: Mapping[str, object] | None = None
    ) -> None:
        """Let Athena end queries that contain `of` with this reason, the first `times` ones."""
        failed: list[str] = []

        def fail(parsed: dict[str, Any]) -> None:
            execution = parsed["QueryExecution"]
            if of in execution["Query"] and len({*failed, execution["QueryExecutionId"]}) <= times:
                failed.append(execution["QueryExecutionId"])
                execution["Status"] |= {"State": "FAILED", "StateChangeReason": reason, "AthenaError": error or {}}

        self.answer("athena", "GetQueryExecution", fail)


def key(app: str, minutes_ago: int, name: str = "x") -> str:
    return str(ObjectKey(app, int((NOW - timedelta(minutes=minutes_ago)).timestamp() * 1000), batch_id(app, name)))


def packed(*lines: str) -> bytes:
    return gzip.compress("".join(f"{line}\n" for line in lines).encode(), mtime=0)


def line(app: str, minutes_ago: int, message: str = "hello", proc_id: str = "web.1", source: str = "app") -> str:
    time = (NOW - timedelta(minutes=minutes_ago)).isoformat(timespec="microseconds")
    return f"<190>1 {time} host {source} {proc_id} - - {message}"


@contextmanager
def _endpoint(status: int, body: bytes = b"") -> Iterator[str]:
    """An endpoint that answers every request alike."""
    with HttpServer(Response(body, status)) as server:
        yield f"{server.origin}/prod/drain"


def _move_endpoint(world: World, url: str) -> None:
    """Have the whole stack speak of another endpoint."""
    world.set_outputs(endpoint=url)
    current = world.keys()[0]
    for app in world.stack.outputs["apps"]:
        moved = drain_url.url(url.removesuffix("/drain"), app, current)
        world.set_parameter(f"drain_url/{app}", moved)
        world.set_drains(app, moved)


# ---------------------------------------------------------------- the faults

Break = Callable[[World], None]
BREAKS: list[tuple[Fault, str, Break]] = []


def _breaks(fault: Fault, name: str = "") -> Callable[[Break], Break]:
    def register(make: Break) -> Break:
        BREAKS.append((fault, name or getattr(make, "__name__", "").strip("_"), make))
        return make

    return register


@_breaks(faults.DRAIN_MISSING)
def _no_drain(world: World) -> None:
    world.set_drains(API)


@_breaks(faults.DRAIN_MISSING)
def _only_one_by_hand(world: World) -> None:
    world.set_drains(API, "https://logs.example.com/prod/drain?token=x")


@_breaks(faults.DRAIN_REFUSED)
def _a_token_of_another_key(world: World) -> None:
    world.set_drains(API, world.url(API, "another key"))


@_breaks(faults.DRAIN_REFUSED)
def _another_apps_url(world: World) -> None:
    world.set_drains(API, world.url(CONSOLE, world.keys()[0]))


@_breaks(faults.DRAIN_REFUSED)
def _a_token_twice(world: World) -> None:
    world.set_drains(API, world.url(API, world.keys()[0]) + "&token=x")


@_breaks(faults.DRAIN_REFUSED)
def _no_token(world: World) -> None:
    world.set_drains(API, world.stack.outputs["endpoint"])


@_breaks(faults.DRAIN_NOT_ROTATED)
def _a_token_of_another_generation(world: World) -> None:
    world.set_drains(API, world.url(API, world.keys()[1]))


@_breaks(faults.DRAIN_DOUBLED)
def _an_old_drain_beside_the_new(world: World) -> None:
    world.set_drains(API, world.url(API, world.keys()[1]), world.url(API, world.keys()[0]))


@_breaks(faults.DRAIN_DESPITE_STOP)
def _drains_that_should_be_stopped(world: World) -> None:
    world.set_outputs(drainsEnabled=False)


@_breaks(faults.ENDPOINT_UNREACHABLE)
def _nobody_listens(world: World) -> None:
    with _endpoint(200) as url:
        pass
    _move_endpoint(world, url)


def answers(world: World, status: int, message: str = "") -> None:
    """Have every POST answered like this; a message is what API Gateway says where it answers by itself."""
    body = json.dumps({"message": message}).encode() if message else b""
    _move_endpoint(world, world.undo.enter_context(_endpoint(status, body)))


@_breaks(faults.RECEIVER_FAILS)
def _the_receiver_fails(world: World) -> None:
    answers(world, 503)


@_breaks(faults.GATEWAY_FAILS)
def _the_gateway_may_not_call_the_receiver(world: World) -> None:
    answers(world, 500, "Internal Server Error")


@_breaks(faults.GATEWAY_FAILS)
def _the_gateway_gets_no_answer(world: World) -> None:
    answers(world, 503, "Service Unavailable")


@_breaks(faults.GATEWAY_THROTTLES)
def _the_gateway_throttles(world: World) -> None:
    answers(world, 429, "Too Many Requests")


@_breaks(faults.ROUTE_MISSING)
def _the_gateway_has_no_route(world: World) -> None:
    answers(world, 404, "Not Found")


@_breaks(faults.ENDPOINT_FORBIDDEN)
def _somebody_forbids_it(world: World) -> None:
    answers(world, 403, "Forbidden")


@_breaks(faults.TOKEN_REFUSED)
def _the_receiver_refuses_all(world: World) -> None:
    _move_endpoint(world, world.undo.enter_context(_endpoint(401)))


@_breaks(faults.ENDPOINT_OPEN)
def _the_receiver_takes_all(world: World) -> None:
    _move_endpoint(world, world.undo.enter_context(_endpoint(200)))


@_breaks(faults.ENDPOINT_SLOW)
def _the_receiver_is_slow(world: World) -> None:
    # Every answer is later than this.
    world.monkeypatch.setattr(endpoint, "SLOW_S", -1)


def _set_parameter(name: str, value: str | None, world: World) -> None:
    world.set_parameter(name, value)


for _name in ("bucket_arn", "athena_reader_role_arn", f"token_hashes/{API}", f"drain_url/{API}"):
    _breaks(faults.PARAMETER_MISSING, f"no_{_name}")(partial(_set_parameter, _name, None))
    _breaks(faults.PARAMETER_DIFFERS, f"another_{_name}")(partial(_set_parameter, _name, "x"))


@_breaks(faults.BATCHES_WAITING)
def _a_batch_in_the_queue(world: World) -> None:
    sqs, url = world.client("sqs"), world.stack.outputs["spillQueue"]
    sqs.send_message(QueueUrl=url, MessageBody="no batch, so nobody stores it")
    # A queue can be purged once a minute only.
    world.undo.callback(lambda: sqs.purge_queue(QueueUrl=url))


@_breaks(faults.DEAD_LETTERS)
def _a_dead_letter(world: World) -> None:
    sqs, url = world.client("sqs"), world.stack.outputs["deadLetterQueue"]
    sqs.send_message(QueueUrl=url, MessageBody="x")

    def mend() -> None:
        [letter] = sqs.receive_message(QueueUrl=url)["Messages"]
        sqs.delete_message(QueueUrl=url, ReceiptHandle=letter["ReceiptHandle"])

    world.undo.callback(mend)


@_breaks(faults.BUFFER_MISSING)
def _no_buffer(world: World) -> None:
    world.set_outputs(buffer="raxx-gone-buffer")


@_breaks(faults.BUFFER_DIFFERS)
def _a_buffer_with_other_keys(world: World) -> None:
    world.answer("dynamodb", "DescribeTable", lambda parsed: parsed["Table"]["KeySchema"].reverse())


def _expiry(world: World, changed: Mapping[str, object]) -> None:
    def put(specification: Any) -> None:
        world.client("dynamodb").update_time_to_live(
            TableName=world.stack.outputs["buffer"], TimeToLiveSpecification=specification
        )

    world.undo.callback(put, {"Enabled": True, "AttributeName": buffer_table.EXPIRES})
    put(changed)


@_breaks(faults.BUFFER_DIFFERS)
def _a_buffer_that_keeps_everything(world: World) -> None:
    _expiry(world, {"Enabled": False, "AttributeName": buffer_table.EXPIRES})


@_breaks(faults.BUFFER_DIFFERS)
def _a_buffer_that_expires_by_another_attribute(world: World) -> None:
    _expiry(world, {"Enabled": True, "AttributeName": "arrival"})


def milliseconds(minutes_ago: int) -> int:
    return int((NOW - timedelta(minutes=minutes_ago)).timestamp() * 1000)


def put_flushed(stack: LocalStack, app: str, minutes_ago: int = 1) -> None:
    """Note that an app is flushed up to the slot of a time."""
    item = buffer_table.until_item(app, Slot.of(milliseconds(minutes_ago), stack.outputs["flushMinutes"]))
    stack.client("dynamodb").put_item(TableName=stack.outputs["buffer"], Item=item)


def _flushed(world: World, app: str, minutes_ago: int) -> None:
    world.undo.callback(put_flushed, world.stack, app)
    put_flushed(world.stack, app, minutes_ago)


@_breaks(faults.BUFFER_BEHIND)
def _a_slot_that_was_not_flushed(world: World) -> None:
    """The slot of 04:40 has been due since 04:45:20."""
    _flushed(world, API, 20)


def delete_item(stack: LocalStack, key: buffer_table.Key) -> None:
    stack.client("dynamodb").delete_item(TableName=stack.outputs["buffer"], Key=key.item)


@_breaks(faults.BUFFER_BEHIND)
def _a_slot_of_an_app_that_was_removed(world: World) -> None:
    world.undo.callback(delete_item, world.stack, buffer_table.until_key("raxx-former-prod", 5))
    put_flushed(world.stack, "raxx-former-prod", 20)


def put_marker(world: World, app: str, slot_minutes_ago: int, minutes_ago: int) -> None:
    """Leave a late marker for the slot of a time, at a time."""
    slot, name = Slot.of(milliseconds(slot_minutes_ago), 5), batch_id(app, "late")
    world.undo.callback(delete_item, world.stack, buffer_table.marker_key(app, slot, name))
    item = buffer_table.marker_item(app, slot, name, milliseconds(minutes_ago))
    world.client("dynamodb").put_item(TableName=world.stack.outputs["buffer"], Item=item)


@_breaks(faults.BUFFER_BEHIND)
def _a_late_batch_that_was_not_flushed(world: World) -> None:
    put_marker(world, API, 60, 11)


@_breaks(faults.BUFFER_BEHIND)
def _an_app_that_was_never_flushed(world: World) -> None:
    def change(parsed: dict[str, Any]) -> None:
        parsed["Table"]["CreationDateTime"] = NOW - timedelta(minutes=20)

    world.answer("dynamodb", "DescribeTable", change)
    world.undo.callback(put_flushed, world.stack, VELVET)
    delete_item(world.stack, buffer_table.until_key(VELVET, 5))


@_breaks(faults.BUFFER_BEHIND)
def _a_late_batch_of_an_app_that_was_never_flushed(world: World) -> None:
    world.answer("dynamodb", "DescribeTable", lambda parsed: parsed["Table"].update(CreationDateTime=NOW))
    world.undo.callback(put_flushed, world.stack, VELVET)
    delete_item(world.stack, buffer_table.until_key(VELVET, 5))
    put_marker(world, VELVET, 60, 11)


_CANARY, _FLUSHER, _DIGESTER = "raxx-log-canary", "raxx-log-flusher", "raxx-log-digester"


def _no_function(name: str, world: World) -> None:
    client = world.client("lambda")
    found = client.get_function_configuration(FunctionName=name)
    declared = {field: found[field] for field in ("FunctionName", "Runtime", "Role", "Handler")}
    # Its process goes on, so that any archive will do.
    world.undo.callback(lambda: client.create_function(**declared, Code={"ZipFile": packed("x")}))
    client.delete_function(FunctionName=name)


def _function_that_is_not_active(name: str, world: World) -> None:
    def change(parsed: dict[str, Any]) -> None:
        if parsed["FunctionName"] == name:
            parsed.update({"State": "Failed", "StateReason": "The function's role\ncannot be assumed"})

    world.answer("lambda", "GetFunctionConfiguration", change)


@_breaks(faults.CONCURRENCY_SMALL)
def _a_new_account(world: World) -> None:
    world.answer("lambda", "GetAccountSettings", lambda parsed: parsed["AccountLimit"].update(ConcurrentExecutions=10))


_SCHEDULE_FIELDS = ("ScheduleExpression", "FlexibleTimeWindow", "Target", "State")


def _schedule(world: World, group: str) -> tuple[Any, dict[str, Any]]:
    client = world.client("scheduler")
    [listed] = client.list_schedules(GroupName=group)["Schedules"]
    found = client.get_schedule(GroupName=group, Name=listed["Name"])
    declared = {name: found[name] for name in _SCHEDULE_FIELDS}
    return client, {"GroupName": group, "Name": listed["Name"], **declared}


def _change_schedule(change: Callable[[dict[str, Any]], object], group: str, world: World) -> None:
    client, declared = _schedule(world, group)
    world.undo.callback(lambda: client.update_schedule(**declared))
    changed = json.loads(json.dumps(declared))
    change(changed)
    client.update_schedule(**changed)


def _no_schedule(group: str, world: World) -> None:
    client, declared = _schedule(world, group)
    world.undo.callback(lambda: client.create_schedule(**declared))
    client.delete_schedule(GroupName=group, Name=declared["Name"])


_SCHEDULE_CHANGES: dict[str, Callable[[dict[str, Any]], object]] = {
    "disabled": lambda schedule: schedule.update(State="DISABLED"),
    "elsewhere": lambda schedule: schedule["Target"].update(Arn=schedule["Target"]["Arn"] + "-2"),
}
for _function, _missing, _inactive, _off in (
    (_FLUSHER, faults.FLUSHER_MISSING, faults.FLUSHER_INACTIVE, faults.SCHEDULE_OFF),
    (_CANARY, faults.CANARY_MISSING, faults.CANARY_INACTIVE, faults.CANARY_SCHEDULE_OFF),
    (_DIGESTER, faults.DIGESTER_MISSING, faults.DIGESTER_INACTIVE, faults.DIGESTER_SCHEDULE_OFF),
):
    _breaks(_missing, f"no_{_function}")(partial(_no_function, _function))
    _breaks(_inactive, f"{_function}_that_is_not_active")(partial(_function_that_is_not_active, _function))
    _breaks(_off, f"no_schedule_of_{_function}")(partial(_no_schedule, _function))
    for _name, _change in _SCHEDULE_CHANGES.items():
        _breaks(_off, f"schedule_of_{_function}_{_name}")(partial(_change_schedule, _change, _function))


def seen_ago(world: World, seen: Seen, minutes_ago: int) -> None:
    """Have the flusher have seen nothing newer than that."""
    world.undo.callback(put_seen, world.stack, seen, milliseconds(6))
    put_seen(world.stack, seen, milliseconds(minutes_ago))


@_breaks(faults.CANARY_OVERDUE)
def _a_canary_that_did_not_arrive(world: World) -> None:
    """The next one is sent after 15 minutes, and known as stored after 23."""
    seen_ago(world, Seen(VELVET, canary=True), 15 + 23 + 1)


@_breaks(faults.CANARY_OVERDUE)
def _no_canary_ever(world: World) -> None:
    seen = Seen(VELVET, canary=True)
    world.undo.callback(put_seen, world.stack, seen, milliseconds(6))
    delete_item(world.stack, seen.key)


def put_digest(stack: LocalStack, hours_ago: float) -> str:
    """Write a chain of one digest, and give its key."""
    made = NOW - timedelta(hours=hours_ago)
    digest = Digest(0, made, None, Listed(made, made), Days(made.date(), made.date()), [])
    stack.client("s3").put_object(Bucket=stack.outputs["bucket"], Key=digest.key, Body=digest.encode())
    return digest.key


@_breaks(faults.DIGEST_OVERDUE)
def _a_digest_that_was_not_made(world: World) -> None:
    world.undo.callback(put_digest, world.stack, 0.5)
    put_digest(world.stack, 3.1)


@_breaks(faults.DIGEST_OVERDUE)
def _no_digest_ever(world: World) -> None:
    key = put_digest(world.stack, 0.5)
    world.undo.callback(put_digest, world.stack, 0.5)
    world.client("s3").delete_object(Bucket=world.bucket, Key=key)


@_breaks(faults.APP_SILENT)
def _an_app_that_is_silent(world: World) -> None:
    """Up to 04:55, the begin of the first slot that is not flushed."""
    seen_ago(world, Seen(VELVET), 5 + 2 * 60 + 1)


@_breaks(faults.OBJECTS_OLD)
def _no_object_at_all(world: World) -> None:
    world.take_away(VELVET)


@_breaks(faults.OBJECTS_OLD)
def _only_an_old_object(world: World) -> None:
    world.take_away(VELVET)
    world.put(key(VELVET, 121), packed(line(VELVET, 121)))


@_breaks(faults.OBJECTS_OLD)
def _only_yesterdays_object(world: World) -> None:
    world.take_away(VELVET)
    world.put(key(VELVET, 6 * 60), packed(line(VELVET, 6 * 60)))


@_breaks(faults.OBJECTS_OLD)
def _no_object_for_longer_than_a_day(world: World) -> None:
    """Athena has no line of the last 24 hours, and need not have: there is no object of them."""
    world.take_away(VELVET)
    world.put(key(VELVET, 28 * 60), packed(line(VELVET, 28 * 60)))


@_breaks(faults.APP_UNKNOWN)
def _objects_of_an_app_that_was_removed(world: World) -> None:
    world.put(key("raxx-former-prod", 5), packed("x"))


@_breaks(faults.DAY_UNKNOWN)
def _objects_of_a_13th_month(world: World) -> None:
    world.put(f"logs/{API}/2026/13/01/1-x.gz", packed("x"))


@_breaks(faults.DAY_UNKNOWN)
def _objects_of_a_year_that_is_not_projected(world: World) -> None:
    world.put(f"logs/{API}/1999/01/01/1-x.gz", packed("x"))


@_breaks(faults.OBJECT_FOREIGN)
def _an_upload_under_today(world: World) -> None:
    world.put(f"{partition_prefix(API, NOW.date())}notes.txt", b"hello\n")


@_breaks(faults.OBJECT_FOREIGN)
def _an_upload_above_the_days(world: World) -> None:
    world.put("logs/my notes; rm -rf ~.txt", b"hello\n")


@_breaks(faults.POLICY_DIFFERS)
def _no_policy(world: World) -> None:
    _policy(world, lambda s3: s3.delete_bucket_policy(Bucket=world.bucket))


@_breaks(faults.POLICY_DIFFERS)
def _a_statement_less(world: World) -> None:
    declared = policies.archive_bucket(f"arn:aws:s3:::{world.bucket}", world.outputs.principals)
    text = json.dumps({**declared, "Statement": declared["Statement"][:-1]})
    _policy(world, lambda s3: s3.put_bucket_policy(Bucket=world.bucket, Policy=text))


def _policy(world: World, change: Callable[[Any], object]) -> None:
    s3 = world.client("s3")
    policy = s3.get_bucket_policy(Bucket=world.bucket)["Policy"]
    world.undo.callback(lambda: s3.put_bucket_policy(Bucket=world.bucket, Policy=policy))
    change(s3)


@_breaks(faults.LIFECYCLE_DIFFERS)
def _no_lifecycle(world: World) -> None:
    _lifecycle(world, lambda s3, _: s3.delete_bucket_lifecycle(Bucket=world.bucket))


@_breaks(faults.LIFECYCLE_DIFFERS)
def _logs_kept_for_ever(world: World) -> None:
    def change(s3: Any, rules: list[dict[str, Any]]) -> None:
        kept = [rule if rule["ID"] != "logs" else rule | {"Expiration": {"Days": 3650}} for rule in rules]
        _put_lifecycle(world, s3, kept)

    _lifecycle(world, change)


@_breaks(faults.LIFECYCLE_DIFFERS)
def _a_rule_more(world: World) -> None:
    more = {"ID": "more", "Status": "Enabled", "Filter": {"Prefix": "logs/"}, "Expiration": {"Days": 1}}
    _lifecycle(world, lambda s3, rules: _put_lifecycle(world, s3, [*rules, more]))


@_breaks(faults.LIFECYCLE_DIFFERS)
def _small_objects_stay_in_standard(world: World) -> None:
    _lifecycle(world, lambda s3, rules: _put_lifecycle(world, s3, rules, "all_storage_classes_128K"))


def _put_lifecycle(world: World, s3: Any, rules: Any, size: str = "varies_by_storage_class") -> None:
    s3.put_bucket_lifecycle_configuration(
        Bucket=world.bucket, LifecycleConfiguration={"Rules": rules}, TransitionDefaultMinimumObjectSize=size
    )


def _lifecycle(world: World, change: Callable[[Any, list[dict[str, Any]]], object]) -> None:
    s3 = world.client("s3")
    rules = s3.get_bucket_lifecycle_configuration(Bucket=world.bucket)["Rules"]
    world.undo.callback(lambda: _put_lifecycle(world, s3, rules))
    change(s3, rules)


@_breaks(faults.BUCKET_OPEN)
def _a_lock_less(world: World) -> None:
    s3 = world.client("s3")
    locks = s3.get_public_access_block(Bucket=world.bucket)["PublicAccessBlockConfiguration"]

    def put(changed: Mapping[str, bool]) -> None:
        s3.put_public_access_block(Bucket=world.bucket, PublicAccessBlockConfiguration=changed)

    world.undo.callback(put, locks)
    put({**locks, "BlockPublicPolicy": False})


@_breaks(faults.BUCKET_OPEN)
def _no_locks(world: World) -> None:
    s3 = world.client("s3")
    locks = s3.get_public_access_block(Bucket=world.bucket)["PublicAccessBlockConfiguration"]
    world.undo.callback(lambda: s3.put_public_access_block(Bucket=world.bucket, PublicAccessBlockConfiguration=locks))
    s3.delete_public_access_block(Bucket=world.bucket)


@_breaks(faults.VERSIONING_OFF)
def _versioning_suspended(world: World) -> None:
    def put(status: str) -> None:
        world.client("s3").put_bucket_versioning(Bucket=world.bucket, VersioningConfiguration={"Status": status})

    world.undo.callback(put, "Enabled")
    put("Suspended")


@_breaks(faults.WRITER_MAY_NOT)
def _the_writer_without_its_policy(world: World) -> None:
    iam, user = world.client("iam"), "raxx-heroku-log-drain"
    document = json.dumps(iam.get_user_policy(UserName=user, PolicyName="write")["PolicyDocument"])
    world.undo.callback(lambda: iam.put_user_policy(UserName=user, PolicyName="write", PolicyDocument=document))
    iam.delete_user_policy(UserName=user, PolicyName="write")


def put_writer_policy(world: World, statements: list[dict[str, Any]]) -> None:
    iam, user = world.client("iam"), "raxx-heroku-log-drain"
    document = json.dumps({"Version": "2012-10-17", "Statement": statements})
    iam.put_user_policy(UserName=user, PolicyName="more", PolicyDocument=document)
    world.undo.callback(lambda: iam.delete_user_policy(UserName=user, PolicyName="more"))


@_breaks(faults.WRITER_MAY_MORE)
def _the_writer_may_read(world: World) -> None:
    _the_writer_may(world, "s3:GetObject", f"arn:aws:s3:::{world.bucket}/*")


@_breaks(faults.WRITER_MAY_MORE)
def _the_writer_may_read_the_buffer(world: World) -> None:
    _the_writer_may(world, "dynamodb:Query", "*")


@_breaks(faults.WRITER_MAY_HALF)
def _the_writer_may_spill_and_not_buffer(world: World) -> None:
    """As a stack of a version without a buffer left it."""
    _the_writer_may(world, ["sqs:SendMessage", "ssm:GetParameter"], "*")


def _the_writer_may(world: World, action: str | list[str], resource: str) -> None:
    put_writer_policy(world, [{"Effect": "Allow", "Action": action, "Resource": resource}])


_ROLE = "raxx-log-athena-reader"


@_breaks(faults.READER_MISSING)
def _no_reader_role(world: World) -> None:
    iam = world.client("iam")
    role = iam.get_role(RoleName=_ROLE)["Role"]
    names = iam.list_role_policies(RoleName=_ROLE)["PolicyNames"]
    documents = {name: iam.get_role_policy(RoleName=_ROLE, PolicyName=name)["PolicyDocument"] for name in names}

    def mend() -> None:
        iam.create_role(RoleName=_ROLE, AssumeRolePolicyDocument=json.dumps(role["AssumeRolePolicyDocument"]))
        for name, document in documents.items():
            iam.put_role_policy(RoleName=_ROLE, PolicyName=name, PolicyDocument=json.dumps(document))

    for name in names:
        iam.delete_role_policy(RoleName=_ROLE, PolicyName=name)
    iam.delete_role(RoleName=_ROLE)
    world.undo.callback(mend)


@_breaks(faults.READER_ORPHANED)
def _the_break_glass_user_was_deleted(world: World) -> None:
    _trust(world, "AIDAEXAMPLEEXAMPLE123")


@_breaks(faults.READER_ORPHANED)
def _someone_who_may_restore_was_deleted(world: World) -> None:
    _trust(world, "AIDAEXAMPLEEXAMPLE123", "raxx-log-restorer")


@_breaks(faults.READER_REFUSED)
def _a_boundary_denies_what_the_role_allows(world: World) -> None:
    _trust(world, world.client("sts").get_caller_identity()["Arn"])

    def refuse(parsed: dict[str, Any]) -> None:
        raise ClientError({"Error": {"Code": "AccessDenied", "Message": "no"}}, "AssumeRole")

    world.answer("sts", "AssumeRole", refuse)


def _trust(world: World, principal: str, role: str = _ROLE) -> None:
    iam = world.client("iam")

    def put(document: Any) -> None:
        iam.update_assume_role_policy(RoleName=role, PolicyDocument=json.dumps(document))

    world.undo.callback(put, iam.get_role(RoleName=role)["Role"]["AssumeRolePolicyDocument"])
    put(policies.assumable_by([principal]))


@_breaks(faults.TABLE_MISSING)
def _no_table(world: World) -> None:
    _no_glue_table(world, "syslog")


@_breaks(faults.TABLE_MISSING)
def _no_view(world: World) -> None:
    _no_glue_table(world, "router_requests")


_ONLY_READ = {"DatabaseName", "CreateTime", "UpdateTime", "CatalogId", "VersionId", "CreatedBy"}


def _glue_table(world: World, name: str) -> dict[str, Any]:
    found = world.client("glue").get_table(DatabaseName="raxx_heroku_logs", Name=name)["Table"]
    return {field: value for field, value in found.items() if field not in _ONLY_READ}


def _no_glue_table(world: World, name: str) -> None:
    glue, table = world.client("glue"), _glue_table(world, name)
    world.undo.callback(lambda: glue.create_table(DatabaseName="raxx_heroku_logs", TableInput=table))
    glue.delete_table(DatabaseName="raxx_heroku_logs", Name=name)


def _change_table(name: str, change: Callable[[dict[str, Any]], object], world: World) -> None:
    def put(table: dict[str, Any]) -> None:
        world.client("glue").update_table(DatabaseName="raxx_heroku_logs", TableInput=table)

    world.undo.callback(put, _glue_table(world, name))
    changed = _glue_table(world, name)
    change(changed)
    put(changed)


_TABLE_CHANGES: dict[str, Callable[[dict[str, Any]], object]] = {
    "pattern": lambda table: table["StorageDescriptor"]["SerdeInfo"]["Parameters"].update({"input.regex": "^(.*)$"}),
    "projection": lambda table: table["Parameters"].update({"projection.year.range": "2026,2050"}),
    "restored": lambda table: table["Parameters"].pop("read_restored_glacier_objects"),
    "columns": lambda table: table["StorageDescriptor"]["Columns"].append({"Name": "more", "Type": "string"}),
    "location": lambda table: table["StorageDescriptor"].update(Location="s3://raxx-heroku-logs-prod/"),
    "partition_keys": lambda table: table["PartitionKeys"].reverse(),
}
for _name, _change in _TABLE_CHANGES.items():
    _breaks(faults.TABLE_DIFFERS, f"table_{_name}")(partial(_change_table, "syslog", _change))


@_breaks(faults.TABLE_DIFFERS)
def _an_older_view(world: World) -> None:
    _change_table("router_requests", lambda table: table.update(ViewOriginalText="/* Presto View: e30= */"), world)


@_breaks(faults.TABLE_DIFFERS)
def _a_view_with_another_serde(world: World) -> None:
    serde = {"Name": "-", "SerializationLibrary": "org.apache.hadoop.hive.serde2.RegexSerDe"}
    _change_table("router_requests", lambda table: table["StorageDescriptor"].update(SerdeInfo=serde), world)


@_breaks(faults.VIEW_WITHOUT_SERDE)
def _a_view_without_a_serde(world: World) -> None:
    """What the provider makes of a view that declares none, or an empty one."""
    _change_table("router_requests", lambda table: table["StorageDescriptor"].pop("SerdeInfo"), world)


@_breaks(faults.VIEW_STALE)
def _a_view_that_athena_calls_stale(world: World) -> None:
    """As aws-solutions-library-samples/cloud-intelligence-dashboards-data-collection #391 reports it."""
    world.fail_queries(
        "VIEW_IS_STALE: line 1:15: View 'awsdatacatalog.raxx_heroku_logs.router_requests' is stale or in invalid "
        "state: column [status] of type integer projected from query view at position 8 cannot be coerced to column "
        "[status] of type varchar stored in view definition",
        of="router_requests",
    )


@_breaks(faults.VIEW_FAILS)
def _a_view_that_athena_refuses(world: World) -> None:
    """As an engine does that knows less than the one that the view was written for."""
    reason = "NOT_SUPPORTED: Casting a Timestamp with Time Zone to Timestamp is not supported."
    world.fail_queries(reason, of="router_requests")


def _workgroup(change: Callable[[dict[str, Any]], object], world: World) -> None:
    world.answer("athena", "GetWorkGroup", lambda parsed: change(parsed["WorkGroup"]))


_WORKGROUP_CHANGES: dict[str, Callable[[dict[str, Any]], object]] = {
    "disabled": lambda group: group.update(State="DISABLED"),
    "not_enforced": lambda group: group["Configuration"].update(EnforceWorkGroupConfiguration=False),
    "no_limit": lambda group: group["Configuration"].pop("BytesScannedCutoffPerQuery"),
    "elsewhere": lambda group: group["Configuration"]["ResultConfiguration"].update(OutputLocation="s3://x/"),
}
for _name, _change in _WORKGROUP_CHANGES.items():
    _breaks(faults.WORKGROUP_DIFFERS, _name)(partial(_workgroup, _change))


@_breaks(faults.LINES_INVISIBLE)
def _an_object_without_lines(world: World) -> None:
    world.take_away(VELVET)
    world.put(key(VELVET, 5), packed())


@_breaks(faults.OBJECT_UNREADABLE)
def _a_cut_off_object(world: World) -> None:
    world.put(key(API, 5, "cut"), packed(*(line(API, 5, f"{number}") for number in range(999)))[:-20])


@_breaks(faults.OBJECT_UNREADABLE)
def _an_object_that_is_no_gzip(world: World) -> None:
    world.put(key(API, 5, "plain"), line(API, 5).encode())


@_breaks(faults.OBJECT_ARCHIVED)
def _an_object_in_an_archive_tier(world: World) -> None:
    """Athena skips those in Glacier; those of an archive tier of INTELLIGENT_TIERING it can only fail on."""
    world.fail_queries(
        "HIVE_CURSOR_ERROR: com.amazonaws.services.s3.model.AmazonS3Exception: The operation is not valid for the "
        "object's storage class (Service: Amazon S3; Status Code: 403; Error Code: InvalidObjectState; Request ID: W0; "
        "S3 Extended Request ID: NY; Proxy: null), S3 Extended Request ID: NY "
        f"(Path: s3://{world.bucket}/{key(API, 5)})",
        of="count(*) AS lines",
    )


@_breaks(faults.LINES_LOST)
def _a_loss_report_of_yesterday(world: World) -> None:
    put_loss_report(world, "7 messages dropped")


@_breaks(faults.LINES_LOST)
def _a_loss_report_that_names_the_stacks_drain(world: World) -> None:
    [drain] = world.stack.heroku.drains(API)
    put_loss_report(world, f"drain '{drain['token']}' dropped 7 messages")


def put_loss_report(world: World, what: str) -> None:
    """Store an L10 of the day before."""
    report = f"Error L10 (output buffer overflow): {what} since 2026-11-23T03:00:00+00:00."
    minutes = 28 * 60
    world.put(key(API, minutes, "loss"), packed(line(API, minutes, report, "logplex", "heroku")))


# ---------------------------------------------------------------- the watch


@_breaks(faults.LOGS_DELETED)
def _somebody_deletes_an_object(world: World) -> None:
    s3, deleted = world.client("s3"), key(API, 90, "deleted")
    s3.put_object(Bucket=world.bucket, Key=deleted, Body=packed(line(API, 90)))
    s3.delete_object(Bucket=world.bucket, Key=deleted)
    world.undo.callback(forget_deletions, world.stack)


@_breaks(faults.LOGS_DELETED)
def _somebody_deletes_a_version(world: World) -> None:
    s3, deleted = world.client("s3"), key(API, 91, "deleted")
    version = s3.put_object(Bucket=world.bucket, Key=deleted, Body=packed(line(API, 91)))["VersionId"]
    s3.delete_object(Bucket=world.bucket, Key=deleted, VersionId=version)
    world.undo.callback(forget_deletions, world.stack)


def _change_notification(change: Callable[[list[dict[str, Any]]], object], world: World) -> None:
    s3 = world.client("s3")
    told = s3.get_bucket_notification_configuration(Bucket=world.bucket)["QueueConfigurations"]

    def put(configurations: list[dict[str, Any]]) -> None:
        s3.put_bucket_notification_configuration(
            Bucket=world.bucket, NotificationConfiguration={"QueueConfigurations": configurations}
        )

    world.undo.callback(put, json.loads(json.dumps(told)))
    change(told)
    put(told)


_NOTIFICATION_CHANGES: dict[str, Callable[[list[dict[str, Any]]], object]] = {
    "gone": lambda told: told.clear(),
    "of_markers_only": lambda told: told[0].update(Events=["s3:ObjectRemoved:DeleteMarkerCreated"]),
    "of_one_app_only": lambda told: told[0]["Filter"]["Key"]["FilterRules"][0].update(Value=f"logs/{API}/"),
}
for _name, _alter in _NOTIFICATION_CHANGES.items():
    _breaks(faults.DELETIONS_UNSEEN, f"notification_{_name}")(partial(_change_notification, _alter))


@_breaks(faults.DELETIONS_UNSEEN)
def _no_queue_of_deletions(world: World) -> None:
    sqs, url = world.client("sqs"), deletions_url(world.stack)
    world.undo.callback(lambda: sqs.create_queue(QueueName=url.rpartition("/")[2]))
    sqs.delete_queue(QueueUrl=url)


@_breaks(faults.ALARM_FIRING)
def _an_alarm_fires(world: World) -> None:
    cloudwatch = world.client("cloudwatch")
    world.undo.callback(cloudwatch.set_alarm_state, AlarmName=_ALARM, StateValue="OK", StateReason="batches")
    cloudwatch.set_alarm_state(AlarmName=_ALARM, StateValue="ALARM", StateReason="no\nbatches")


@_breaks(faults.ALARM_FIRING)
def _an_operators_own_alarm_fires(world: World) -> None:
    cloudwatch = world.client("cloudwatch")
    own = {**declared_alarm(world.stack, _ALARM), "AlarmName": "raxx-log-my-own"}
    world.undo.callback(cloudwatch.delete_alarms, AlarmNames=["raxx-log-my-own"])
    cloudwatch.put_metric_alarm(**own)
    cloudwatch.set_alarm_state(AlarmName="raxx-log-my-own", StateValue="ALARM", StateReason="x")


@_breaks(faults.ALARM_MISSING)
def _no_alarm(world: World) -> None:
    cloudwatch = world.client("cloudwatch")
    world.undo.callback(partial(cloudwatch.put_metric_alarm, **declared_alarm(world.stack, _ALARM)))
    cloudwatch.delete_alarms(AlarmNames=[_ALARM])


def _change_alarm(name: str, change: Callable[[dict[str, Any]], object], world: World) -> None:
    cloudwatch, declared = world.client("cloudwatch"), declared_alarm(world.stack, name)
    world.undo.callback(partial(cloudwatch.put_metric_alarm, **json.loads(json.dumps(declared))))
    change(declared)
    cloudwatch.put_metric_alarm(**declared)


def _not_of_two_days(alarm: dict[str, Any]) -> None:
    stat = next(query["MetricStat"] for query in alarm.pop("Metrics") if "MetricStat" in query)
    alarm.update(stat["Metric"], Period=stat["Period"], Statistic=stat["Stat"])


_ALARM_CHANGES: dict[str, tuple[str, Callable[[dict[str, Any]], object]]] = {
    "threshold": (_ALARM, lambda alarm: alarm.update(Threshold=3000)),
    "metric": (_ALARM, lambda alarm: alarm.update(MetricName="Behnid")),
    "namespace": (_ALARM, lambda alarm: alarm.update(Namespace="another")),
    "dimension_more": (_ALARM, lambda alarm: alarm.update(Dimensions=[{"Name": "app", "Value": API}])),
    "another_queue": ("raxx-log-spill-age", lambda alarm: alarm["Dimensions"][0].update(Value="raxx-log-spil")),
    "another_app": (f"raxx-log-silent-{API}", lambda alarm: alarm["Dimensions"][0].update(Value=CONSOLE)),
    "statistic": (_ALARM, lambda alarm: alarm.update(Statistic="Average")),
    "percentile": ("raxx-log-receiver-slow", lambda alarm: alarm.update(ExtendedStatistic="p50")),
    "period": (_ALARM, lambda alarm: alarm.update(Period=3600)),
    "periods": (_ALARM, lambda alarm: alarm.update(EvaluationPeriods=50)),
    "datapoints": (_ALARM, lambda alarm: alarm.update(DatapointsToAlarm=5)),
    "comparison": (_ALARM, lambda alarm: alarm.update(ComparisonOperator="LessThanThreshold")),
    "missing_data": (_ALARM, lambda alarm: alarm.update(TreatMissingData="notBreaching")),
    "no_topic": (_ALARM, lambda alarm: alarm.pop("AlarmActions")),
    "another_topic": (_ALARM, lambda alarm: alarm.update(AlarmActions=["arn:aws:sns:us-east-1:123456789012:x"])),
    "not_of_two_days": (_CHANGE_ALARM, _not_of_two_days),
}
for _name, (_of, _alter_alarm) in _ALARM_CHANGES.items():
    _breaks(faults.ALARM_DIFFERS, f"alarm_{_name}")(partial(_change_alarm, _of, _alter_alarm))


@_breaks(faults.ALARM_DISARMED)
def _somebody_disables_actions(world: World) -> None:
    cloudwatch = world.client("cloudwatch")
    world.undo.callback(cloudwatch.enable_alarm_actions, AlarmNames=[_ALARM])
    cloudwatch.disable_alarm_actions(AlarmNames=[_ALARM])


def _mend_subscriptions(world: World) -> None:
    subscribe(world.stack, "email", "ops@raxx.app")
    confirm_subscriptions(world.stack)


@_breaks(faults.NOBODY_TOLD)
def _the_operator_unsubscribes(world: World) -> None:
    arn = subscribe(world.stack, "email", "ops@raxx.app")
    world.undo.callback(_mend_subscriptions, world)
    world.client("sns").unsubscribe(SubscriptionArn=arn)


@_breaks(faults.NOBODY_TOLD)
def _no_topic(world: World) -> None:
    sns, topic = world.client("sns"), world.stack.outputs["alarmTopicArn"]
    world.undo.callback(_mend_subscriptions, world)
    world.undo.callback(sns.create_topic, Name=topic.rpartition(":")[2])
    sns.delete_topic(TopicArn=topic)


def _subscribed_and_not_confirmed(protocol: str, endpoint: str, world: World) -> None:
    arn = subscribe(world.stack, protocol, endpoint)
    world.undo.callback(world.client("sns").unsubscribe, SubscriptionArn=arn)


for _protocol, _address in (("email", "sre@raxx.app"), ("https", "https://hooks.example.com/T0/secret")):
    _breaks(faults.SUBSCRIPTION_PENDING, f"{_protocol}_not_confirmed")(
        partial(_subscribed_and_not_confirmed, _protocol, _address)
    )


@_breaks(faults.DASHBOARD_MISSING)
def _no_dashboard(world: World) -> None:
    cloudwatch, name = world.client("cloudwatch"), "raxx-log-archive"
    body = cloudwatch.get_dashboard(DashboardName=name)["DashboardBody"]
    world.undo.callback(cloudwatch.put_dashboard, DashboardName=name, DashboardBody=body)
    cloudwatch.delete_dashboards(DashboardNames=[name])


def _change_budget(limit: Mapping[str, str] | None, world: World) -> None:
    budgets: dict[str, str] = {"AccountId": "123456789012", "BudgetName": "raxx-log-monthly"}
    client = world.client("budgets")
    found = client.describe_budget(**budgets)["Budget"]
    fields = ("BudgetName", "BudgetLimit", "TimeUnit", "BudgetType")
    declared = {field: found[field] for field in fields}

    def put(changed: Mapping[str, Any]) -> None:
        client.create_budget(AccountId=budgets["AccountId"], Budget={**declared, **changed})

    client.delete_budget(**budgets)
    world.undo.callback(put, {})
    if limit:
        put({"BudgetLimit": limit})
        world.undo.callback(partial(client.delete_budget, **budgets))


for _name, _limit in {
    "no_budget": None,
    "a_larger_budget": {"Amount": "2000", "Unit": "USD"},
    "a_budget_of_gigabytes": {"Amount": "20", "Unit": "GB"},
}.items():
    _breaks(faults.BUDGET_DIFFERS, _name)(partial(_change_budget, _limit))
