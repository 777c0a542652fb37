"""AWS on this machine, as local.aws.server has it, but it refuses some calls; a child process of `benchmarks.load`.

Its configuration is {"throttled", "s3_down", "trouble"}: the share of DynamoDB's PutItem calls that are throttled,
whether S3 takes no object, and the path of a file, without which all is well. When ready it reports {"url"}.
"""

from pathlib import Path
from random import Random
from typing import Any

from moto.core.exceptions import JsonRESTError
from moto.dynamodb.responses import DynamoHandler
from moto.s3.responses import S3Response

from local.aws.server import LocalAws
from local.child import Parent

_SLOW_DOWN = b"<Error><Code>SlowDown</Code><Message>Please reduce your request rate.</Message></Error>"


def refuse(throttled: float, trouble: Path, *, s3_down: bool) -> None:
    """Have moto refuse calls, as long as there is a file."""
    draw = Random(15)
    put_item: Any = DynamoHandler.put_item
    put_object: Any = S3Response.put_object

    def put_item_or_throttle(handler: DynamoHandler) -> Any:
        if draw.random() < throttled and trouble.exists():
            raise JsonRESTError("ProvisionedThroughputExceededException", "The level of throughput was exceeded.")
        return put_item(handler)

    def put_object_or_fail(response: Any) -> Any:
        return (503, {}, _SLOW_DOWN) if s3_down and trouble.exists() else put_object(response)

    DynamoHandler.put_item = put_item_or_throttle  # type: ignore[method-assign]
    S3Response.put_object = put_object_or_fail  # type: ignore[method-assign, assignment]


def main() -> None:
    """Serve until the parent is gone."""
    parent = Parent()
    config = parent.config
    refuse(config["throttled"], Path(config["trouble"]), s3_down=config["s3_down"])
    aws = LocalAws()
    parent.tell_ready(url=aws.url)
    parent.wait()
    aws.stop()


if __name__ == "__main__":
    main()
