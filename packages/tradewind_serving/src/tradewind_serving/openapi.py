"""The OpenAPI document of a service, from its forms.

BentoML's own generator knows neither examples nor our errors and keys, and fails on schemas that carry examples.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import JsonSchemaMode, models_json_schema

from tradewind_serving.refusals import FieldProblem, Refusal, refusal

REFERENCE = "#/components/schemas/{model}"

DOOR = (401, 413, 415, 500)
"""What the door and a failure inside answer, on every path."""

_SAID: dict[int, str] = {
    400: "the body is not JSON",
    401: "a key is required: Authorization: Bearer <key>, or X-API-Key",
    413: "the body is larger than 2097152 bytes",
    415: "expected Content-Type: application/json, found multipart/form-data",
    422: "price: Input should be greater than or equal to 0",
    500: "the service failed on this request; its log has the reason under the time of this answer",
}


@dataclass(frozen=True)
class Operation:
    """One endpoint: what it takes (nothing for GET), what it gives, and an example of each."""

    path: str
    method: str
    name: str
    description: str
    answer: type[BaseModel]
    answer_example: Mapping[str, Any]
    request: type[BaseModel] | None = None
    request_examples: Mapping[str, Mapping[str, Any]] | None = None


def document(title: str, version: str, description: str, operations: Sequence[Operation]) -> dict[str, Any]:
    """An OpenAPI 3.1 document: plain JSON, the same for the same input."""
    forms: list[tuple[type[BaseModel], JsonSchemaMode]] = [(Refusal, "serialization")]
    for operation in operations:
        forms.append((operation.answer, "serialization"))
        if operation.request is not None:
            forms.append((operation.request, "validation"))
    names, schemas = models_json_schema(forms, ref_template=REFERENCE)
    return {
        "openapi": "3.1.0",
        "info": {"title": title, "version": version, "description": description},
        "servers": [{"url": "."}],
        "security": [{"bearer": []}, {"key": []}],
        "paths": {operation.path: {operation.method.lower(): _operation(operation, names)} for operation in operations} | _probes(),
        "components": {
            "schemas": schemas.get("$defs", {}),
            "securitySchemes": {
                "bearer": {"type": "http", "scheme": "bearer"},
                "key": {"type": "apiKey", "in": "header", "name": "X-API-Key"},
            },
        },
    }


def _operation(operation: Operation, names: Mapping[Any, dict[str, Any]]) -> dict[str, Any]:
    statuses = [*DOOR] if operation.request is None else sorted([*DOOR, 400, 422])
    described: dict[str, Any] = {
        "operationId": operation.name,
        "description": operation.description,
        "responses": {
            "200": _json("The answer.", names[operation.answer, "serialization"], {"example": {"value": operation.answer_example}}),
        }
        | {str(status): _error(status, names[Refusal, "serialization"]) for status in statuses},
    }
    if operation.request is not None:
        examples = {name: {"value": value} for name, value in (operation.request_examples or {}).items()}
        described["requestBody"] = {"required": True} | _content(names[operation.request, "validation"], examples)
    return described


def _error(status: int, schema: dict[str, Any]) -> dict[str, Any]:
    fields = [FieldProblem(field="price", problem="Input should be greater than or equal to 0")] if status == 422 else None
    example = refusal(status, _SAID[status], fields).model_dump(mode="json")
    return _json(HTTPStatus(status).phrase, schema, {"example": {"value": example}})


def _json(description: str, schema: dict[str, Any], examples: dict[str, Any]) -> dict[str, Any]:
    return {"description": description} | _content(schema, examples)


def _content(schema: dict[str, Any], examples: dict[str, Any]) -> dict[str, Any]:
    return {"content": {"application/json": {"schema": schema, "examples": examples}}}


def _probes() -> dict[str, Any]:
    empty = {"responses": {"200": {"description": "Yes."}, "500": {"description": "No."}}, "security": []}
    return {
        "/livez": {"get": empty | {"operationId": "livez", "description": "Whether the process lives."}},
        "/readyz": {"get": empty | {"operationId": "readyz", "description": "Whether a proven version is loaded."}},
        "/metrics": {
            "get": {
                "operationId": "metrics",
                "description": "Prometheus metrics.",
                "responses": {"200": {"description": "Prometheus text format.", "content": {"text/plain": {"schema": {"type": "string"}}}}},
            }
        },
    }
