"""Differences between moto and AWS that the local stack depends on; one function closes each gap."""

import copy
import functools
import json
from pathlib import Path
from typing import Any
from urllib.parse import unquote
from uuid import NAMESPACE_URL, uuid5

from moto.athena.responses import AthenaResponse
from moto.awslambda import urls as awslambda_urls
from moto.awslambda.models import LambdaBackend
from moto.cloudwatch.models import CloudWatchBackend
from moto.cloudwatch.responses import CloudWatchResponse
from moto.core import responses
from moto.core.responses import ActionResult
from moto.core.serialize import BaseJSONSerializer
from moto.core.utils import method_names_from_class
from moto.dynamodb.models.table import Table
from moto.iam.access_control import (
    AssumedRoleAccessKey,
    IAMPolicy,
    IAMPolicyStatement,
    IAMUserAccessKey,
    PermissionResult,
)
from moto.iam.responses import IamResponse
from moto.logs.exceptions import InvalidParameterException, ResourceNotFoundException
from moto.logs.responses import LogsResponse
from moto.s3 import notifications
from moto.s3.models import FakeKey, S3Backend
from moto.s3.responses import S3Response
from moto.sns.models import Subscription
from moto.sns.responses import SNSResponse

from local.aws import alarm_actions, invocations, log_events, log_filter


def close(functions: Path) -> None:
    """Close all gaps in this process; calling it again changes only `functions`.

    That is the folder with the addresses and the logs of the Lambda functions that run on this machine.
    """
    AthenaResponse.batch_get_named_query = _batch_get_named_query  # type: ignore[attr-defined]
    LogsResponse.put_query_definition = _put_query_definition  # type: ignore[attr-defined]
    LogsResponse.filter_log_events = lambda *given: _filter_log_events(functions, *given)  # type: ignore[method-assign]
    # Moto inspects a class for each request, and looks for ten types of each value, under several names each.
    responses.method_names_from_class = functools.cache(method_names_from_class)  # type: ignore[attr-defined]
    BaseJSONSerializer._serialize_type_structure = _with_values_as_they_are  # type: ignore[method-assign, assignment]
    Table.query = _query_partition  # type: ignore[method-assign, assignment]
    LambdaBackend.invoke = lambda *given: _invoke(functions, *given)  # type: ignore[method-assign]
    awslambda_urls.url_paths["{0}/2016-08-19/account-settings/?$"] = _get_account_settings
    IAMPolicyStatement.is_action_permitted = _is_action_permitted  # type: ignore[method-assign, assignment]
    IamResponse.simulate_principal_policy = _simulate_principal_policy  # type: ignore[attr-defined]
    S3Response._bucket_response_put = _remember_minimum_size  # type: ignore[method-assign, assignment]
    S3Response.get_bucket_lifecycle = _tell_minimum_size  # type: ignore[method-assign, assignment]
    S3Response.serialized = _with_restore_status  # type: ignore[method-assign, assignment]
    S3Backend._set_delete_marker = _set_delete_marker  # type: ignore[method-assign, assignment]
    notifications._get_s3_event = _event_with_identity  # type: ignore[assignment]
    CloudWatchBackend.set_alarm_state = alarm_actions.set_alarm_state  # type: ignore[method-assign, assignment]
    CloudWatchResponse.describe_alarm_history = alarm_actions.describe_alarm_history  # type: ignore[attr-defined]
    Subscription.publish = alarm_actions.publish  # type: ignore[method-assign, assignment]
    SNSResponse.subscribe = alarm_actions.subscribe  # type: ignore[method-assign, assignment]
    SNSResponse.confirm_subscription = alarm_actions.confirm_subscription  # type: ignore[method-assign, assignment]
    SNSResponse.list_subscriptions_by_topic = alarm_actions.list_subscriptions_by_topic  # type: ignore[method-assign, assignment]


def _get_account_settings(*_: Any) -> tuple[int, dict[str, str], str]:
    """Moto does not have it. The limit is the usual one ("Lambda quotas")."""
    return 200, {}, json.dumps({"AccountLimit": {"ConcurrentExecutions": 1000}})


def _invoke(
    functions: Path,
    backend: LambdaBackend,
    name: str,
    qualifier: str | None,
    event: str,
    _: Any,
    response_headers: dict[str, str],
) -> bytes:
    """Moto would run the function in a container; here it runs already. An asynchronous call waits for its end, too."""
    function = backend.get_function(name, qualifier)
    answer, error = invocations.invoke(functions / f"{function.function_name}.url", event.encode())
    if error:
        response_headers[invocations.FUNCTION_ERROR] = error
    return answer


