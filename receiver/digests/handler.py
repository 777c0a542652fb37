"""What Lambda calls every hour: makes a digest of what was written to the archive since the last one."""

import os
import sys
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import cache
from typing import Any

from contract import names
from receiver.digests.aws import Bucket
from receiver.digests.digest import make
from receiver.settings import Settings


def make_bucket() -> Bucket:
    """Make the bucket that the environment describes; MissingSetting for a variable that is not set."""
    settings = Settings.from_environment(os.environ, names.DIGESTER_VARIABLES)
    return Bucket(settings.bucket, settings.put_options)


bucket = cache(make_bucket)


def now() -> datetime:
    """The current time in UTC."""
    return datetime.fromtimestamp(time.time_ns() / 1e9, UTC)


def handler(*_: Any) -> Mapping[str, Any]:
    """Do one run. The answer, and a line in the log, say which digest was made."""
    made = make(bucket(), now)
    sys.stdout.write(f"{made.text()}\n")
    return vars(made)
