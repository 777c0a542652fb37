"""What the stack declares, created in the local stand-ins."""

from collections.abc import Mapping
from typing import Any

from botocore.exceptions import ClientError, ParamValidationError

from local.child import LocalError
from local.cloud import catalog, compute, elsewhere, identity, storage
from local.cloud.account import Account, Creator, Finder, Outputs
from local.cloud.inputs import Inputs

CREATE: dict[str, Creator] = {
    **storage.CREATE,
    **identity.CREATE,
    **catalog.CREATE,
    **compute.CREATE,
    **elsewhere.CREATE,
}
LOOK_UP: dict[str, Finder] = {**identity.LOOK_UP, **elsewhere.LOOK_UP}


class LocalCloud:
    """An account in which the program's resources are created; `created` are the types of those there are."""

    def __init__(self, account: Account) -> None:
        self._account = account
        self.created: list[str] = []

    def create(self, token: str, inputs: Mapping[str, Any]) -> Outputs:
        """Create a resource; LocalError for a type or an input that is not served here, or when it is refused."""
        if token not in CREATE:
            raise LocalError("the local stack has no such resource type; add it to local/cloud/")
        given = Inputs(inputs)
        try:
            created = CREATE[token](self._account, given)
        except (ClientError, ParamValidationError) as error:
            raise LocalError(" ".join(str(error).split())) from error
        if given:
            raise LocalError(f"the local stack does not serve {', '.join(given)}; add it to local/cloud/")
        self.created.append(token)
        return created

    def look_up(self, token: str, arguments: Mapping[str, Any]) -> dict[str, Any]:
        """Answer an invoke; LocalError for one that is not served here, or that finds nothing."""
        if token not in LOOK_UP:
            raise LocalError("the local stack has no such lookup; add it to local/cloud/")
        try:
            return LOOK_UP[token](self._account, Inputs(arguments))
        except ClientError as error:
            raise LocalError(str(error)) from error
