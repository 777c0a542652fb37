"""`restore`: what is asked for and what not, whatever happens meanwhile; its cost; what searches say of Glacier."""

import gzip
import json
import re
import threading
import urllib.request
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError
from hypothesis import given, settings
from hypothesis import strategies as st

from contract.object_keys import ObjectKey, batch_id, partition_prefix
from contract.window import Window
from local.stack import LocalStack, Options
from runbook import prices
from runbook.clients import aws, s3_objects
from runbook.clients.s3_objects import State, StoredObject
from runbook.glacier import restore, retrieval
from runbook.glacier.survey import Count
from runbook.search import estimate
from runbook.terminal import confirm, times
from tests.support.policy_evaluation import Ask, allows
from tests.support.reader_policy import role_policy
from tests.support.runbook_cli import Answer, Run, check_transcript, runner

NOW = datetime(2026, 11, 24, 5, 0, tzinfo=UTC)
API, CONSOLE = "raxx-api-prod", "raxx-console-prod"
DAY = date(2026, 8, 1)
WINDOW = Window(datetime(2026, 8, 1, tzinfo=UTC), datetime(2026, 8, 1, 4, tzinfo=UTC))
SCOPE = ["--app", API, "--from", "2026-08-01T00:00:00Z", "--to", "2026-08-01T04:00:00Z"]


# ---------------------------------------------------------------- a bucket that does what a test says

Answering = Callable[[str, int], object]


class FakeS3:
    """A bucket of objects in Glacier, `page` of them per page; `asked` are the keys of all restores, in order.

    `answering(call, number)` sees each call, "list" or a key, before it has an effect, and `answered` after; each may
    raise. `states` are what lists say: no entry for what is not restored, None while in progress, or the copy's end.
    """

    meta = SimpleNamespace(events=SimpleNamespace(register=lambda *_, **__: None))

    def __init__(self, keys: list[str], *, size: int = 1000, page: int = 1000) -> None:
        self.keys, self.size, self.page = keys, size, page
        self.states: dict[str, datetime | None] = {}
        self.asked: list[str] = []
        self.storage_class = "GLACIER"
        self.answering: Answering = lambda *_: None
        self.answered: Answering = lambda *_: None
        self.calls = 0
        self.listed = 0
        self._lock = threading.Lock()

    def get_paginator(self, name: str) -> "FakeS3":
        assert name == "list_objects_v2"
        return self

    def paginate(self, **wanted: Any) -> Iterator[dict[str, Any]]:
        assert wanted["OptionalObjectAttributes"] == ["RestoreStatus"]
        keys = [key for key in self.keys if key.startswith(wanted["Prefix"])]
        for start in range(0, len(keys) or 1, self.page):
            number = self._call("list")
            found = [self._listed(key) for key in keys[start : start + self.page]]
            self.listed += len(found)
            self.answered("list", number)
            yield {"Contents": found} if found else {}

    def restore_object(self, *, Bucket: str, Key: str, RestoreRequest: Any) -> None:  # noqa: N803
        number = self._call(Key)
        with self._lock:
            self.asked.append(Key)
            self.states[Key] = None
        self.answered(Key, number)

    def _call(self, what: str) -> int:
        with self._lock:
            self.calls += 1
            number = self.calls
        self.answering(what, number)
        return number

    def _listed(self, key: str) -> dict[str, Any]:
        found = {"Key": key, "Size": self.size, "LastModified": NOW, "StorageClass": self.storage_class}
        if key not in self.states:
            return found
        until = self.states[key]
        ready = {"RestoreExpiryDate": until} if until else {}
        return found | {"RestoreStatus": {"IsRestoreInProgress": until is None, **ready}}


def key(number: int, app: str = API) -> str:
    return str(ObjectKey(app, int(WINDOW.since.timestamp() * 1000) + number, batch_id(app, str(number))))


def refusal(code: str) -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": "because"}}, "RestoreObject")