_serialize_structure = BaseJSONSerializer._serialize_type_structure


def _with_values_as_they_are(serializer: Any, serialized: Any, value: Any, shape: Any, key: str) -> None:
    if shape.name == "AttributeValue" and value.keys() <= {"S", "N", "BOOL"}:  # DynamoDB's
        serialized[key] = value
    else:
        _serialize_structure(serializer, serialized, value, shape, key)


_query_table = Table.query


def _query_partition(table: Table, hash_key: Any, *args: Any, **kwargs: Any) -> Any:
    """AWS reads one partition; moto reads the whole table, and fails if another thread writes to it meanwhile."""
    if table.all_indexes():
        return _query_table(table, hash_key, *args, **kwargs)
    only = copy.copy(table)
    only.items = {hash_key: table.items.get(hash_key, {}).copy()}  # type: ignore[assignment]
    return _query_table(only, hash_key, *args, **kwargs)


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
    """Evaluate the own policies of a user or role with moto's own code; moto does not have this call."""
    policies = [IAMPolicy(policy) for policy in _principal(response).collect_policies()]
    results = [
        {"EvalActionName": action, "EvalResourceName": resource, "EvalDecision": _decision(policies, action, resource)}
        for action in response._get_param("ActionNames")
        for resource in response._get_param("ResourceArns")
    ]
    return ActionResult({"EvaluationResults": results, "IsTruncated": False})


def _principal(response: IamResponse) -> IAMUserAccessKey | AssumedRoleAccessKey:
    """Moto collects the policies of whoever owns an access key. Here nobody needs a key."""
    principal, name = response._get_param("PolicySourceArn").rsplit("/", 1)
    key: Any
    if ":role" in principal:
        key = AssumedRoleAccessKey.__new__(AssumedRoleAccessKey)
        key._owner_role_name = name
    else:
        key = IAMUserAccessKey.__new__(IAMUserAccessKey)
        key._owner_user_name = name
    key.account_id, key.partition = response.current_account, response.partition
    found: IAMUserAccessKey | AssumedRoleAccessKey = key
    return found


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


def _put_query_definition(response: LogsResponse) -> str:
    """Moto has no saved queries of logs. Nothing here asks for them."""
    return json.dumps({"queryDefinitionId": str(uuid5(NAMESPACE_URL, response._get_param("name")))})


def _filter_log_events(folder: Path, response: LogsResponse) -> str:
    """AWS has what functions and API Gateway log; moto has no functions. And it ignores most filter patterns."""
    group, pattern = response._get_param("logGroupName"), response._get_param("filterPattern") or ""
    if group not in response.logs_backend.groups:
        raise ResourceNotFoundException
    try:
        matches = log_filter.matcher(pattern)
    except ValueError as error:
        raise InvalidParameterException(f"the local AWS does not serve this filter pattern: {error}") from None
    begin, end = response._get_param("startTime") or 0, response._get_param("endTime")
    events = [
        {"logStreamName": "local", "eventId": f"{number}", "ingestionTime": event["timestamp"], **event}
        for number, event in enumerate(log_events.read(log_events.file_of(folder, group)))
        if begin <= event["timestamp"] and (end is None or event["timestamp"] <= end) and matches(event["message"])
    ]
    return json.dumps({"events": events, "searchedLogStreams": []})


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


_make_delete_marker = S3Backend._set_delete_marker


def _set_delete_marker(backend: S3Backend, bucket_name: str, key_name: str) -> Any:
    """AWS tells of objects that a marker hides ("Supported event types for SQS, SNS, and Lambda"); moto does not."""
    bucket = backend.get_bucket(bucket_name)
    hidden = bucket.keys[key_name]
    marker = _make_delete_marker(backend, bucket_name, key_name)
    if isinstance(hidden, FakeKey):
        created = notifications.S3NotificationEvent.OBJECT_REMOVED_DELETE_MARKER_CREATED_EVENT
        notifications.send_event(backend.account_id, created, bucket, hidden)
    return marker


_event = notifications._get_s3_event


def _event_with_identity(*given: Any) -> dict[str, list[dict[str, Any]]]:
    """AWS says who did it, and from where ("Event message structure"); moto does not."""
    event = _event(*given)
    for record in event["Records"]:
        record["userIdentity"] = {"principalId": "AWS:AIDALOCALUSER"}
        record["requestParameters"] = {"sourceIPAddress": "127.0.0.1"}
    return event
