"""`python -m receiver.flusher`: flushes what is due once, outside Lambda, and leaves the spill queue alone.

For a stack whose flusher is gone. It takes LOG_BUCKET, LOG_APPS and BUFFER_TABLE from the environment; boto3 finds AWS
credentials and the region. Exit status 1: something was not flushed. 2: a variable is not set.
"""

import json
import os
import sys
import time

from contract import names
from receiver import metrics
from receiver.flusher.aws import Archive, DynamoTable
from receiver.flusher.run import run
from receiver.settings import MissingSetting, Settings


def main() -> int:
    """Flush, print a summary as one line of JSON, and give the exit status."""
    needed = (names.BUCKET_VARIABLE, names.APPS_VARIABLE, names.BUFFER_VARIABLE)
    try:
        settings = Settings.from_environment(os.environ, needed)
    except MissingSetting as error:
        print(f"python -m receiver.flusher: {error}", file=sys.stderr)
        return 2
    emit = metrics.printer(settings.namespace)
    outcome = run(
        settings.apps,
        settings.flush_minutes,
        DynamoTable(settings.buffer_table),
        Archive(settings.bucket, options=settings.put_options),
        lambda tally, size, slot: emit(metrics.of_stored(tally, size, slot)),
        lambda: time.time_ns() // 1_000_000,
        lambda: True,
    )
    failures = {app: str(failure) for app, failure in outcome.failures.items()}
    print(json.dumps({"slots": outcome.slots, "behindSeconds": outcome.behind_ms // 1000, "failures": failures}))
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
