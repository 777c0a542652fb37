"""Policies that AWS manages, as data: their documents with version, date and source."""

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent
# Those that people get in order to look, not to change.
FOR_READERS = ("ReadOnlyAccess", "AmazonSSMReadOnlyAccess", "SecurityAudit", "ViewOnlyAccess")
ADMINISTRATOR = "AdministratorAccess"


@dataclass(frozen=True)
class ManagedPolicy:
    """One version of a policy. `created` is the day on which AWS published it, `source` where the text was found."""

    arn: str
    version: str
    created: str
    source: str
    document: dict[str, Any]

    @property
    def name(self) -> str:
        """The name at the end of its ARN."""
        return self.arn.rpartition("/")[2]


@cache
def managed_policy(name: str) -> ManagedPolicy:
    """Read one of the files beside this one."""
    return ManagedPolicy(**json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8")))
