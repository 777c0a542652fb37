"""`verify` finds what was done to the archive of a local stack, in Glacier too, with the reader's rights."""

import hashlib
import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from contract.digests import Digest
from contract.object_keys import ObjectKey, batch_id
from local.logplex.nodes import post
from local.stack import LocalStack, Options
from receiver.put_object import PutOptions
from tests.support.reader_policy import reader_policy
from tests.support.runbook_cli import Run, runner

APP = "raxx-api-prod"


def at_noon(days_ago: int, name: str) -> str:
    noon = datetime.now(UTC).replace(hour=12, minute=0, second=0, microsecond=0) - timedelta(days=days_ago)
    return str(ObjectKey(APP, int(noon.timestamp() * 1000), batch_id(APP, name)))


KEYS = [at_noon(days, f"{days}") for days in (2, 1, 0)]


@pytest.fixture(scope="module")
def stack() -> Iterator[LocalStack]:
    with LocalStack(Options()) as running:
        for key in KEYS:
            put(running, key)
        running.digest()
        running.digest()
        yield running


@pytest.fixture
def runbook(stack: LocalStack, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Run:
    return runner(stack, monkeypatch, capfd, datetime.now(UTC))


def put(stack: LocalStack, key: str, data: bytes = b"lines", **given: Any) -> None:
    """Write an object, also over another one."""
    options = {name: value for name, value in PutOptions().of(data, 1).items() if name != "IfNoneMatch"} | given
    stack.client("s3").put_object(Bucket=stack.outputs["bucket"], Key=key, Body=data, **options)


@contextmanager
def changed(stack: LocalStack, key: str) -> Iterator[None]:
    """Let the archive be as before, afterwards."""
    s3, bucket = stack.client("s3"), stack.outputs["bucket"]
    before = {each["VersionId"] for each in s3.list_object_versions(Bucket=bucket, Prefix=key).get("Versions", [])}
    yield
    versions = s3.list_object_versions(Bucket=bucket, Prefix=key)
    for each in [*versions.get("Versions", []), *versions.get("DeleteMarkers", [])]:
        if each["VersionId"] not in before:
            s3.delete_object(Bucket=bucket, Key=key, VersionId=each["VersionId"])


def found(runbook: Run, *arguments: str) -> tuple[int, dict[str, Any]]:
    answer = runbook("--json", "verify", "--last", "4d", *arguments)
    assert answer.err == ""
    return answer.code, json.loads(answer.out)


def test_an_archive_that_nobody_touched_is_fine(runbook: Run) -> None:
    code, document = found(runbook)
    assert (code, document["fine"]) == (0, True)
    assert document["objects"]["as_recorded"] == 3
    assert document["chain"]["digests"] == 2
    answer = runbook("verify", "--last", "4d")
    assert answer.code == 0
    assert "objects  3 as recorded\ndigests  2 digests; the newest is 1 of " in answer.out
    assert f"head     {document['chain']['head']}\n" in answer.out
    assert "nothing is missing, changed or added" in answer.err


def test_every_object_has_the_recorded_sha256(runbook: Run) -> None:
    code, document = found(runbook, "--checksums")
    assert (code, document["objects"]["as_recorded"]) == (0, 3)


def test_a_deleted_object_is_missing(stack: LocalStack, runbook: Run) -> None:
    with changed(stack, KEYS[1]):
        stack.client("s3").delete_object(Bucket=stack.outputs["bucket"], Key=KEYS[1])
        code, document = found(runbook)
        answer = runbook("verify", "--last", "4d")
    assert (code, document["objects"]["missing"], document["first"]["missing"]["key"]) == (1, 1, KEYS[1])
    assert f"MISSING  1 object, the first is\n         s3://{stack.outputs['bucket']}/{KEYS[1]}\n" in answer.out
    assert f"aws s3api list-object-versions --bucket {stack.outputs['bucket']} --prefix {KEYS[1]}" in answer.err


def test_an_overwritten_object_is_changed(stack: LocalStack, runbook: Run) -> None:
    with changed(stack, KEYS[0]):
        put(stack, KEYS[0], b"other lines")
        code, document = found(runbook)
    assert (code, document["objects"]["changed"], document["first"]["changed"]["key"]) == (1, 1, KEYS[0])


def test_an_object_that_was_written_after_the_last_digest_is_not_recorded_yet(stack: LocalStack, runbook: Run) -> None:
    new = at_noon(1, "new")
    with changed(stack, new):
        put(stack, new)
        code, document = found(runbook)
    assert (code, document["objects"]["not_recorded_yet"]) == (0, 1)


def test_the_reader_may_do_it(stack: LocalStack, runbook: Run) -> None:
    """It asks S3 for nothing that the reader role's policy does not allow."""
    asked: set[str] = set()

    def note(params: dict[str, Any], model: Any, **_: Any) -> None:
        if model.service_model.service_name == "s3":
            asked.add(model.name)
            assert params["ExpectedBucketOwner"] == "123456789012"

    runbook.watch(note)
    assert found(runbook, "--checksums")[0] == 0
    # ListBucket and GetObject are their rights.
    assert asked == {"ListObjectsV2", "GetObject", "HeadObject"}
    allowed = {action for each in reader_policy(stack)["Statement"] for action in actions(each["Action"])}
    assert {"s3:ListBucket", "s3:GetObject"} <= allowed


def actions(value: str | list[str]) -> list[str]:
    return [value] if isinstance(value, str) else value


def test_logs_in_glacier_are_verified_without_a_restore(stack: LocalStack, runbook: Run) -> None:
    """A lifecycle rule does not change when an object was modified."""
    with changed(stack, KEYS[0]):
        put(stack, KEYS[0], StorageClass="GLACIER")
        code, document = found(runbook, "--checksums")
    assert (code, document["fine"]) == (0, True)


def test_a_head_that_is_in_the_chain_is_found(runbook: Run) -> None:
    _, document = found(runbook)
    assert found(runbook, "--head", document["chain"]["head"])[0] == 0
    code, document = found(runbook, "--head", "0" * 64)
    assert code == 1
    assert "the chain was rewritten" in document["chain"]["problems"][0]
    answer = runbook("verify", "--last", "4d", "--head", "0" * 64)
    assert answer.out.startswith("CHAIN    no digest that was read has the SHA-256 000")
    assert "hla doctor --only digests" in answer.err


def test_a_deleted_digest_is_missing(stack: LocalStack, runbook: Run) -> None:
    key = "digests/1970/01/01/00000000.json.gz"
    with changed(stack, key):
        stack.client("s3").delete_object(Bucket=stack.outputs["bucket"], Key=key)
        code, document = found(runbook)
    assert code == 1
    assert document["chain"]["problems"][0].startswith("all digests before digests/")


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        ([], "verify needs a window: add --from and --to, or --last"),
        (["--last", "2d", "--head", "xyz"], "invalid --head 'xyz': write the 64 hexadecimal digits"),
    ],
)
def test_what_is_asked_wrongly_is_said(runbook: Run, arguments: list[str], error: str) -> None:
    answer = runbook("verify", *arguments)
    assert answer.code == 2
    assert answer.err.startswith(f"error: {error}")


# ---------------------------------------------------------------- what the functions write


def test_what_the_flusher_writes_is_recorded_with_its_lines_and_locked() -> None:
    with LocalStack(Options(config={"objectLockDays": "30"})) as locked:
        s3, bucket = locked.client("s3"), locked.outputs["bucket"]
        for number in range(2):
            time = datetime.now(UTC) - timedelta(hours=2)
            frame = b"<190>1 %b host app web.1 - line %d" % (time.isoformat(timespec="microseconds").encode(), number)
            assert post(locked.drain_urls[APP], b"%d %b" % (len(frame), frame), f"{number:032}") == 200
        locked.flush()
        made = locked.digest()
        assert (made["objects"], made["lines"]) == (1, 2)
        digest = Digest.decode(s3.get_object(Bucket=bucket, Key=made["key"])["Body"].read())
        [entry] = digest.entries
        stored = s3.get_object(Bucket=bucket, Key=entry.key)["Body"].read()
        assert entry.sha256 == hashlib.sha256(stored).hexdigest()
        for key in (entry.key, made["key"]):
            assert s3.head_object(Bucket=bucket, Key=key)["ObjectLockMode"] == "GOVERNANCE"