@pytest.fixture
def bucket(runbook: Run) -> Callable[[FakeS3], FakeS3]:
    """Put a bucket in the place of the stack's own."""

    def use(fake: FakeS3) -> FakeS3:
        runbook.make_client = lambda session, service: fake if service == "s3" else aws.make_client(session, service)
        return fake

    return use


# ---------------------------------------------------------------- the local stack

LINE = "<190>1 {time} host app web.1 - - {message}"


def store(stack: LocalStack, app: str, time: datetime, message: str, storage_class: str = "GLACIER") -> str:
    key = str(ObjectKey(app, int(time.timestamp() * 1000), batch_id(app, message)))
    text = LINE.format(time=time.isoformat(timespec="microseconds"), message=message) + "\n"
    # Not compressed, as the length would be zlib's.
    body = gzip.compress(text.encode(), compresslevel=0, mtime=0)
    stack.client("s3").put_object(
        Bucket=stack.outputs["bucket"],
        Key=key,
        Body=body,
        StorageClass=storage_class,
    )
    return key


def minute(number: int) -> datetime:
    return WINDOW.since + timedelta(minutes=number)


@pytest.fixture(scope="module")
def stack() -> Iterator[LocalStack]:
    """A stack at a fixed time."""
    with LocalStack(Options(clock=NOW)) as running:
        yield running


@pytest.fixture
def archive(stack: LocalStack) -> Iterator[LocalStack]:
    """The stack with three objects in Glacier of one app's day, another that is in Standard, and one of another app."""
    stored = [store(stack, API, minute(number), f"line {number}") for number in range(3)]
    stored.append(store(stack, API, minute(3), "not archived", "STANDARD"))
    stored.append(store(stack, CONSOLE, minute(0), "of the console"))
    yield stack
    for each in stored:
        stack.client("s3").delete_object(Bucket=stack.outputs["bucket"], Key=each)
    unhurry(stack)


