"""What moto answers otherwise than AWS, and the local stack depends on: each gap closed by one function."""

import json
from typing import Any

from moto.athena.responses import AthenaResponse
from moto.iam.access_control import IAMPolicyStatement, PermissionResult


def close() -> None:
    """Close all gaps, for this process; doing it again changes nothing."""
    AthenaResponse.batch_get_named_query = _batch_get_named_query  # type: ignore[attr-defined]
    AthenaResponse.list_tags_for_resource = _list_tags_for_resource  # type: ignore[method-assign, assignment]
    IAMPolicyStatement.is_action_permitted = _is_action_permitted  # type: ignore[method-assign, assignment]


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


def _batch_get_named_query(response: AthenaResponse) -> str:
    """AWS gives several at once; moto has GetNamedQuery only."""
    stored = response.athena_backend.named_queries
    found = [stored[asked] for asked in response._get_param("NamedQueryIds") if asked in stored]
    queries = [{"NamedQueryId": query.id, "Name": query.name, "QueryString": query.query_string} for query in found]
    return json.dumps({"NamedQueries": queries, "UnprocessedNamedQueryIds": []})
