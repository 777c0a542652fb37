"""What moto answers otherwise than AWS, and the local stack depends on: each gap closed by one function."""

import json
from typing import Any
from urllib.parse import unquote

from moto.athena.responses import AthenaResponse
from moto.core.responses import ActionResult
from moto.iam.access_control import IAMPolicyStatement, PermissionResult
from moto.s3.responses import S3Response


def close() -> None:
    """Close all gaps, for this process; doing it again changes nothing."""
    AthenaResponse.list_tags_for_resource = _list_tags_for_resource  # type: ignore[method-assign, assignment]
    IAMPolicyStatement.is_action_permitted = _is_action_permitted  # type: ignore[method-assign, assignment]
    S3Response.serialized = _with_restore_status  # type: ignore[method-assign, assignment]


_is_permitted_unconditionally = IAMPolicyStatement.is_action_permitted


def _is_action_permitted(statement: IAMPolicyStatement, *args: Any, **kwargs: Any) -> PermissionResult:
    """AWS denies under a condition only when it holds; moto always. Here it never does: it asks whether TLS is used."""
    if statement._statement["Effect"] == "Deny" and "Condition" in statement._statement:
        return PermissionResult.NEUTRAL
    return _is_permitted_unconditionally(statement, *args, **kwargs)


def _list_tags_for_resource(response: AthenaResponse) -> tuple[str, dict[str, int]] | str:
    """AWS answers an empty list for a workgroup or catalog without tags; moto says that it does not exist."""
    backend, arn = response.athena_backend, response._get_param("ResourceARN")
    resources: list[Any] = [*backend.work_groups.values(), *backend.data_catalogs.values()]
    resources += backend.capacity_reservations.values()
    if all(resource.arn != arn for resource in resources):
        return response.error(f"Athena Resource, {arn} Does Not Exist", 400)
    return json.dumps(backend.list_tags_for_resource(arn) or {"Tags": []})


_serialized = S3Response.serialized


def _with_restore_status(response: S3Response, action: ActionResult) -> Any:
    """AWS lists with each restored object that it is, to whoever asks for that; moto has it in HeadObject only."""
    asked = response.headers.get("x-amz-optional-object-attributes", "")
    result: Any = action.result
    if response.data.get("Action") == "ListObjectsV2" and "RestoreStatus" in asked:
        keys = response.backend.get_bucket(response.bucket_name).keys
        for listed in result["Contents"]:
            stored = keys.get(unquote(listed["Key"]) if "EncodingType" in result else listed["Key"])
            if stored is not None and stored._expiry is not None:
                ready = stored.status == "RESTORED"
                listed["RestoreStatus"] = {
                    "IsRestoreInProgress": not ready,
                    **({"RestoreExpiryDate": stored._expiry} if ready else {}),
                }
    return _serialized(response, action)
