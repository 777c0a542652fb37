"""The Athena workgroup and the runbook's queries in it."""

from collections.abc import Sequence
from dataclasses import dataclass

import pulumi
from pulumi_aws import athena, glue

from contract.object_keys import RESULTS_PREFIX
from contract.saved_queries import SavedQuery

_GIB = 1024**3


@dataclass(frozen=True)
class WorkgroupArgs:
    """The workgroup's name and limit, the bucket for results, and the queries with their database."""

    name: str
    bucket: pulumi.Input[str]
    scan_limit_gib: int
    database: glue.CatalogDatabase
    queries: Sequence[SavedQuery]


class Workgroup(pulumi.ComponentResource):
    """Workgroup whose settings a client cannot override, with the saved queries."""

    def __init__(self, name: str, args: WorkgroupArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("raxx:logdrain:Workgroup", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        self.workgroup = athena.Workgroup(
            f"{name}-workgroup",
            name=args.name,
            description="Queries over the logs of Heroku apps",
            # Queries that were run are no reason to keep a workgroup that is to be destroyed.
            force_destroy=True,
            configuration={
                "enforce_workgroup_configuration": True,
                "publish_cloudwatch_metrics_enabled": True,
                "bytes_scanned_cutoff_per_query": args.scan_limit_gib * _GIB,
                "engine_version": {"selected_engine_version": "Athena engine version 3"},
                "result_configuration": {
                    "output_location": pulumi.Output.format("s3://{0}/{1}", args.bucket, RESULTS_PREFIX),
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
