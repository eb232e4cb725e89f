"""The typed client of the service ``eta``.

with EtaClient("http://127.0.0.1:3000", key) as eta:
    answer = eta.predict(EtaRequest(merchant_id="…", destination_postal_code="22250-040", weight_g=700, price=59.9, freight=12.5))
    answer.promise.date, answer.model.number, answer.fallbacks
"""

from collections.abc import Sequence
from types import TracebackType
from typing import Self, TypeVar

import httpx
from pydantic import BaseModel, ValidationError

from tradewind_contracts.errors import TradewindError
from tradewind_serving.answers import EtaAnswer, EtaBatchAnswer, Health
from tradewind_serving.questions import EtaBatch, EtaRequest, Item
from tradewind_serving.refusals import FieldProblem, Refusal

__all__ = [
    "EtaAnswer",
    "EtaClient",
    "EtaRefusedError",
    "EtaRequest",
    "EtaServiceError",
    "EtaUnauthorizedError",
    "EtaUnreachableError",
    "Health",
    "Item",
]

Form = TypeVar("Form", bound=BaseModel)


class EtaServiceError(TradewindError):
    """The service failed, or answered something that is not an answer."""


class EtaUnreachableError(EtaServiceError):
    """Nobody listens there, or the answer did not come in time."""


class EtaUnauthorizedError(EtaServiceError):
    """The key is absent or wrong."""


class EtaRefusedError(EtaServiceError):
    """The request was refused; ``fields`` says where."""

    def __init__(self, message: str, status: int, fields: list[FieldProblem]) -> None:
        super().__init__(message)
        self.status = status
        self.fields = fields


class EtaClient:
    """Asks the service at ``url``. A connection that can't be made is tried again; a request that was sent never is."""

    def __init__(self, url: str, key: str | None = None, timeout_seconds: float = 10.0, connect_attempts: int = 3) -> None:
        self._url = url.rstrip("/")
        headers = {"accept": "application/json", "content-type": "application/json"}
        if key:
            headers["authorization"] = f"Bearer {key}"
        self._http = httpx.Client(
            base_url=self._url,
            headers=headers,
            timeout=timeout_seconds,
            transport=httpx.HTTPTransport(retries=connect_attempts - 1),
            # A proxy of the environment must not see keys of a loopback service.
            trust_env=False,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def predict(self, request: EtaRequest) -> EtaAnswer:
        """The estimate of one parcel.

        Raises:
            EtaRefusedError, EtaUnauthorizedError, EtaUnreachableError, EtaServiceError: see their docstrings.
        """
        return self._ask("POST", "/predict", request, EtaAnswer)

    def predict_batch(self, requests: Sequence[EtaRequest]) -> list[EtaAnswer]:
        """The estimates of at most 1000 parcels, in their order, all by one version. Raises as ``predict``."""
        return self._ask("POST", "/predict_batch", EtaBatch(requests=list(requests)), EtaBatchAnswer).answers

    def health(self) -> Health:
        """Which version is served, and whether all is well. Raises as ``predict``."""
        return self._ask("GET", "/health", None, Health)

    def _ask(self, method: str, path: str, body: BaseModel | None, form: type[Form]) -> Form:
        content = body.model_dump_json(exclude_none=True) if body is not None else None
        try:
            response = self._http.request(method, path, content=content)
        except httpx.HTTPError as error:
            raise EtaUnreachableError(f"{self._url}{path}: no answer ({type(error).__name__}: {error})") from error
        if response.status_code != 200:
            raise _failure(f"{self._url}{path}", response)
        try:
            return form.model_validate_json(response.content)
        except ValidationError as error:
            raise EtaServiceError(f"{self._url}{path}: not an answer of this client's version ({error.errors()[0]['msg']})") from error


def _failure(url: str, response: httpx.Response) -> EtaServiceError:
    status = response.status_code
    try:
        said = Refusal.model_validate_json(response.content)
    except ValidationError:
        said = Refusal(error="error", detail=response.text[:200])
    message = f"{url}: {status} {said.error}: {said.detail}"
    if status == 401:
        return EtaUnauthorizedError(message)
    if status < 500:
        return EtaRefusedError(message, status, said.fields)
    return EtaServiceError(message)
