"""ARNs of the stack's resources that the columns of docs/reference/access.md are about."""

from dataclasses import dataclass
from typing import Self

from contract import names
from contract.object_keys import DIGESTS_PREFIX, LOGS_PREFIX, RESULTS_PREFIX
from tools.access.declared import Declared

_NAME = "1764000000000-0b1f5a4e-5d0f-5d0e-9e4c-3a3c4b1f6a77.gz"


@dataclass(frozen=True)
class Places:
    """ARNs of what deeds are done to."""

    bucket: str
    line: str
    result: str
    digest: str
    buffer: str
    spill: str
    dead_letters: str
    deletions: str
    topic: str
    workgroup: str
    receiver: str
    flusher: str
    canary: str
    digester: str
    reader: str
    restorer: str
    flusher_role: str
    schedule_role: str
    drain_url: str
    accepted_tokens: str
    outputs: str

    @classmethod
    def of(cls, found: Declared) -> Self:
        """Of what the program declared, for its first app."""
        settings = found.settings
        prefix, app = settings.name_prefix, settings.apps[0]
        bucket = found.arn("s3/bucket", settings.bucket_name)

        def parameter(name: str) -> str:
            return found.arn("ssm/parameter", settings.parameter_prefix + name)

        return cls(
            bucket=bucket,
            line=f"{bucket}/{LOGS_PREFIX}{app}/2026/11/24/{_NAME}",
            result=f"{bucket}/{RESULTS_PREFIX}0b1f5a4e-5d0f-5d0e-9e4c-3a3c4b1f6a77.csv",
            digest=f"{bucket}/{DIGESTS_PREFIX}2026/11/24/12-000001.json.gz",
            buffer=found.arn("dynamodb/table", names.buffer_table(prefix)),
            spill=found.arn("sqs/queue", names.spill_queue(prefix)),
            dead_letters=found.arn("sqs/queue", names.dead_letter_queue(prefix)),
            deletions=found.arn("sqs/queue", names.deletions_queue(prefix)),
            topic=found.arn("sns/topic", names.alarm_topic(prefix)),
            workgroup=found.arn("athena/workgroup", settings.workgroup_name),
            receiver=found.arn("lambda/function", names.receiver_function(prefix)),
            flusher=found.arn("lambda/function", names.flusher_function(prefix)),
            canary=found.arn("lambda/function", names.canary_function(prefix)),
            digester=found.arn("lambda/function", names.digester_function(prefix)),
            flusher_role=found.arn("iam/role", names.flusher_function(prefix)),
            schedule_role=found.arn("iam/role", f"{names.flusher_function(prefix)}-schedule"),
            reader=found.arn("iam/role", settings.reader_role_name),
            restorer=found.arn("iam/role", settings.restorer_role_name),
            drain_url=parameter(names.drain_url(app)),
            accepted_tokens=parameter(names.token_hashes(app)),
            outputs=parameter(names.OUTPUTS),
        )
