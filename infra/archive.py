"""The bucket that keeps the lines, and Athena's results."""

from dataclasses import dataclass

import pulumi
from pulumi_aws import s3

from infra import lifecycle


@dataclass(frozen=True)
class ArchiveArgs:
    """The bucket's name, and the days at which its objects move and go."""

    bucket_name: str
    archive_after_days: int
    expire_after_days: int
    results_expire_after_days: int


class Archive(pulumi.ComponentResource):
    """Bucket with its lifecycle; `bucket` is what others use."""

    def __init__(self, name: str, args: ArchiveArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("raxx:logdrain:Archive", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        self.bucket = s3.Bucket(f"{name}-bucket", bucket=args.bucket_name, opts=child)
        s3.BucketLifecycleConfiguration(
            f"{name}-lifecycle",
            bucket=self.bucket.bucket,
            rules=lifecycle.rules(args.archive_after_days, args.expire_after_days, args.results_expire_after_days),
            # By default S3 moves no object under 128 KB, and most batches are smaller: they would stay in Standard
            # until they are deleted.
            transition_default_minimum_object_size="varies_by_storage_class",
            opts=child,
        )
        self.register_outputs({"bucket": self.bucket.bucket})
