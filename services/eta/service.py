"""The service ``eta``: one BentoML class. What it does stands in ``tradewind_serving``; here it meets HTTP."""

import logging
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import bentoml
import yaml
from bentoml.exceptions import UnprocessableEntity
from pydantic import ValidationError
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from services.eta.schemas import EtaAnswer, EtaBatch, EtaBatchAnswer, EtaRequest, Health, openapi_document
from tradewind_contracts.errors import TradewindError
from tradewind_contracts.settings import settings
from tradewind_serving import metrics
from tradewind_serving.answering import EtaDesk
from tradewind_serving.refusals import RequestRefusedError
from tradewind_serving.security import AccessPolicy, Doorkeeper

BAKED = Path(__file__).resolve().parents[2] / "baked"
"""Where a Bento has its built-in version; absent in the repository."""

log = logging.getLogger("bentoml.tradewind")


class OpenApiDocument(dict[str, Any]):
    """Our document in the shape that BentoML asks for."""

    def asdict(self) -> dict[str, Any]:
        """The document."""
        return dict(self)


yaml.add_representer(OpenApiDocument, lambda dumper, data: dumper.represent_dict(data.items()))


class DocumentedService(bentoml.Service):
    """A BentoML service whose OpenAPI document is ours: with examples, keys and errors."""

    @property
    def openapi_spec(self) -> OpenApiDocument:
        """The document; its version is the Bento's."""
        return OpenApiDocument(openapi_document(str(self.bento.tag.version) if self.bento else "repository"))


def refuse_to_start(error: TradewindError) -> SystemExit:
    """Say why in one line, and end with the error's exit code: a supervisor must not try again for ever."""
    log.critical("eta refuses to start: %s", error)
    return SystemExit(error.exit_code)


@bentoml.service(
    name="eta",
    service_class=DocumentedService,
    workers=1,
    # One at a time in a thread: only batches run there; `predict` takes less than a hop to a thread.
    threads=1,
    traffic={"timeout": 30},
    http={"host": settings().host, "port": settings().port},
    logging={"access": {"enabled": False}},
    metrics={"enabled": True},
)
class Eta:
    """When will this parcel arrive?"""

    def __init__(self) -> None:
        self._desk = EtaDesk.open(settings(), BAKED)

    @bentoml.on_deployment
    @staticmethod
    def prove() -> None:
        """Prove all that a start needs, before any worker starts: a key, a world, features, and a version whose digests match."""
        try:
            AccessPolicy.of(settings())
            EtaDesk.open(settings(), BAKED, follow=False).close()
        except TradewindError as error:
            raise refuse_to_start(error) from error

    @bentoml.on_shutdown
    def close(self) -> None:
        """Stop following the alias, and write the rest of the prediction log."""
        self._desk.close()

    @bentoml.api
    async def predict(self, body: EtaRequest, /) -> EtaAnswer:
        """The estimate of one parcel."""
        return self._answer("predict", [body])[0]

    @bentoml.api
    def predict_batch(self, body: EtaBatch, /) -> EtaBatchAnswer:
        """The estimates of several parcels, in their order, all by one version."""
        return EtaBatchAnswer(answers=self._answer("predict_batch", body.requests, "requests."))

    def health(self) -> Health:
        """Which version is served, over which world, and whether all is well."""
        return self._desk.health()

    def __is_ready__(self) -> bool:
        """Whether a proven version is loaded: it is, once ``__init__`` ended."""
        return True

    def _answer(self, endpoint: str, requests: Sequence[EtaRequest], where: str = "") -> list[EtaAnswer]:
        began = time.perf_counter()
        try:
            answers = self._desk.answer(requests, where, endpoint)
        except RequestRefusedError as error:
            metrics.count_refusal(endpoint)
            raise UnprocessableEntity(str(error)) from error
        metrics.count_answers(endpoint, answers, time.perf_counter() - began)
        return answers


def _no_traces_of_refusals() -> None:
    """BentoML logs each refused request with its trace and the values in it: noise, and other people's data."""

    def keep(record: logging.LogRecord) -> bool:
        kind = record.exc_info[0] if record.exc_info else None
        return kind is None or not issubclass(kind, ValidationError | UnprocessableEntity)

    logging.getLogger("bentoml._internal.server.http_app").addFilter(keep)


async def _health(_: Request) -> JSONResponse:
    return JSONResponse(bentoml.get_current_service().health().model_dump(mode="json"))


policy: Callable[[], AccessPolicy] = lambda: AccessPolicy.of(settings())  # noqa: E731 (asked for when the app is made, not at import)
Eta.add_asgi_middleware(Doorkeeper, policy=policy)
# At the root, not at /health: a mount answers its own path with a redirect.
Eta.mount_asgi_app(Starlette(routes=[Route("/health", _health, methods=["GET"])]), path="/", name="health")
_no_traces_of_refusals()
