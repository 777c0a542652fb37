"""Makes what the receiver and the flusher share, from their settings."""

from typing import TYPE_CHECKING

from receiver import aws, metrics
from receiver.aws import Buffer, LogBucket, NoBuffer
from receiver.intake import Intake
from receiver.metrics import Emit
from receiver.settings import Settings

if TYPE_CHECKING:
    from botocore.config import Config


def make_intake(settings: Settings, emit: Emit, config: "Config" = aws.CONFIG) -> Intake:
    """Make the intake with its AWS clients."""
    return Intake(
        Buffer(settings.buffer_table, config) if settings.buffer_table else NoBuffer(),
        LogBucket(settings.bucket, config, options=settings.put_options),
        settings.flush_minutes,
        lambda tally, size: emit(metrics.of_stored(tally, size, None)),
    )
