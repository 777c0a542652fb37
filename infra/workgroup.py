"""The Athena workgroup and its saved queries."""

from collections.abc import Sequence
from dataclasses import dataclass

import pulumi
from pulumi_aws import athena, glue

from contract.object_keys import RESULTS_PREFIX
from contract.saved_queries import SavedQuery

_GIB = 1024**3


@dataclass(frozen=True)
class WorkgroupArgs:
    """The workgroup's name and scan limit, the bucket for results with its account, and the saved queries."""

    name: str
    bucket: pulumi.Input[str]
    account: str
    scan_limit_gib: int
    database: glue.CatalogDatabase
    queries: Sequence[SavedQuery]


class Workgroup(pulumi.ComponentResource):
    """Workgroup whose settings clients cannot override, with the saved queries."""

    def __init__(self, name: str, args: WorkgroupArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("raxx:logdrain:Workgroup", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        self.workgroup = athena.Workgroup(
            f"{name}-workgroup",
            name=args.name,
            description="Queries over the logs of Heroku apps",
            # Without it, a workgroup with a query history cannot be destroyed.
            force_destroy=True,
            configuration={
                "enforce_workgroup_configuration": True,
                "publish_cloudwatch_metrics_enabled": True,
                "bytes_scanned_cutoff_per_query": args.scan_limit_gib * _GIB,
                "engine_version": {"selected_engine_version": "Athena engine version 3"},
                "result_configuration": {
                    "output_location": pulumi.Output.format("s3://{0}/{1}", args.bucket, RESULTS_PREFIX),
                    # Results go to no bucket of that name in another account.
                    "expected_bucket_owner": args.account,
                    "encryption_configuration": {"encryption_option": "SSE_S3"},
                },
            },
            opts=child,
        )
        for query in args.queries:
            athena.NamedQuery(
                f"{name}-{query.name}",
                name=query.name,
                description=query.title,
                workgroup=self.workgroup.name,
                database=args.database.name,
                query=query.sql,
                opts=child,
            )
        self.register_outputs({"workgroup": self.workgroup.name})
