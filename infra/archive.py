"""The bucket that keeps the log lines and Athena's results."""

import json
from dataclasses import dataclass

import pulumi
from pulumi_aws import s3

from contract import lifecycle, policies
from contract.principals import Principals


@dataclass(frozen=True)
class ArchiveArgs:
    """The bucket's name, its lifecycle, whom its policy names, whether objects can be locked, and `protect`.

    With that, the bucket outlives the stack.
    """

    bucket_name: str
    archive_after_days: int
    expire_after_days: int
    results_expire_after_days: int
    principals: Principals
    object_locks: bool
    protect: bool


class Archive(pulumi.ComponentResource):
    """Bucket with its lifecycle and access settings; other components use `bucket`."""

    def __init__(self, name: str, args: ArchiveArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("raxx:logdrain:Archive", name, None, opts)
        # Lost lines cannot be recovered. The bucket's settings are kept with it: without them, a bucket that outlives
        # the stack would accept plain HTTP, keep no old versions, and move nothing to Glacier.
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
            policy=self.bucket.arn.apply(lambda arn: json.dumps(policies.archive_bucket(arn, args.principals))),
            # S3 refuses concurrent changes of a bucket's access as conflicting; the public access block comes first.
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
            # Rules about noncurrent versions need versioning.
            opts=pulumi.ResourceOptions.merge(child, pulumi.ResourceOptions(depends_on=[versioning])),
        )
        if args.object_locks:
            # No default retention: it would lock Athena's results too. Object Lock needs versioning, and suits a bucket
            # that exists ("Configuring S3 Object Lock"); as an argument of the bucket it would replace the bucket.
            s3.BucketObjectLockConfiguration(
                f"{name}-object-lock",
                bucket=bucket,
                object_lock_enabled="Enabled",
                opts=pulumi.ResourceOptions.merge(child, pulumi.ResourceOptions(depends_on=[versioning])),
            )
        self.register_outputs({"bucket": bucket})
