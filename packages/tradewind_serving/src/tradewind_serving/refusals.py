"""Refusals: how a service says no to one request. The same JSON form for every status."""

from http import HTTPStatus

from pydantic import BaseModel, ConfigDict


class FieldProblem(BaseModel):
    """What is wrong with one field; ``field`` is its path, such as ``requests.3.price``."""

    model_config = ConfigDict(extra="forbid")

    field: str
    problem: str


class Refusal(BaseModel):
    """The body of every error response."""

    model_config = ConfigDict(extra="forbid")

    error: str
    """A stable word for programs, such as ``invalid_request``."""
    detail: str
    """A sentence for people."""
    fields: list[FieldProblem] = []


WORDS: dict[int, str] = {
    400: "malformed_json",
    401: "unauthorized",
    404: "not_found",
    405: "method_not_allowed",
    413: "too_large",
    415: "unsupported_media_type",
    422: "invalid_request",
    500: "internal_error",
    503: "unavailable",
    504: "timeout",
}
"""The word of each status that a service answers with."""


class RequestRefusedError(ValueError):
    """A request that has the right form and still can't be answered; it names the field."""

    status = HTTPStatus.UNPROCESSABLE_ENTITY

    def __init__(self, field: str, problem: str) -> None:
        super().__init__(f"{field}: {problem}")
        self.problem = FieldProblem(field=field, problem=problem)


def refusal(status: int, detail: str, fields: list[FieldProblem] | None = None) -> Refusal:
    """The body for ``status``."""
    return Refusal(error=WORDS.get(status, "error"), detail=detail, fields=fields or [])
