"""Instants and the one clock: nobody else asks what time it is."""

import datetime as dt
from typing import Literal
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict, model_validator

from tradewind_contracts.errors import SettingsError

UTC = dt.UTC


class Clock(BaseModel):
    """The platform's clock: the wall's, or frozen at one instant.

    Ages, ttl, "in the future", freshness, schedules and monitoring windows ask it. A historical source freezes it at
    ``as_of``. ``at`` is UTC and set exactly when ``kind`` is ``frozen``.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: Literal["wall", "frozen"] = "wall"
    at: dt.datetime | None = None

    @model_validator(mode="after")
    def _frozen_has_an_instant(self) -> "Clock":
        if (self.kind == "frozen") != (self.at is not None):
            raise ValueError("a frozen clock names its instant `at`, a wall clock has none")
        if self.at is not None and self.at.tzinfo is None:
            raise ValueError(f"a frozen clock's instant carries a zone (found: {self.at.isoformat()})")
        return self

    @classmethod
    def frozen(cls, at: dt.datetime) -> "Clock":
        """A clock that stands still at ``at`` (zoned)."""
        return cls(kind="frozen", at=at.astimezone(UTC) if at.tzinfo else at)

    def now(self) -> dt.datetime:
        """The present instant, UTC."""
        return self.at if self.at is not None else dt.datetime.now(UTC)


def parse_instant(text: str, zone: str) -> dt.datetime:
    """An instant (UTC) from ISO 8601 text.

    A date is the start of that local day in ``zone``; a date and time without an offset is local time in ``zone``.

    Raises:
        SettingsError: the text is not ISO 8601.
    """
    try:
        parsed = dt.datetime.fromisoformat(text.strip())
    except ValueError as error:
        raise SettingsError(f"{text!r} is not an instant; expected ISO 8601, such as 2018-04-01 or 2018-04-01T12:00:00Z") from error
    if parsed.tzinfo is None:
        parsed = parsed.replace(tzinfo=ZoneInfo(zone))
    return parsed.astimezone(UTC)


def local_midnight(instant: dt.datetime, zone: str) -> dt.datetime:
    """The start (UTC) of the local day in ``zone`` that holds ``instant`` (zoned)."""
    local = instant.astimezone(ZoneInfo(zone))
    return local.replace(hour=0, minute=0, second=0, microsecond=0, fold=0).astimezone(UTC)


def iso(instant: dt.datetime) -> str:
    """ISO 8601 with ``Z``, the form used in manifests, rows of the registry and answers."""
    return instant.astimezone(UTC).isoformat().replace("+00:00", "Z")
