"""The description of the API for programs: OpenAPI 3.1, made of the table of endpoints and of the
options that the command line has too.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from searchapp import __version__
from searchapp.web.parameters import INSTEAD, MOST_IN_ADDRESS
from searchapp.web.problems import MEDIA_TYPE
from searchapp.web.schemas import SCHEMAS, ref

if TYPE_CHECKING:
    from collections.abc import Iterable

    from searchapp.search.query_options import Option
    from searchapp.web.api import Endpoint

# What the guard and the server may say of any request.
_ANYWHERE = (400, 401, 403, 404, 405, 408, 413, 414, 415, 421, 431, 500, 503)
# A date as people write it; the calendar's own rules are left to the server.
_DAY = "(0[1-9]|1[0-2])(-(0[1-9]|1[0-9]|2[0-8]))?|(0[13-9]|1[0-2])-(29|30)|(0[13578]|1[02])-31"
_AGO = "[1-9][0-9]{0,2} ?(h|hours?|d|days?|w|weeks?|m|months?)( ago)?"
_DATE = f"^([12][0-9]{{3}}(-({_DAY}))?|{_AGO}|today|yesterday|(this|last) (week|month|year))$"
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
    if option.pattern:
        one["pattern"] = option.pattern
    if option.is_date:
        one |= {"pattern": _DATE, "minLength": 2}
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
            "content": {_JSON: {"schema": _body(endpoint)}},
        }
    else:
        options = endpoint.options.values()
        operation["parameters"] = in_path + [
            _parameter(option, "query", required=option.name in endpoint.required)
            for option in options
        ]
    return operation


def _parameter(option: Option, place: str, *, required: bool = True) -> dict[str, Any]:
    most = {"maxItems": MOST_IN_ADDRESS} if option.is_repeatable else {}
    return {
        "name": option.name,
        "in": place,
        "required": required,
        "description": option.help,
        "schema": schema_of(option) | most,
    }


def _body(endpoint: Endpoint) -> dict[str, Any]:
    properties = {
        name: schema_of(option) | {"description": option.help}
        for name, option in endpoint.options.items()
    }
    body = {"type": "object", "properties": properties, "additionalProperties": False}
    if INSTEAD in properties:
        like = {"required": [INSTEAD], "properties": {INSTEAD: {"minItems": 1}}}
        return body | {"anyOf": [{"required": list(endpoint.required)}, like]}
    return body | {"required": list(endpoint.required)}


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
