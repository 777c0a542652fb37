"""The roles that read the archive and restore from it, and the user that writes to it from outside Lambda."""

import json
from dataclasses import dataclass

import pulumi
from pulumi_aws import athena, dynamodb, glue, iam, lambda_, s3, sqs, ssm

from contract import policies

_SESSION_S = 4 * 3600


@dataclass(frozen=True)
class IdentitiesArgs:
    """Names, the principals that may assume the reader role and the restorer role, and the resources that all use.

    `canary` is the name of the canary's function, which is created later. With `writer_runs_receiver` the writer may
    also do what a receiver outside Lambda does beside writing, and with `object_locks` it may lock what it writes.
    """

    reader_role_name: str
    restorer_role_name: str
    writer_user_name: str
    writer_runs_receiver: bool
    break_glass_arns: tuple[str, ...]
    restore_arns: tuple[str, ...]
    break_glass_mfa: bool
    object_locks: bool
    bucket: s3.Bucket
    workgroup: athena.Workgroup
    database: glue.CatalogDatabase
    table: glue.CatalogTable
    view: glue.CatalogTable
    token_hashes: ssm.Parameter
    spill_queue: sqs.Queue
    buffer: dynamodb.Table
    flusher: lambda_.Function
    canary: str


class Identities(pulumi.ComponentResource):
    """`reader` and `restorer` are roles; `writer` is a user without an access key."""

    def __init__(self, name: str, args: IdentitiesArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("raxx:logdrain:Identities", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        self.reader = iam.Role(
            f"{name}-reader",
            name=args.reader_role_name,
            description="Queries the log archive",
            max_session_duration=_SESSION_S,
            assume_role_policy=json.dumps(policies.assumable_by(args.break_glass_arns, mfa=args.break_glass_mfa)),
            opts=child,
        )
        iam.RolePolicy(
            f"{name}-reader-policy",
            name="query",
            role=self.reader.name,
            policy=pulumi.Output.json_dumps(
                pulumi.Output.all(
                    args.bucket.arn,
                    args.workgroup.arn,
                    args.database.arn,
                    args.table.arn,
                    args.view.arn,
                    args.buffer.arn,
                    args.flusher.arn,
                ).apply(lambda arns: _reader_policy(args.canary, *arns))
            ),
            opts=child,
        )
        self.restorer = iam.Role(
            f"{name}-restorer",
            name=args.restorer_role_name,
            description="Restores logs from Glacier",
            max_session_duration=_SESSION_S,
            assume_role_policy=json.dumps(policies.assumable_by(args.restore_arns, mfa=args.break_glass_mfa)),
            opts=child,
        )
        iam.RolePolicy(
            f"{name}-restorer-policy",
            name="restore",
            role=self.restorer.name,
            policy=pulumi.Output.json_dumps(args.bucket.arn.apply(policies.restorer)),
            opts=child,
        )
        self.writer = iam.User(f"{name}-writer", name=args.writer_user_name, opts=child)
        iam.UserPolicy(
            f"{name}-writer-policy",
            name="write",
            user=self.writer.name,
            policy=pulumi.Output.json_dumps(
                args.bucket.arn.apply(lambda arn: policies.log_writer(arn, locks=args.object_locks))
            ),
            opts=child,
        )
        if args.writer_runs_receiver:
            # An alias, because deleting the policy under its former name would delete this one.
            former_parent = pulumi.create_urn("outside-receiver", "raxx:logdrain:OutsideReceiver")
            former = pulumi.Alias(name="outside-receiver-policy", parent=former_parent)
            iam.UserPolicy(
                f"{name}-writer-receiver-policy",
                name="receive",
                user=self.writer.name,
                policy=pulumi.Output.json_dumps(
                    pulumi.Output.all(
                        args.bucket.arn, args.token_hashes.arn, args.spill_queue.arn, args.buffer.arn
                    ).apply(lambda arns: policies.outside_receiver(*arns))
                ),
                opts=pulumi.ResourceOptions.merge(child, pulumi.ResourceOptions(aliases=[former])),
            )
        self.register_outputs({"reader": self.reader.arn, "restorer": self.restorer.arn, "writer": self.writer.arn})


def _reader_policy(
    canary: str, bucket: str, workgroup: str, database: str, table: str, view: str, buffer: str, flusher: str
) -> policies.Policy:
    """The reader's policy. ARNs of resources that are not the stack's are derived from ARNs that are."""
    in_glue, in_athena = database.rpartition(":")[0], workgroup.rpartition(":")[0]
    return policies.reader(
        bucket_arn=bucket,
        workgroup_arn=workgroup,
        data_catalog_arn=f"{in_athena}:datacatalog/AwsDataCatalog",
        database_arns=[f"{in_glue}:catalog", database, f"{in_glue}:database/default"],
        table_arns=[table, view],
        buffer_arn=buffer,
        flusher_arn=flusher,
        canary_arn=f"{flusher.rpartition(':')[0]}:{canary}",
    )
