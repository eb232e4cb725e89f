"""Levers that one world pulls and its twin does not; all draws stay the same, so that the two can be compared entity by entity."""

import datetime as dt
import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from tradewind_contracts.errors import SettingsError

LEVERS = ("subsidy", "staffing", "price", "exposure", "outreach")
"""Levers with a factor: 1 is as without, 0 takes it away."""
FORM = "expected <lever>=<factor>[@<date>] with a lever of " + ", ".join(LEVERS) + ", or close_hub=<hub id>@<date>"

_TEXT = re.compile(r"(?P<lever>[a-z_]+)=(?P<value>[A-Za-z0-9.]+)(@(?P<day>\d{4}-\d{2}-\d{2}))?")


@dataclass(frozen=True)
class Interventions:
    """The levers pulled: for each, from which day on and by how much. Days are local dates; None is from the beginning."""

    factors: tuple[tuple[str, float, dt.date | None], ...] = ()
    closed_hubs: tuple[tuple[str, dt.date], ...] = ()
    texts: tuple[str, ...] = field(default=())

    def factor(self, lever: str, day: dt.date) -> float:
        """The factor of ``lever`` on ``day``; several multiply."""
        if lever not in LEVERS:
            raise ValueError(f"no lever {lever!r}")
        product = 1.0
        for name, value, since in self.factors:
            if name == lever and (since is None or day >= since):
                product *= value
        return product

    def is_closed(self, hub_id: str, day: dt.date) -> bool:
        """Whether the hub is shut by a lever on ``day``."""
        return any(name == hub_id and day >= since for name, since in self.closed_hubs)


def parse(texts: Sequence[str]) -> Interventions:
    """The interventions in ``texts``, such as ``staffing=0.8@2024-06-01`` or ``close_hub=H012@2024-06-01``.

    Raises:
        SettingsError: one can't be read, or its factor is negative; the message gives it and the form.
    """
    factors, closed = [], []
    for text in texts:
        match = _TEXT.fullmatch(text.strip())
        if match is None:
            raise SettingsError(f"--intervene {text!r}: not understood; {FORM}")
        day = _day(match["day"], text)
        if match["lever"] == "close_hub":
            if day is None:
                raise SettingsError(f"--intervene {text!r}: says not from when; {FORM}")
            closed.append((match["value"], day))
        else:
            factors.append((_lever(match["lever"], text), _factor(match["value"], text), day))
    return Interventions(tuple(factors), tuple(closed), tuple(text.strip() for text in texts))


def _day(text: str | None, whole: str) -> dt.date | None:
    try:
        return dt.date.fromisoformat(text) if text else None
    except ValueError as error:
        raise SettingsError(f"--intervene {whole!r}: {text} is not a date ({error}); {FORM}") from error


def _lever(name: str, whole: str) -> str:
    if name not in LEVERS:
        raise SettingsError(f"--intervene {whole!r}: no lever {name!r}; {FORM}")
    return name


def _factor(text: str, whole: str) -> float:
    try:
        value = 0.0 if text == "off" else float(text)
    except ValueError as error:
        raise SettingsError(f"--intervene {whole!r}: {text!r} is not a factor; {FORM}") from error
    if not 0 <= value <= 10:
        raise SettingsError(f"--intervene {whole!r}: expected a factor from 0 to 10 (found: {text})")
    return value
