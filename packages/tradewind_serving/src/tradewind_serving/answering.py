"""Answering questions about parcels: from requests to estimates, with one version from beginning to end."""

import datetime as dt
import time
import uuid
from collections.abc import Sequence
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from tradewind_contracts.instants import Clock
from tradewind_contracts.settings import Settings
from tradewind_contracts.world import World
from tradewind_features.online.reader import OnlineReader
from tradewind_registry.client import RegistryClient
from tradewind_serving.absent import absent
from tradewind_serving.answers import Estimate, Estimates, EtaAnswer, Health, Promise
from tradewind_serving.baked import baked_version
from tradewind_serving.fallbacks import fallbacks_of, feature_ages
from tradewind_serving.following import Follower
from tradewind_serving.parcels import parcels_of
from tradewind_serving.prediction_log.log import PredictionLog
from tradewind_serving.prediction_log.policy import policy_of
from tradewind_serving.prediction_log.rows import Decision
from tradewind_serving.proving import Sealed, Served, prove
from tradewind_serving.questions import EtaRequest
from tradewind_serving.refusals import RequestRefusedError
from tradewind_serving.vector import Vectorizer

with absent():
    from tradewind_models.eta.predictor import load
    from tradewind_models.eta.vector import days_at

REFERENCE = "eta@champion"

WALL = Clock()

MAX_AHEAD = dt.timedelta(hours=36)
"""How far an order may lie after the clock. Chosen: features are daily, so an order of the coming local day (25 hours at most)
is answered from the same rows; anything later is a mistake of the caller's."""


class EtaDesk:
    """Answers for one world. Made once for each process; ``open`` proves everything, ``close`` ends its threads."""

    def __init__(
        self, world_file: Path, world: World, follower: Follower, vectorizer: Vectorizer, log: PredictionLog | None = None
    ) -> None:
        self._world_file = world_file
        self._world_seen = world_file.stat().st_mtime_ns
        self._world = world
        self._zone = ZoneInfo(world.zone)
        self._follower = follower
        self._vectorizer = vectorizer
        self._log = log

    @classmethod
    def open(cls, settings: Settings, baked: Path, follow: bool = True) -> "EtaDesk":
        """A desk that is ready to answer. ``baked``: the folder of the built-in version, which need not be there.

        One that does not ``follow`` is made to prove a start, or to look: it logs nothing.

        Raises:
            TradewindError: no world, no online store, no champion, a digest that does not match, or a policy of the log that can't be kept.
        """
        world = World.read(settings.paths.world_file)
        vectorizer = Vectorizer(OnlineReader(settings.online_location), world.zone)

        def proven(folder: Path, sealed: Sealed) -> Served:
            return prove(folder, sealed, load, vectorizer.check)

        follower = Follower(REFERENCE, lambda: RegistryClient.open(settings), proven, baked_version(baked, settings.world_name))
        follower.start()
        policy_of(EtaRequest, settings)  # refused before anything is served
        log = PredictionLog.open(settings) if follow else None
        if follow:
            follower.follow()
        return cls(settings.paths.world_file, world, follower, vectorizer, log)

    def close(self) -> None:
        """Stop following, and write what the log still holds."""
        self._follower.stop()
        if self._log is not None:
            self._log.close()

    def health(self) -> Health:
        """Which version is served, and whether the alias is followed."""
        served = self._follower.current
        trouble = self._follower.trouble
        return Health(
            status="ok" if trouble is None else "degraded",
            model=served.version,
            world=self._world.name,
            now=self._now(),
            refused=trouble,
        )

    def answer(self, requests: Sequence[EtaRequest], where: str = "", endpoint: str = "predict") -> list[EtaAnswer]:
        """The answers to ``requests`` (at least one), in their order; they are logged as those of ``endpoint``.

        ``where`` is put before the field that a refusal names.

        Raises:
            RequestRefusedError: an order lies too far after the clock.
            StateError: the online store can't be read.
        """
        began = time.perf_counter()
        served = self._follower.current
        now = self._now()
        ordered = _instants(requests, now, where)
        instants = np.array([instant.replace(tzinfo=None) for instant in ordered], dtype="datetime64[us]")
        parcels = parcels_of(requests, instants)
        vector = self._vectorizer.assemble(served.contract, parcels, served.view_specs)
        days = served.predictor.predict(vector.columns)
        answers = [
            EtaAnswer(
                decision_id=uuid.uuid4(),
                model=served.version,
                ordered_at=ordered[row],
                estimates=self._estimates(ordered[row], days[row]),
                promise=self._promise(served, ordered[row], days[row], request.confidence),
                feature_ages=feature_ages(vector, row),
                fallbacks=fallbacks_of(served, request, parcels, vector, row),
            )
            for row, request in enumerate(requests)
        ]
        if self._log is not None:
            took = (time.perf_counter() - began) * 1000
            self._log.note(Decision(served, requests, parcels, vector, answers, now, WALL.now(), took, endpoint))
        return answers

    def _now(self) -> dt.datetime:
        # A frozen world moves when it is landed again at another instant; the file is replaced then.
        seen = self._world_file.stat().st_mtime_ns
        if seen != self._world_seen:
            self._world, self._world_seen = World.read(self._world_file), seen
        return self._world.clock.now()

    def _estimates(self, ordered_at: dt.datetime, days: NDArray[np.float64]) -> Estimates:
        p10, p50, p90 = (self._estimate(ordered_at, float(value)) for value in days)
        return Estimates(p10=p10, p50=p50, p90=p90)

    def _estimate(self, ordered_at: dt.datetime, days: float) -> Estimate:
        at = _later(ordered_at, days)
        return Estimate(days=days, at=at, local_date=at.astimezone(self._zone).date())

    def _promise(self, served: Served, ordered_at: dt.datetime, days: NDArray[np.float64], confidence: float) -> Promise:
        levels = served.contract.quantiles
        chosen = float(days_at(days[np.newaxis, :], levels, confidence)[0])
        at = _later(ordered_at, chosen)
        outside = not levels[0] <= confidence <= levels[-1]
        return Promise(confidence=confidence, extrapolated=outside, days=chosen, at=at, date=at.astimezone(self._zone).date())


def _instants(requests: Sequence[EtaRequest], now: dt.datetime, where: str) -> list[dt.datetime]:
    ordered = [now if r.ordered_at is None else r.ordered_at.astimezone(dt.UTC) for r in requests]
    for row, instant in enumerate(ordered):
        if instant - now > MAX_AHEAD:
            field = f"{where}{row}.ordered_at" if where else "ordered_at"
            hours = (instant - now).total_seconds() / 3600
            problem = f"{instant.isoformat()} is {hours:.0f} hours after the world's clock ({now.isoformat()}); expected at most 36"
            raise RequestRefusedError(field, problem)
    return ordered


def _later(instant: dt.datetime, days: float) -> dt.datetime:
    return (instant + dt.timedelta(days=days)).replace(microsecond=0)
