"""The buffer: the DynamoDB table in which batches wait for the flusher."""

from dataclasses import dataclass

import pulumi
from pulumi_aws import dynamodb

from contract import names, policies
from contract.buffer_table import EXPIRES, PARTITION_KEY, SORT_KEY
from contract.principals import Principals


@dataclass(frozen=True)
class BufferArgs:
    """The beginning of names, who may read batches, and whether the table and its batches outlive the stack."""

    name_prefix: str
    principals: Principals
    protect: bool


class Buffer(pulumi.ComponentResource):
    """`table`; contract/buffer_table.py has its items."""

    def __init__(self, name: str, args: BufferArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("raxx:logdrain:Buffer", name, None, opts)
        self.table = dynamodb.Table(
            f"{name}-table",
            name=names.buffer_table(args.name_prefix),
            billing_mode="PAY_PER_REQUEST",
            hash_key=PARTITION_KEY,
            range_key=SORT_KEY,
            attributes=[{"name": PARTITION_KEY, "type": "S"}, {"name": SORT_KEY, "type": "S"}],
            ttl={"attribute_name": EXPIRES, "enabled": True},
            deletion_protection_enabled=args.protect,
            # It holds batches that were answered 200 and are not in the bucket yet. A new name means a new table, which
            # protection refuses.
            opts=pulumi.ResourceOptions(
                parent=self, protect=args.protect, retain_on_delete=args.protect, delete_before_replace=False
            ),
        )
        dynamodb.ResourcePolicy(
            f"{name}-policy",
            resource_arn=self.table.arn,
            policy=pulumi.Output.json_dumps(self.table.arn.apply(lambda arn: policies.buffer(arn, args.principals))),
            opts=pulumi.ResourceOptions(parent=self),
        )
        self.register_outputs({"table": self.table.name})
