"""The receiver's settings: environment variables, the same in Lambda and outside it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

from contract.names import RECEIVER_VARIABLES


class MissingSetting(Exception):
    """An environment variable that the receiver cannot do without."""


@dataclass(frozen=True)
class Settings:
    """`LOG_BUCKET`, `LOG_APPS` (comma-separated), `DRAIN_KEYS_PARAMETER` (a SecureString's name), `SPILL_QUEUE_URL`."""

    bucket: str
    apps: frozenset[str]
    keys_parameter: str
    spill_queue_url: str

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> Self:
        """Read the settings; MissingSetting names every variable that is not set."""
        if missing := [name for name in RECEIVER_VARIABLES if not environment.get(name)]:
            raise MissingSetting(f"set the environment variable(s) {', '.join(missing)}")
        bucket, apps, keys_parameter, spill_queue_url = (environment[name] for name in RECEIVER_VARIABLES)
        return cls(bucket, frozenset(apps.split(",")), keys_parameter, spill_queue_url)
