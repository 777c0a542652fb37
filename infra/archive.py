"""The bucket that keeps the lines, and Athena's results."""

import json
from dataclasses import dataclass

import pulumi
from pulumi_aws import s3

from contract import lifecycle, policies


@dataclass(frozen=True)
class ArchiveArgs:
    """The bucket's name, the days at which its objects move and go, and whether both outlive the stack."""

    bucket_name: str
    archive_after_days: int
    expire_after_days: int
    results_expire_after_days: int
    protect: bool


class Archive(pulumi.ComponentResource):
    """Bucket with its lifecycle and locks; `bucket` is what others use."""

    def __init__(self, name: str, args: ArchiveArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("raxx:logdrain:Archive", name, None, opts)
        # The lines cannot be made again. The bucket's settings stay with it: without them a bucket that is left behind
        # would accept plain HTTP, keep no old versions, and move nothing to Glacier.
        child = pulumi.ResourceOptions(parent=self, protect=args.protect, retain_on_delete=args.protect)
        self.bucket = s3.Bucket(f"{name}-bucket", bucket=args.bucket_name, opts=child)
        bucket = self.bucket.bucket
        s3.BucketOwnershipControls(
            f"{name}-ownership", bucket=bucket, rule={"object_ownership": "BucketOwnerEnforced"}, opts=child
        )
        public_access = s3.BucketPublicAccessBlock(
            f"{name}-public-access",
            bucket=bucket,
            block_public_acls=True,
            block_public_policy=True,
            ignore_public_acls=True,
            restrict_public_buckets=True,
            opts=child,
        )
        s3.BucketPolicy(
            f"{name}-policy",
            bucket=bucket,
            policy=self.bucket.arn.apply(lambda arn: json.dumps(policies.archive_bucket(arn))),
            # Two changes of a bucket's access at a time are refused as conflicting; the lock comes first.
            opts=pulumi.ResourceOptions.merge(child, pulumi.ResourceOptions(depends_on=[public_access])),
        )
        s3.BucketServerSideEncryptionConfiguration(
            f"{name}-encryption",
            bucket=bucket,
            rules=[
                {"apply_server_side_encryption_by_default": {"sse_algorithm": "AES256"}, "bucket_key_enabled": True}
            ],
            opts=child,
        )
        versioning = s3.BucketVersioning(
            f"{name}-versioning", bucket=bucket, versioning_configuration={"status": "Enabled"}, opts=child
        )
        s3.BucketLifecycleConfiguration(
            f"{name}-lifecycle",
            bucket=bucket,
            rules=lifecycle.rules(args.archive_after_days, args.expire_after_days, args.results_expire_after_days),
            transition_default_minimum_object_size=lifecycle.MINIMUM_SIZE,
            # Rules about versions need versions.
            opts=pulumi.ResourceOptions.merge(child, pulumi.ResourceOptions(depends_on=[versioning])),
        )
        self.register_outputs({"bucket": bucket})
