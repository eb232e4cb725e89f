"""What the service ``eta`` answers: every answer says which version, how old its features were and what was missing."""

import datetime as dt
import enum
import uuid
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

FORM = ConfigDict(extra="forbid", frozen=True)


class FallbackKind(enum.StrEnum):
    """What an answer had to do without."""

    UNKNOWN_MERCHANT = "unknown_merchant"
    UNKNOWN_AREA = "unknown_area"
    UNKNOWN_CATEGORY = "unknown_category"
    NO_CATEGORY = "no_category"
    NO_VOLUME = "no_volume"
    VIEW_ABSENT = "view_absent"
    """No row for this entity in a view: nothing happened in its window, or nobody knows the entity."""
    VIEW_EXPIRED = "view_expired"
    """The newest row is older than the view's time to live: the daily job stalled, or the request is too late for it."""
    STALE_FEATURES = "stale_features"
    """The request is far later than the newest features."""
    REQUEST_BEFORE_FEATURES = "request_before_features"
    """The request is older than the features that answer it: they know what it could not."""
    BAKED_VERSION = "baked_version"
    """The registry is out of reach: the version in the Bento answers."""
    CONFIDENCE_OUTSIDE = "confidence_outside"
    """The chosen confidence lies outside of the modelled quantiles: the promise is extrapolated."""


class Fallback(BaseModel):
    """One thing that was missing, and what was done instead."""

    model_config = FORM

    kind: FallbackKind
    detail: str


class Estimate(BaseModel):
    """One quantile of the delivery: days from the order, the instant, and its date in the world's zone."""

    model_config = FORM

    days: float
    at: dt.datetime = Field(description="UTC.")
    local_date: dt.date


class Estimates(BaseModel):
    """The modelled quantiles; p10 <= p50 <= p90."""

    model_config = FORM

    p10: Estimate
    p50: Estimate
    p90: Estimate


class Promise(BaseModel):
    """A date to print: delivered by the end of ``date`` with probability ``confidence`` or more."""

    model_config = FORM

    confidence: float = Field(description="As asked.")
    extrapolated: bool = Field(description="Whether the confidence lies outside of the modelled quantiles (p10 to p90).")
    days: float
    at: dt.datetime
    date: dt.date = Field(description="Local date in the world's zone.")


class ServedVersion(BaseModel):
    """The version that answered."""

    model_config = FORM

    name: str
    number: int
    digest: str = Field(description="SHA-256 of the bundle.")
    source: Literal["registry", "baked"]


class FeatureAge(BaseModel):
    """How old a view's row was when the order was placed; ``hours`` is null with a ``reason`` where there was none to use."""

    model_config = FORM

    hours: float | None = None
    reason: str | None = None


class EtaAnswer(BaseModel):
    """The estimate of one parcel, and all that is needed to judge it."""

    model_config = FORM

    decision_id: uuid.UUID
    model: ServedVersion
    ordered_at: dt.datetime = Field(description="UTC.")
    estimates: Estimates
    promise: Promise
    feature_ages: dict[str, FeatureAge] = Field(description="By feature view.")
    fallbacks: list[Fallback]


class EtaBatchAnswer(BaseModel):
    """The answers of a batch, in its order."""

    model_config = FORM

    answers: list[EtaAnswer]


class Health(BaseModel):
    """Whether the service can answer, with which version, over which world."""

    model_config = FORM

    status: Literal["ok", "degraded"]
    """``degraded``: it answers, and ``refused`` says what is wrong."""
    model: ServedVersion
    world: str
    now: dt.datetime = Field(description="The world's clock, UTC.")
    refused: str | None = None
    """Why the version that the alias names is not served, or that what is served stands on an expired overrule; null where all is well."""
