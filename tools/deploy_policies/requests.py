"""Reads a request to AWS: which operation of which service it asks for, and about what. Pure."""

import functools
import json
import re
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple
from urllib.parse import parse_qs, unquote

from botocore.loaders import Loader
from botocore.model import OperationModel, ServiceModel

# Names in signatures that are not those of boto3's clients.
_CLIENTS = {"apigateway": "apigatewayv2", "monitoring": "cloudwatch"}
_CREDENTIAL = re.compile(r"Credential=[^/]+/\d+/[\w-]*/([\w-]+)/aws4_request")
_FIELD = re.compile(r"\{(\w+)(\+?)\}")


class Call(NamedTuple):
    """An operation, such as s3 and PutBucketPolicy, with those of its parameters that are texts."""

    service: str
    operation: str
    parameters: tuple[tuple[str, str], ...]


def call_of(method: str, path: str, query: str, headers: Mapping[str, str], body: bytes) -> Call | None:
    """Read a request, its headers in lower case; None for one without a signature. ValueError for an unknown one."""
    if not (signed := _CREDENTIAL.search(headers.get("authorization", ""))):
        return None
    service = _CLIENTS.get(signed[1], signed[1])
    if target := headers.get("x-amz-target"):
        return _call(service, target.rpartition(".")[2], json.loads(body or b"{}"))
    if headers.get("content-type", "").startswith("application/x-www-form-urlencoded"):
        fields = {name: values[0] for name, values in parse_qs(body.decode()).items()}
        return _call(service, fields["Action"], fields)
    return _rest(service, method, path, query, body)


def _call(service: str, operation: str, parameters: Mapping[str, Any]) -> Call:
    return Call(service, operation, tuple(sorted(_texts(parameters))))


def _texts(parameters: Mapping[str, Any], within: str = "") -> Iterator[tuple[str, str]]:
    """The parameters that are texts, those within others as `Budget.BudgetName`."""
    for name, value in parameters.items():
        if isinstance(value, str):
            yield f"{within}{name}", value
        elif isinstance(value, dict) and not within:
            yield from _texts(value, f"{name}.")


def _rest(service: str, method: str, path: str, query: str, body: bytes) -> Call:
    """Find the operation whose URI fits: the one with most fixed words in its query, and then in its path."""
    given = parse_qs(query, keep_blank_values=True)
    fits = [
        (len(words), len(template), operation.name, found.groupdict())
        for operation in _operations(service)
        if operation.http["method"] == method
        for template, words in [_template(operation)]
        if (found := re.fullmatch(_pattern(template), path)) and _has(given, words)
    ]
    if not fits:
        raise ValueError(f"{service} has no operation for {method} {path}?{query}")
    *_, operation_name, fields = max(fits, key=lambda fit: fit[:3])
    in_query = {name: values[0] for name, values in given.items() if values[0]}
    in_path = {name: unquote(value) for name, value in fields.items()}
    return _call(service, operation_name, {**_in_body(body), **in_query, **in_path, "path": path})


def _in_body(body: bytes) -> dict[str, Any]:
    """The parameters of a body in JSON; S3's are XML, and name nothing that the path does not."""
    return dict(json.loads(body)) if body.startswith(b"{") else {}


def _has(given: Mapping[str, list[str]], words: Mapping[str, str]) -> bool:
    return all(name in given and (not value or value in given[name]) for name, value in words.items())


def _template(operation: OperationModel) -> tuple[str, dict[str, str]]:
    """An operation's path, and the fixed words in its query."""
    path, _, query = operation.http["requestUri"].partition("?")
    words = {name: values[0] for name, values in parse_qs(query, keep_blank_values=True).items()}
    # It only names the operation.
    words.pop("x-id", None)
    return path, words


def _pattern(template: str) -> str:
    parts, end = [], 0
    for field in _FIELD.finditer(template):
        # An ARN has slashes of its own, which a server may have read from %2F.
        has_slashes = field[2] or field[1].lower().endswith("arn")
        parts += [re.escape(template[end : field.start()]), f"(?P<{field[1]}>{'.+' if has_slashes else '[^/]+'})"]
        end = field.end()
    return "".join([*parts, re.escape(template[end:]), "/?"])


@functools.cache
def _operations(service: str) -> tuple[OperationModel, ...]:
    # A loader of its own: a client of S3 takes the bucket out of the paths of the model that it was made of.
    model = ServiceModel(Loader().load_service_model(service, "service-2"), service)
    return tuple(model.operation_model(name) for name in model.operation_names)
