"""Writes faults to the log, one line of JSON each."""

import json
import sys
from typing import Literal

from contract.logplex.batch import Batch


def log(reason: str, batch: Batch | None = None, level: Literal["ERROR", "WARN"] = "ERROR", **where: str | int) -> None:
    """Log a fault, or a warning. The reason is a code, so that neither a body nor a token can get into the log."""
    of_batch = {"app": batch.app, "frame_id": batch.frame_id} if batch else {}
    # One write, because lines of requests that are served at the same time must not mix.
    sys.stdout.write(json.dumps({"level": level, "reason": reason, **of_batch, **where}) + "\n")
