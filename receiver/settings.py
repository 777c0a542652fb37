"""The settings of the functions: environment variables, the same in Lambda and outside it."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Self

from contract import names
from contract.slots import DEFAULT_MINUTES
from receiver.put_object import PutOptions

# For a receiver outside Lambda. The stack gives its own, so that two stacks do not add up.
DEFAULT_NAMESPACE = "heroku-log-receiver"


class MissingSetting(Exception):
    """An environment variable that is needed is not set."""


@dataclass(frozen=True)
class Settings:
    """What the environment says; texts that are not set are empty."""

    bucket: str
    apps: frozenset[str]
    token_hashes_path: str
    spill_queue_url: str
    buffer_table: str
    drain_urls_path: str
    deletions_queue_url: str
    flush_minutes: int
    answer_after_ms: int
    namespace: str
    bucket_owner: str = ""
    object_lock_days: int = 0

    @property
    def put_options(self) -> PutOptions:
        """How objects are written."""
        return PutOptions(self.bucket_owner, self.object_lock_days)

    @classmethod
    def from_environment(cls, environment: Mapping[str, str], needed: Iterable[str]) -> Self:
        """Read the settings; MissingSetting names every variable that is needed and not set."""
        if missing := [name for name in needed if not environment.get(name)]:
            raise MissingSetting(f"set the environment variable(s) {', '.join(missing)}")

        def get(name: str) -> str:
            return environment.get(name, "")

        return cls(
            get(names.BUCKET_VARIABLE),
            frozenset(get(names.APPS_VARIABLE).split(",")),
            get(names.HASHES_VARIABLE),
            get(names.SPILL_QUEUE_VARIABLE),
            get(names.BUFFER_VARIABLE),
            get(names.DRAIN_URLS_VARIABLE),
            get(names.DELETIONS_VARIABLE),
            int(get(names.FLUSH_MINUTES_VARIABLE) or DEFAULT_MINUTES),
            int(get(names.ANSWER_AFTER_VARIABLE) or 0),
            get(names.NAMESPACE_VARIABLE) or DEFAULT_NAMESPACE,
            get(names.BUCKET_OWNER_VARIABLE),
            int(get(names.OBJECT_LOCK_VARIABLE) or 0),
        )
