"""The description of the API for programs: OpenAPI 3.1, made of the table of endpoints and of the
options that the command line has too.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from searchapp import __version__
from searchapp.web.problems import MEDIA_TYPE
from searchapp.web.schemas import SCHEMAS, ref

if TYPE_CHECKING:
    from collections.abc import Iterable

    from searchapp.search.query_options import Option
    from searchapp.web.api import Endpoint

# What the guard and the server may say of any request.
_ANYWHERE = (400, 401, 403, 404, 405, 408, 413, 414, 415, 421, 431, 500, 503)
_JSON = "application/json"


def description(endpoints: Iterable[Endpoint], base: str) -> dict[str, Any]:
    """All of the API."""
    paths: dict[str, dict[str, Any]] = {}
    for endpoint in endpoints:
        for method in endpoint.methods:
            operations = paths.setdefault(base + endpoint.path, {})
            operations[method.lower()] = _operation(endpoint, method)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "searchapp",
            "version": __version__,
            "description": "Search the documents of this machine. Keys are only ever added.",
        },
        "security": [{"token": []}],
        "paths": paths,
        "components": {
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
            "schemas": dict(SCHEMAS),
        },
    }


def schema_of(option: Option) -> dict[str, Any]:
    """An option's value as JSON Schema."""
    one: dict[str, Any] = {
        "type": {"text": "string", "integer": "integer", "number": "number", "flag": "boolean"}[
            option.kind
        ]
    }
    if option.choices:
        one["enum"] = list(option.choices)
    bounds = {"minimum": option.least, "maximum": option.most}
    one |= {name: bound for name, bound in bounds.items() if bound is not None}
    return {"type": "array", "items": one} if option.is_repeatable else one


def _operation(endpoint: Endpoint, method: str) -> dict[str, Any]:
    operation: dict[str, Any] = {
        "operationId": _name(endpoint.path, method),
        "summary": endpoint.summary,
        "responses": _responses(endpoint, method),
    }
    in_path = [_parameter(option, "path") for option in endpoint.path_options.values()]
    if method == "POST":
        operation["parameters"] = in_path
        operation["requestBody"] = {
            "required": True,
            "content": {_JSON: {"schema": _body(endpoint.options)}},
        }
    else:
        options = endpoint.options.values()
        operation["parameters"] = in_path + [_parameter(option, "query") for option in options]
    return operation


def _parameter(option: Option, place: str) -> dict[str, Any]:
    return {
        "name": option.name,
        "in": place,
        "required": place == "path",
        "description": option.help,
        "schema": schema_of(option),
    }


def _body(options: Mapping[str, Option]) -> dict[str, Any]:
    properties = {
        name: schema_of(option) | {"description": option.help} for name, option in options.items()
    }
    return {"type": "object", "properties": properties, "additionalProperties": False}


def _responses(endpoint: Endpoint, method: str) -> dict[str, Any]:
    content = {endpoint.media_type: {"schema": ref(endpoint.schema)} if endpoint.schema else {}}
    responses: dict[str, Any] = {
        str(endpoint.status): {"description": "What was asked for.", "content": content}
    }
    if endpoint.is_of_generation and method == "GET":
        responses["304"] = {"description": "The corpus is as it was."}
    problem = {MEDIA_TYPE: {"schema": ref("Problem")}}
    for status in sorted({*_ANYWHERE, *endpoint.failures}):
        responses[str(status)] = {"description": "A problem.", "content": problem}
    return responses


def _name(path: str, method: str) -> str:
    words = [word.strip("{}.") for word in path.replace(".", "/").split("/") if word]
    return "_".join([method.lower(), *words])