@pytest.fixture
def runbook(stack: LocalStack, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Run:
    return runner(stack, monkeypatch, capfd, NOW)


def moto(stack: LocalStack, path: str, document: dict[str, Any]) -> None:
    request = urllib.request.Request(f"{stack.aws_url}/moto-api/state-manager/{path}", json.dumps(document).encode())
    urllib.request.urlopen(request).close()


def take_hours(stack: LocalStack) -> None:
    """Restores stay in progress, as in AWS; moto's are done at once."""
    slow = {"progression": "manual", "times": 10**9}
    moto(stack, "set-transition", {"model_name": "s3::keyrestore", "transition": slow})


def unhurry(stack: LocalStack) -> None:
    """What is in progress is done."""
    moto(stack, "unset-transition", {"model_name": "s3::keyrestore"})


# ---------------------------------------------------------------- transcripts


def check(name: str, arguments: list[str], answer: Answer) -> None:
    """When a copy goes is counted by moto from the real time."""
    settled = [
        re.sub(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\dZ", "0000-00-00 00:00:00Z", text) for text in (answer.out, answer.err)
    ]
    check_transcript(name, arguments, Answer(answer.code, *settled))


def test_a_restore_from_the_question_to_the_search(archive: LocalStack, runbook: Run) -> None:
    """Each answer names the next command, which the next step runs as it stands."""
    searched = ["lines", *SCOPE]
    needed = runbook(*searched)
    check("restore-needed", searched, needed)
    asked = ["restore", *SCOPE]
    check("restore-unanswered", asked, runbook(*asked))
    take_hours(archive)
    asked = ["restore", *SCOPE, "--yes"]
    check("restore", asked, runbook(*asked))
    looked = ["restore", "--status", *SCOPE]
    check("restore-status", looked, runbook(*looked))
    assert runbook(*searched).out == needed.out, "what is in progress cannot be read yet"
    unhurry(archive)
    check("restore-status-ready", looked, runbook(*looked))
    again_ = runbook(*asked)
    check("restore-again", asked, again_)
    check("restore-done", searched, runbook(*searched))


def test_a_restore_in_json(archive: LocalStack, runbook: Run) -> None:
    take_hours(archive)
    for name, arguments in {
        "restore-json": ["restore", *SCOPE, "--tier", "bulk", "--days", "7", "--yes", "--json"],
        "restore-status-json": ["restore", "--status", *SCOPE, "--json"],
    }.items():
        answer = runbook(*arguments)
        json.loads(answer.out)
        check(name, arguments, answer)


# ---------------------------------------------------------------- rights


def test_restoring_needs_the_restorer_roles_rights_and_no_more(
    archive: LocalStack, runbook: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Lists within logs/ and restores there: no HeadObject, whose right is to read. Before, it reads the outputs."""
    asks: list[Ask] = []
    before: set[str] = set()
    bucket_arn = f"arn:aws:s3:::{archive.outputs['bucket']}"

    def note(params: dict[str, Any], model: Any, **_: Any) -> None:
        match model.name:
            case "ListObjectsV2":
                asks.append(Ask("s3:ListBucket", bucket_arn, {"s3:prefix": params["Prefix"]}))
            case "RestoreObject":
                asks.append(Ask("s3:RestoreObject", f"{bucket_arn}/{params['Key']}"))
            case name:
                before.add(f"{name} {params.get('RoleArn') or params['Name']}")

    runbook.watch(note)
    # The emulator lets copies expire by the real clock.
    monkeypatch.setattr(times, "now", lambda: datetime.now(UTC))
    assert runbook("restore", *SCOPE, "--yes").code == 0
    assert runbook("restore", *SCOPE, "--yes", "--extend", "--days", "30").code == 0
    assert runbook("restore", "--status", *SCOPE).code == 0

    assert Counter(ask.action for ask in asks) == {"s3:ListBucket": 5, "s3:RestoreObject": 6}
    assert [ask for ask in asks if not allows(role_policy(archive, "restorerRoleArn"), ask)] == []
    assert before == {"GetParameter /raxx/log-drain/outputs", f"AssumeRole {archive.outputs['restorerRoleArn']}"}


# ---------------------------------------------------------------- stopped and repeated


def let_go() -> None:
    """Wait for the requests that were under way, as the end of a process does."""
    for thread in threading.enumerate():
        if thread.name.startswith("ThreadPoolExecutor"):
            thread.join()


# One list to count, one to ask, and six requests.
CALLS = 8


@pytest.mark.parametrize("after", [False, True], ids=["before-the-effect", "after-the-effect"])
@pytest.mark.parametrize("number", range(1, CALLS + 1))
def test_stopped_anywhere_a_repeat_finishes_and_asks_nothing_twice(
    runbook: Run, bucket: Callable[[FakeS3], FakeS3], number: int, after: bool
) -> None:
    fake = bucket(FakeS3([key(each) for each in range(6)]))

    def stop(_: str, call: int) -> None:
        if call == number:
            raise KeyboardInterrupt

    setattr(fake, "answered" if after else "answering", stop)
    stopped = runbook("restore", *SCOPE, "--yes")
    assert (stopped.code, stopped.out) == (130, "")
    assert ("run the same command again to request the rest" in stopped.err) == (number > 1)
    fake.answering = fake.answered = lambda *_: None
    let_go()
    assert runbook("restore", *SCOPE, "--yes").code == 0
    assert Counter(fake.asked) == Counter(fake.keys)


def test_stopped_by_a_signal_it_ends_in_order(archive: LocalStack, runbook: Run, tmp_path: Any) -> None:
    """SIGTERM as Ctrl-C: exit code 130, and it says how to go on. It hits the first request, wherever that is."""
    import os
    import subprocess
    import sys

    script = """
import os, signal, sys
from runbook.cli import run
from runbook.clients import aws

def make_client(session, service):
    client = aws.make_client(session, service)
    stop = lambda **_: os.kill(os.getpid(), signal.SIGTERM)
    client.meta.events.register("before-call.s3.RestoreObject", stop)
    return client

signal.signal(signal.SIGTERM, signal.default_int_handler)
sys.exit(run(sys.argv[1:], make_client=make_client))
"""
    done = subprocess.run(
        [sys.executable, "-c", script, "restore", *SCOPE, "--yes"],
        capture_output=True,
        text=True,
        check=False,
        env=os.environ | {"AWS_ENDPOINT_URL": archive.aws_url},
    )
    assert (done.returncode, done.stdout) == (130, "")
    assert "run the same command again to request the rest" in done.stderr


def test_what_another_has_asked_for_meanwhile_is_not_asked_for_again(
    runbook: Run, bucket: Callable[[FakeS3], FakeS3], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A question may wait for hours. What came to lie in Glacier meanwhile was not agreed to, and is left."""
    fake = bucket(FakeS3([key(each) for each in range(4)]))

    def meanwhile(*_: object, **__: object) -> None:
        fake.states[key(0)] = None
        fake.keys += [key(each) for each in range(4, 20)]

    monkeypatch.setattr(confirm, "ask", meanwhile)
    assert runbook("restore", *SCOPE).code == 0
    assert len(fake.asked) == 4
    assert key(0) not in fake.asked


def test_a_restore_that_another_began_first_is_no_failure(runbook: Run, bucket: Callable[[FakeS3], FakeS3]) -> None:
    fake = bucket(FakeS3([key(each) for each in range(3)]))

    def refuse(what: str, _: int) -> None:
        if what == key(1):
            raise refusal("RestoreAlreadyInProgress")

    fake.answering = refuse
    answer = runbook("restore", *SCOPE, "--yes")
    assert answer.code == 0
    assert answer.out.startswith("requested 2 objects, 1 by somebody else; ready in 3 to 5 hours, kept 2 days\n")


# ---------------------------------------------------------------- copies that are ready

SOON, LATE = datetime(2026, 11, 25, tzinfo=UTC), datetime(2026, 12, 24, tzinfo=UTC)


@pytest.mark.parametrize(
    ("arguments", "asked"),
    [
        pytest.param(["--days", "7"], [key(2)], id="left as they are"),
        pytest.param(["--days", "7", "--extend"], [key(0), key(2)], id="kept longer, and none shorter"),
    ],
)
def test_a_copy_is_kept_longer_only_when_that_is_said(
    runbook: Run, bucket: Callable[[FakeS3], FakeS3], arguments: list[str], asked: list[str]
) -> None:
    """S3 counts the days anew from the request (S3 API reference, "RestoreObject"): it could shorten them, too."""
    fake = bucket(FakeS3([key(each) for each in range(3)]))
    fake.states = {key(0): SOON, key(1): LATE}
    assert runbook("restore", *SCOPE, "--yes", *arguments).code == 0
    assert fake.asked == asked


def test_what_is_in_progress_is_never_asked_for(runbook: Run, bucket: Callable[[FakeS3], FakeS3]) -> None:
    """A faster tier would begin a second restore, which is charged too (S3 user guide, "Archive retrieval options")."""
    fake = bucket(FakeS3([key(0)]))
    fake.states = {key(0): None}
    answer = runbook("restore", *SCOPE, "--tier", "expedited", "--extend", "--yes")
    assert (answer.code, fake.asked) == (0, [])
    assert answer.out == "nothing to restore: 1 in progress\n"


# ---------------------------------------------------------------- failures


def test_a_failure_stops_no_other_and_is_summed_by_code_with_what_to_do(
    runbook: Run, bucket: Callable[[FakeS3], FakeS3]
) -> None:
    codes = {
        key(1): "NoSuchKey",
        key(2): "SlowDown",
        key(3): "SlowDown",
        key(4): "GlacierExpeditedRetrievalNotAvailable",
        key(5): "Novel\x1b[31mError",
    }
    fake = bucket(FakeS3([key(each) for each in range(8)]))

    def refuse(what: str, _: int) -> None:
        if what in codes:
            raise refusal(codes[what])

    fake.answering = refuse
    answer = runbook("restore", *SCOPE, "--tier", "expedited", "--yes")
    assert (answer.code, len(fake.asked)) == (1, 3)
    assert [line.split(":")[1] for line in answer.out.splitlines() if line.startswith("failed")] == [
        " 1 GlacierExpeditedRetrievalNotAvailable",
        " 1 NoSuchKey",
        " 1 Novel\\x1b[31mError",
        " 2 SlowDown",
    ]
    assert "run the command again later, or with --tier standard" in answer.out
    document = json.loads(runbook("restore", *SCOPE, "--yes", "--json").out)
    assert document["failed"] == Counter(codes.values())


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (refusal("AccessDenied"), "could not tell: you are not allowed to call RestoreObject"),
        (refusal("ExpiredToken"), "AWS rejects the credentials (ExpiredToken)"),
        (EndpointConnectionError(endpoint_url="https://s3"), "cannot reach AWS"),
    ],
    ids=["denied", "expired", "unreachable"],
)
def test_what_every_request_would_be_refused_for_ends_it(
    runbook: Run, bucket: Callable[[FakeS3], FakeS3], error: Exception, told: str
) -> None:
    """With exit code 2, after few calls, and a repeat goes on."""
    fake = bucket(FakeS3([key(each) for each in range(5000)]))

    def refuse(what: str, _: int) -> None:
        if what != "list":
            raise error

    fake.answering = refuse
    answer = runbook("restore", *SCOPE, "--yes")
    assert (answer.code, answer.out) == (2, "")
    assert "run the same command again to request the rest" in answer.err
    assert f"error: {told}" in answer.err
    assert fake.calls < 1000


# ---------------------------------------------------------------- cost


def test_a_cost_is_requests_bytes_and_copies() -> None:
    """S3's prices for 10,000 objects of together 12 GB, for 3 days: the copies are a tenth of a month of Standard."""
    expected = {
        "bulk": (0.0, 0.0, 0.0276),
        "standard": (0.5, 0.12, 0.0276),
        "expedited": (100.0, 0.36, 0.0276),
    }
    for name, tier in retrieval.TIERS.items():
        cost = retrieval.cost(
            tier, requests=10_000, retrieved_bytes=12 * prices.GB, copied_bytes=12 * prices.GB, days=3
        )
        assert (cost.requests, cost.retrieval, cost.copies) == pytest.approx(expected[name])
        assert cost.total == pytest.approx(sum(expected[name]))


def test_bytes_that_are_only_kept_longer_leave_glacier_no_second_time(
    runbook: Run, bucket: Callable[[FakeS3], FakeS3]
) -> None:
    fake = bucket(FakeS3([key(0), key(1)], size=30 * prices.GB))
    fake.states = {key(0): SOON}
    answer = runbook("restore", *SCOPE, "--extend", "--days", "10")
    assert answer.err.startswith(
        "error: To restore: 2 objects, 64.4 GB, 1 of them to extend; tier standard, ready in 3 to 5 hours, costs $0.76 "
        "(requests less than $0.01, retrieval $0.30, copies for 10 days $0.46). Continue?"
    )
    assert (answer.code, fake.asked) == (2, [])


@pytest.mark.parametrize(
    ("objects", "tier", "arguments", "code"),
    [
        pytest.param(999, "expedited", ["--yes"], 0, id="below the limit"),
        pytest.param(1001, "expedited", ["--yes"], 2, id="over it"),
        pytest.param(1001, "expedited", [], 2, id="over it, without --yes"),
        pytest.param(1001, "expedited", ["--yes", "--yes-really"], 0, id="over it, really"),
        pytest.param(1001, "expedited", ["--yes-really"], 2, id="really, but nobody answers the question"),
        pytest.param(1001, "standard", ["--yes"], 0, id="another tier"),
    ],
)
def test_an_expensive_expedited_restore_is_refused_unless_really(
    runbook: Run, bucket: Callable[[FakeS3], FakeS3], objects: int, tier: str, arguments: list[str], code: int
) -> None:
    """$10 a thousand requests, so about a thousand objects."""
    fake = bucket(FakeS3([key(each) for each in range(objects)], size=1))
    answer = runbook("restore", *SCOPE, "--tier", tier, *arguments)
    assert (answer.code, len(fake.asked)) == (code, objects if code == 0 else 0)
    if code and "--yes-really" not in arguments:
        assert "more than $10: use --tier standard, or add --yes-really" in answer.err


# ---------------------------------------------------------------- windows and counts


@pytest.mark.parametrize("arguments", [[], ["--to", "2026-08-02"], ["--status"], ["--days", "0"], ["--tier", "slow"]])
def test_what_cannot_be_restored_is_told_with_exit_code_2(runbook: Run, arguments: list[str]) -> None:
    answer = runbook("restore", "--app", API, *arguments)
    assert (answer.code, answer.out) == (2, "")
    assert "rror" in answer.err


def test_an_app_of_another_stack_is_not_restored(runbook: Run) -> None:
    assert runbook("restore", "--app", "raxx-other-prod", "--last", "7d").code == 2


def test_an_empty_window_and_one_without_objects_in_glacier_are_told_apart(archive: LocalStack, runbook: Run) -> None:
    empty = ["--app", API, "--from", "2026-07-01", "--to", "2026-07-02"]
    answer = runbook("restore", *empty)
    assert (answer.code, answer.out) == (0, "nothing to restore: there are no objects for these days\n")
    assert runbook("restore", "--status", *empty).out == "(no rows)\n"
    key = store(archive, API, datetime(2026, 7, 1, 3, tzinfo=UTC), "young", "STANDARD")
    answer = runbook("restore", *empty)
    archive.client("s3").delete_object(Bucket=archive.outputs["bucket"], Key=key)
    assert (answer.code, answer.out) == (0, "nothing to restore: 1 not in Glacier\n")


def test_without_an_app_all_are_restored(archive: LocalStack, runbook: Run) -> None:
    document = json.loads(runbook("restore", *SCOPE[2:], "--yes", "--json").out)
    assert (document["requested"], document["apps"]) == (4, [])
    status = json.loads(runbook("restore", "--status", *SCOPE[2:], "--json").out)
    assert (status["all_ready"], status["ready"]["objects"], status["not_in_glacier"]["objects"]) == (True, 4, 1)


def test_only_the_days_of_the_window_are_restored(archive: LocalStack, runbook: Run) -> None:
    before = store(archive, API, WINDOW.since - timedelta(milliseconds=1), "the day before")
    runbook("restore", *SCOPE, "--yes")
    head = archive.client("s3").head_object(Bucket=archive.outputs["bucket"], Key=before)
    archive.client("s3").delete_object(Bucket=archive.outputs["bucket"], Key=before)
    assert "Restore" not in head


def test_a_list_is_read_no_further_than_requests_can_follow() -> None:
    """Of 10,000 objects, the results are given one by one, and keys are not kept."""
    fake = FakeS3([key(each) for each in range(10_000)], page=100)
    chosen = (each.key for each in s3_objects.objects(fake, "b", partition_prefix(API, DAY), restores=True))  # type: ignore[arg-type]
    requests = retrieval.request_all(fake, "b", chosen, retrieval.TIERS["bulk"], 2)  # type: ignore[arg-type]
    assert next(requests) == retrieval.ACCEPTED
    assert fake.listed <= 200
    requests.close()
    assert len(fake.asked) <= 96


def test_a_restore_that_is_stopped_sends_nothing_more() -> None:
    """Ctrl-C cancels what waits for its turn; only what is on its way may still arrive."""
    fake = FakeS3([key(each) for each in range(90)])
    stopping = threading.Event()
    fake.answered = lambda *_: stopping.wait(timeout=10)

    def keys() -> Iterator[str]:
        yield from fake.keys
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        list(retrieval.request_all(fake, "b", keys(), retrieval.TIERS["bulk"], 2))  # type: ignore[arg-type]
    stopping.set()
    let_go()
    assert len(fake.asked) <= 24


def test_ten_thousand_objects_are_asked_for_once_each(runbook: Run, bucket: Callable[[FakeS3], FakeS3]) -> None:
    fake = bucket(FakeS3([key(each) for each in range(10_000)]))
    document = json.loads(runbook("restore", *SCOPE, "--yes", "--json").out)
    assert (document["requested"], document["bytes"]) == (10_000, 10**7)
    assert sorted(fake.asked) == sorted(fake.keys)


def test_many_are_asked_for_at_a_time() -> None:
    """At least 16: each waits here for 15 others."""
    fake = FakeS3([key(each) for each in range(64)])
    together = threading.Barrier(16, timeout=10)
    fake.answering = lambda *_: together.wait()
    requests = retrieval.request_all(fake, "b", fake.keys, retrieval.TIERS["bulk"], 2)  # type: ignore[arg-type]
    assert Counter(requests) == {retrieval.ACCEPTED: 64}


# ---------------------------------------------------------------- hostile values

HOSTILE = ["a b+é%2F<&>'\"$(x);`y`.gz", "\\..", "..%00", "\u202ex", "x" * 900, "?restore&versionId=1", "#f"]


def test_a_hostile_key_is_restored_as_it_is_and_never_printed(stack: LocalStack, runbook: Run) -> None:
    s3, bucket = stack.client("s3"), stack.outputs["bucket"]
    keys = [partition_prefix(API, date(2026, 8, 20)) + name for name in HOSTILE]
    for each in keys:
        s3.put_object(Bucket=bucket, Key=each, Body=b"x", StorageClass="GLACIER")
    day = ["--app", API, "--from", "2026-08-20", "--to", "2026-08-20T23:00"]
    answer = runbook("restore", *day, "--yes")
    assert (answer.code, answer.out.partition(";")[0]) == (0, f"requested {len(keys)} objects")
    assert not [name for name in HOSTILE if name in answer.out + answer.err]
    assert json.loads(runbook("restore", "--status", *day, "--json").out)["ready"]["objects"] == len(keys)
    for each in keys:
        assert 'ongoing-request="false"' in s3.head_object(Bucket=bucket, Key=each)["Restore"]
        s3.delete_object(Bucket=bucket, Key=each)


@given(st.lists(st.text(min_size=1, max_size=20), unique=True, max_size=30))
@settings(max_examples=30, deadline=None)
def test_any_key_is_asked_for_to_the_letter(names: list[str]) -> None:
    fake = FakeS3([partition_prefix(API, DAY) + name for name in names], page=7)
    listed = s3_objects.objects(fake, "b", partition_prefix(API, DAY), restores=True)  # type: ignore[arg-type]
    requests = retrieval.request_all(fake, "b", (each.key for each in listed), retrieval.TIERS["bulk"], 2)  # type: ignore[arg-type]
    assert Counter(requests).total() == len(names)
    assert sorted(fake.asked) == sorted(fake.keys)


# ---------------------------------------------------------------- states


@pytest.mark.parametrize(
    ("listed", "state"),
    [
        ({}, State.NOT_IN_GLACIER),
        ({"StorageClass": "STANDARD"}, State.NOT_IN_GLACIER),
        ({"StorageClass": "GLACIER_IR"}, State.NOT_IN_GLACIER),
        ({"StorageClass": "STANDARD_IA"}, State.NOT_IN_GLACIER),
        ({"StorageClass": "INTELLIGENT_TIERING"}, State.NOT_IN_GLACIER),
        ({"StorageClass": "GLACIER"}, State.IN_GLACIER),
        ({"StorageClass": "DEEP_ARCHIVE"}, State.IN_GLACIER),
        ({"StorageClass": "DEEP_ARCHIVE", "RestoreStatus": {"IsRestoreInProgress": True}}, State.IN_PROGRESS),
        ({"StorageClass": "GLACIER", "RestoreStatus": {"IsRestoreInProgress": True}}, State.IN_PROGRESS),
        (
            {"StorageClass": "GLACIER", "RestoreStatus": {"IsRestoreInProgress": False, "RestoreExpiryDate": SOON}},
            State.READY,
        ),
    ],
)
def test_a_list_tells_the_state(listed: Any, state: State) -> None:
    """S3 API reference, "RestoreStatus": absent, true, and false with the copy's end. The class stays GLACIER."""
    assert s3_objects.state(listed) is state


# S3 user guide, "Archive retrieval options".
@pytest.mark.parametrize(
    ("tier", "takes", "usd"),
    [("standard", "12 hours", 0.10 + 1000 * 0.02), ("bulk", "48 hours", 0.025 + 1000 * 0.0025)],
)
def test_deep_archive_takes_longer_and_costs_more(
    runbook: Run, bucket: Callable[[FakeS3], FakeS3], tier: str, takes: str, usd: float
) -> None:
    fake = bucket(FakeS3([partition_prefix(API, DAY) + str(number) for number in range(1000)], size=prices.GB))
    fake.storage_class = "DEEP_ARCHIVE"
    answer = json.loads(runbook("restore", *SCOPE, "--tier", tier, "--yes", "--json").out)
    copies = prices.S3_STANDARD.cost(1000 * prices.GB) * 2 / 30
    assert (answer["requested"], answer["cost_usd"]) == (1000, pytest.approx(usd + copies))
    fake.states.clear()
    assert f"ready in {takes}" in runbook("restore", *SCOPE, "--tier", tier, "--yes").out


def test_deep_archive_has_no_expedited_restores(runbook: Run, bucket: Callable[[FakeS3], FakeS3]) -> None:
    fake = bucket(FakeS3([partition_prefix(API, DAY) + "x"]))
    fake.storage_class = "DEEP_ARCHIVE"
    answer = runbook("restore", *SCOPE, "--tier", "expedited", "--yes")
    assert (answer.code, fake.asked) == (2, [])
    assert "no expedited restores: use --tier standard" in answer.err


def test_counts_keep_the_end_of_the_copy_that_goes_first() -> None:
    assert Count(1, 10, LATE) + Count(2, 5, SOON) + Count(1, 1) == Count(4, 16, SOON)


def test_an_object_without_an_end_is_not_kept_longer() -> None:
    assert not restore.needs_restore(StoredObject("k", 1, NOW, State.READY, None), LATE)


# ---------------------------------------------------------------- what searches say

QUERY = ["query", "errors-by-surface"]


@pytest.mark.parametrize("command", [["lines"], QUERY], ids=["lines", "query"])
def test_a_search_says_what_is_not_in_its_answer_until_it_is_ready(
    archive: LocalStack, runbook: Run, command: list[str]
) -> None:
    """Athena skips objects in Glacier in silence, also those in progress."""
    take_hours(archive)
    restoring = f"To restore them: `hla restore {' '.join(SCOPE)}`"
    for before in ([], ["restore", *SCOPE, "--yes"]):
        if before:
            assert runbook(*before).code == 0
        answer = runbook(*command, *SCOPE)
        assert answer.code == 0
        assert "the result is incomplete: 3 objects are in Glacier for these days" in answer.err
        assert restoring in answer.err
        assert json.loads(runbook(*command, *SCOPE, "--json").out)["objects_in_glacier"] == 3
    unhurry(archive)
    assert "in Glacier" not in runbook(*command, *SCOPE).err
    assert json.loads(runbook(*command, *SCOPE, "--json").out)["objects_in_glacier"] == 0


def test_what_is_restored_counts_for_what_is_scanned() -> None:
    fake = FakeS3([key(each) for each in range(3)])
    fake.states = {key(0): LATE, key(1): None}
    counted = estimate.of_window(fake, "b", [API], WINDOW)  # type: ignore[arg-type]
    assert (counted.objects, counted.scanned_bytes, counted.objects_in_glacier) == (1, 1000, 2)
