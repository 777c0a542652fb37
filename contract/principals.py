"""Whom the policies of bucket, queues, buffer and key name: ARNs of IAM users and roles, or patterns of ARNs."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from contract import names

_ASSUMED_ROLE = re.compile(r"arn:(?P<partition>[a-z-]+):sts::(?P<account>\d{12}):assumed-role/(?P<role>[^/]+)/.+")


@dataclass(frozen=True)
class Principals:
    """The identities of one stack in its account.

    `deployers` change the stack; `break_glass` may assume the reader role. Both may delete what the stack keeps, and
    read the drain URLs. Only the latter may read lines. Roles of functions are named like their function.
    """

    partition: str
    account: str
    name_prefix: str
    reader_role: str
    writer_user: str
    break_glass: Sequence[str]
    deployers: Sequence[str]

    @property
    def guardians(self) -> list[str]:
        """The principals that may delete and change what all others can only add to."""
        return [*dict.fromkeys([*self.deployers, *self.break_glass])]

    @property
    def line_readers(self) -> list[str]:
        """Who may read objects with lines in the bucket; the digester asks for their checksums."""
        return [
            self._role(self.reader_role),
            self._role(names.digester_function(self.name_prefix)),
            *self.break_glass,
        ]

    @property
    def buffer_users(self) -> list[str]:
        """Who may read what is in the buffer."""
        functions = (names.receiver_function, names.flusher_function, names.canary_function)
        roles = [self._role(name(self.name_prefix)) for name in functions]
        return [*roles, self._role(self.reader_role), self._user(self.writer_user), *self.break_glass]

    @property
    def spill_drainers(self) -> list[str]:
        """Who may receive spilled batches."""
        return [self._role(names.flusher_function(self.name_prefix))]

    @property
    def deletion_readers(self) -> list[str]:
        """Who may receive messages about deletions."""
        return [self.canary_role, *self.break_glass]

    @property
    def canary_role(self) -> str:
        """The role that sends lines through the drain URLs."""
        return self._role(names.canary_function(self.name_prefix))

    def _role(self, name: str) -> str:
        return f"arn:{self.partition}:iam::{self.account}:role/{name}"

    def _user(self, name: str) -> str:
        return f"arn:{self.partition}:iam::{self.account}:user/{name}"


def identity_patterns(caller_arn: str) -> list[str]:
    """Give ARN patterns for whoever has this ARN, as sts:GetCallerIdentity gives it.

    The ARN of a session has neither the role's path nor its own ARN, which is what policies see as aws:PrincipalArn
    ("AWS global condition context keys").
    """
    session = _ASSUMED_ROLE.fullmatch(caller_arn)
    if session is None:
        return [caller_arn]
    roles = f"arn:{session['partition']}:iam::{session['account']}:role"
    return [f"{roles}/{session['role']}", f"{roles}/*/{session['role']}"]
