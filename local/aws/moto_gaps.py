"""Differences between moto and AWS that the local stack depends on; one function closes each gap."""

import json
from typing import Any
from urllib.parse import unquote

from moto.athena.responses import AthenaResponse
from moto.awslambda.models import EventSourceMapping, LambdaBackend
from moto.core.responses import ActionResult
from moto.iam.access_control import IAMPolicy, IAMPolicyStatement, IAMUserAccessKey, PermissionResult
from moto.iam.responses import IamResponse
from moto.s3.responses import S3Response
from moto.sqs.models import sqs_backends


def close() -> None:
    """Close all gaps in this process; calling it again changes nothing."""
    AthenaResponse.batch_get_named_query = _batch_get_named_query  # type: ignore[attr-defined]
    LambdaBackend.create_event_source_mapping = _map_without_running  # type: ignore[method-assign, assignment]
    IAMPolicyStatement.is_action_permitted = _is_action_permitted  # type: ignore[method-assign, assignment]
    IamResponse.simulate_principal_policy = _simulate_principal_policy  # type: ignore[attr-defined]
    S3Response._bucket_response_put = _remember_minimum_size  # type: ignore[method-assign, assignment]
    S3Response.get_bucket_lifecycle = _tell_minimum_size  # type: ignore[method-assign, assignment]
    S3Response.serialized = _with_restore_status  # type: ignore[method-assign, assignment]


_create_event_source_mapping = LambdaBackend.create_event_source_mapping


def _map_without_running(backend: LambdaBackend, spec: dict[str, Any]) -> EventSourceMapping:
    """Moto runs the function in a container when a message is sent; Lambda polls the queue, as our own poller does."""
    mapping = _create_event_source_mapping(backend, spec)
    for queue in sqs_backends[backend.account_id][backend.region_name].queues.values():
        queue.lambda_event_source_mappings.clear()
    return mapping


_is_permitted_unconditionally = IAMPolicyStatement.is_action_permitted


def _is_action_permitted(statement: IAMPolicyStatement, *args: Any, **kwargs: Any) -> PermissionResult:
    """AWS applies a statement only if its condition holds; moto ignores conditions.

    Here no condition ever holds: the denials are for requests without TLS, and a simulation has no context.
    """
    if "Condition" in statement._statement:
        return PermissionResult.NEUTRAL
    return _is_permitted_unconditionally(statement, *args, **kwargs)


_put_bucket = S3Response._bucket_response_put
_get_bucket_lifecycle = S3Response.get_bucket_lifecycle
_MINIMUM_SIZE = "x-amz-transition-default-minimum-object-size"


def _remember_minimum_size(response: S3Response, request: Any, bucket_name: str, querystring: dict[str, Any]) -> Any:
    """AWS keeps the minimum size for lifecycle transitions; moto accepts it and returns the default."""
    answer = _put_bucket(response, request, bucket_name, querystring)
    if "lifecycle" in querystring and (size := request.headers.get(_MINIMUM_SIZE)):
        vars(response.backend.get_bucket(bucket_name))[_MINIMUM_SIZE] = size
    return answer


def _tell_minimum_size(response: S3Response) -> Any:
    status, headers, body = _get_bucket_lifecycle(response)
    size = vars(response.backend.get_bucket(response.bucket_name)).get(_MINIMUM_SIZE, headers[_MINIMUM_SIZE])
    return status, {**headers, _MINIMUM_SIZE: size}, body


def _simulate_principal_policy(response: IamResponse) -> ActionResult:
    """Evaluate a user's own policies with moto's own code; moto does not have this call."""
    key = IAMUserAccessKey.__new__(IAMUserAccessKey)
    key.account_id, key.partition = response.current_account, response.partition
    key._owner_user_name = response._get_param("PolicySourceArn").rpartition("/")[2]
    policies = [IAMPolicy(policy) for policy in key.collect_policies()]
    results = [
        {"EvalActionName": action, "EvalResourceName": resource, "EvalDecision": _decision(policies, action, resource)}
        for action in response._get_param("ActionNames")
        for resource in response._get_param("ResourceArns")
    ]
    return ActionResult({"EvaluationResults": results, "IsTruncated": False})


def _decision(policies: list[IAMPolicy], action: str, resource: str) -> str:
    found = {policy.is_action_permitted(action, resource) for policy in policies}
    if PermissionResult.DENIED in found:
        return "explicitDeny"
    return "allowed" if PermissionResult.PERMITTED in found else "implicitDeny"


def _batch_get_named_query(response: AthenaResponse) -> str:
    """AWS gives several queries at once; moto has only GetNamedQuery."""
    stored = response.athena_backend.named_queries
    found = [stored[asked] for asked in response._get_param("NamedQueryIds") if asked in stored]
    queries = [{"NamedQueryId": query.id, "Name": query.name, "QueryString": query.query_string} for query in found]
    return json.dumps({"NamedQueries": queries, "UnprocessedNamedQueryIds": []})


_serialized = S3Response.serialized


def _with_restore_status(response: S3Response, action: ActionResult) -> Any:
    """AWS lists the restore status of objects on request; moto has it only in HeadObject."""
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
