"""What the local stack's bucket holds."""

import gzip
from collections.abc import Sequence

from contract.object_keys import LOGS_PREFIX
from local.stack import LocalStack


def keys(stack: LocalStack) -> set[str]:
    pages = stack.client("s3").get_paginator("list_objects_v2")
    return {
        stored["Key"]
        for page in pages.paginate(Bucket=stack.outputs["bucket"], Prefix=LOGS_PREFIX)
        for stored in page.get("Contents", [])
    }


def lines(stack: LocalStack, stored: Sequence[str]) -> list[bytes]:
    found = []
    for key in sorted(stored):
        data = gzip.decompress(stack.client("s3").get_object(Bucket=stack.outputs["bucket"], Key=key)["Body"].read())
        assert data.endswith(b"\n")
        found += data.removesuffix(b"\n").split(b"\n")
    return found
