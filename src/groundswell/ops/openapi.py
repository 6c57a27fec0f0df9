"""The OpenAPI document of the API, made from the table of operations."""

from collections.abc import Iterable, Sequence
from http import HTTPStatus
from typing import Any, Final, get_args

import msgspec

from groundswell import __version__
from groundswell.ops.messages import Refused
from groundswell.ops.operations import Operation, Stream
from groundswell.ops.tap_messages import MEDIA_TYPE, TapLine

_REFERENCE: Final = "#/components/schemas/{name}"
_BOTH: Final = (400, 401, 403, 404, 409, 429, 500, 503)
_WITH_BODY: Final = (408, 413, 415, 422)

Json = dict[str, Any]


def openapi(operations: Sequence[Operation[Any, Any]], streams: Sequence[Stream]) -> Json:
    """The document, as OpenAPI 3.1 has it."""
    types = [Refused, *(t for operation in operations for t in (operation.request, operation.answer))]
    types += [*(stream.request for stream in streams), *get_args(TapLine)]
    _, schemas = msgspec.json.schema_components(types, ref_template=_REFERENCE)
    for request in (*(operation.request for operation in operations), *(stream.request for stream in streams)):
        schemas[request.__name__]["additionalProperties"] = False
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Groundswell for operators",
            "version": __version__,
            "description": "What `groundswell` on the command line asks of a running daemon. Each path is a command: "
            "`groundswell dead list` is /api/dead/list. The fields are those of its `--json`.",
        },
        "security": [{"token": []}, {"password": []}],
        "paths": {
            **{operation.path: {operation.method.lower(): _operation(operation, schemas)} for operation in operations},
            **{stream.path: {"get": _stream(stream, schemas)} for stream in streams},
        },
        "components": {
            "schemas": schemas,
            "securitySchemes": {
                "token": {
                    "type": "http",
                    "scheme": "bearer",
                    "description": "The token in the file that `groundswell run` keeps beside the state file.",
                },
                "password": {
                    "type": "http",
                    "scheme": "basic",
                    "description": "[ops] password, with any user name.",
                },
            },
        },
    }


def _operation(operation: Operation[Any, Any], schemas: Json) -> Json:
    described: Json = {
        "operationId": operation.name.replace(" ", "_"),
        "summary": operation.summary,
        "responses": {"200": _content("What was asked for.", operation.answer.__name__), **_refusals(operation)},
    }
    if operation.method == "GET":
        described["parameters"] = _parameters(schemas[operation.request.__name__])
    else:
        described["requestBody"] = {"required": True, **_schema(operation.request.__name__)}
    return described


def _stream(stream: Stream, schemas: Json) -> Json:
    lines = [{"$ref": _REFERENCE.format(name=line.__name__)} for line in get_args(TapLine)]
    content = {MEDIA_TYPE: {"schema": {"anyOf": lines}}}
    said = {"description": "A line for each of these, until the end.", "content": content}
    return {
        "operationId": stream.name,
        "summary": stream.summary,
        "parameters": _parameters(schemas[stream.request.__name__]),
        "responses": {"200": said, **_refused(_BOTH)},
    }


def _parameters(schema: Json) -> list[Json]:
    required = schema.get("required", ())
    return [
        {"name": name, "in": "query", "required": name in required, "schema": _without_null(field)}
        for name, field in schema["properties"].items()
    ]


def _without_null(field: Json) -> Json:
    """A parameter is there or not; a query has no null."""
    choices = [choice for choice in field.get("anyOf", ()) if choice != {"type": "null"}]
    return choices[0] if len(choices) == 1 else {key: value for key, value in field.items() if key != "anyOf"}


def _refusals(operation: Operation[Any, Any]) -> Json:
    statuses = _BOTH if operation.method == "GET" else sorted((*_BOTH, *_WITH_BODY))
    return _refused(statuses)


def _refused(statuses: Iterable[int]) -> Json:
    return {str(status): _content(f"{HTTPStatus(status).phrase}.", Refused.__name__) for status in statuses}


def _content(description: str, name: str) -> Json:
    return {"description": description, **_schema(name)}


def _schema(name: str) -> Json:
    return {"content": {"application/json": {"schema": {"$ref": _REFERENCE.format(name=name)}}}}
