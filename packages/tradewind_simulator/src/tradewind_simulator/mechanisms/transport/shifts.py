"""The people: who is on the roster of each post, since when, who comes on a day, and how much they get done.

A *post* is a task at a site (sort at hub H007). Its roster is a row of slots, held by people; a slot's draws are keyed by post and
slot, so a world with fewer people at a post has the same people in the slots that both have.
"""

from dataclasses import dataclass

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, model_validator

from tradewind_simulator.entities import Arrays
from tradewind_simulator.streams import Floats, Integers, Stream

_ABSENT, _SKILL, _OPENING, _QUITS = range(4)
_EMPTY = np.int64(1 << 40)


class ShiftsParameters(BaseModel):
    """How people come, learn, stay away and leave."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    learning_exponent: float = Field(
        default=0.322,
        ge=0,
        le=1,
        description="Units per hour grow with tenure^exponent until full_days: 0.322 is Wright's 80 % curve (Wright 1936, Factors Affecting the Cost of Airplanes).",
    )
    first_days: float = Field(
        default=5.0, gt=0, le=60, description="Tenure that a newcomer counts as, days (chosen: the instructed first week)."
    )
    full_days: float = Field(default=60.0, gt=0, le=365, description="Tenure from which a person is at full speed, days (chosen).")
    skill_sigma: float = Field(default=0.12, ge=0, le=1, description="Spread of the log speed between people (chosen).")
    absence: float = Field(
        default=0.05, ge=0, lt=1, description="Probability that a planned person stays away (chosen: near usual absence rates)."
    )
    absence_monday: float = Field(default=1.35, ge=0, le=4, description="Factor on absence on Mondays (chosen).")
    absence_campaign: float = Field(default=1.25, ge=0, le=4, description="Factor on absence while a campaign runs (chosen).")
    quits_yearly: float = Field(
        default=0.45, ge=0, lt=5, description="People who leave per place and year (chosen: near warehouse turnover in BLS JOLTS)."
    )
    opening_tenure_days: float = Field(default=300.0, gt=0, description="Mean tenure at the world's start, days (chosen).")

    @model_validator(mode="after")
    def _ordered(self) -> "ShiftsParameters":
        if self.first_days > self.full_days:
            raise ValueError("first_days is more than full_days")
        if self.absence * self.absence_monday * self.absence_campaign >= 1:
            raise ValueError("absence on a Monday of a campaign is 1 or more: nobody would come")
        return self


@dataclass(frozen=True)
class Attendance:
    """Who came to each post."""

    people: Integers
    speed: Floats
    """Sum over those who came of their speed (1: full speed)."""
    tenure_days: Floats
    """Mean tenure of those who came; NaN where nobody did."""


class Roster:
    """The people of all posts. ``keys`` names each post for ever."""

    def __init__(self, parameters: ShiftsParameters, stream: Stream, keys: Integers) -> None:
        self.parameters = parameters
        self._stream, self._keys = stream, keys
        self.count = np.zeros(len(keys), dtype=np.int64)
        self._hired = np.full((len(keys), 1), _EMPTY, dtype=np.int64)

    def open(self, posts: Integers, count: Integers, day: int) -> None:
        """Staff ``posts`` for the first time, with people who have been with the firm for a while."""
        self._widen(int(count.max(initial=0)))
        posts_of, slots = _cells(count)
        rows = posts[posts_of]
        tenure = self._stream.exponential(self._keys[rows], slots, slot=_OPENING) * self.parameters.opening_tenure_days
        self._hired[rows, slots] = day - tenure.astype(np.int64)
        self.count[posts] = count

    def attend(self, planned: Integers, absence: Floats, least: Integers, day: int) -> Attendance:
        """Who of the first ``planned`` people of each post comes; of the first ``least`` all do."""
        posts, slots = _cells(planned)
        keys = self._keys[posts]
        comes = (self._stream.uniform(keys, slots, day, slot=_ABSENT) >= absence[posts]) | (slots < least[posts])
        posts, slots, keys = posts[comes], slots[comes], keys[comes]
        tenure = np.maximum(day - self._hired[posts, slots], 0)
        skill = np.exp(self.parameters.skill_sigma * self._stream.normal(keys, slots, slot=_SKILL))
        people = np.bincount(posts, minlength=len(self._keys))
        days = np.bincount(posts, weights=tenure, minlength=len(self._keys))
        return Attendance(
            people=people,
            speed=np.bincount(posts, weights=skill * self.learned(tenure), minlength=len(self._keys)).astype(np.float64),
            tenure_days=np.where(people > 0, days / np.maximum(people, 1), np.nan),
        )

    def learned(self, tenure_days: Integers) -> Floats:
        """Speed at a tenure, as a share of the full speed: Wright's curve."""
        p = self.parameters
        return np.asarray((np.clip(tenure_days, p.first_days, p.full_days) / p.full_days) ** p.learning_exponent)

    def resize(self, count: Integers, day: int) -> None:
        """From tomorrow each post has ``count`` places: the last hired leave first, newcomers start; some quit and are replaced."""
        self._widen(int(count.max(initial=0)))
        posts, slots = _cells(count)
        quits = self._stream.uniform(self._keys[posts], slots, day, slot=_QUITS) < self.parameters.quits_yearly / 365.0
        starts = quits | (slots >= self.count[posts])
        self._hired[posts[starts], slots[starts]] = day + 1
        self._hired[np.arange(self._hired.shape[1])[None, :] >= count[:, None]] = _EMPTY
        self.count = count.copy()

    def arrays(self) -> Arrays:
        """What it carries from day to day."""
        return {"count": self.count.copy(), "hired": self._hired.copy()}

    def restore(self, arrays: Arrays, prefix: str = "") -> None:
        """Go on from a checkpoint."""
        self.count = arrays[prefix + "count"].copy()
        self._hired = arrays[prefix + "hired"].copy()

    def _widen(self, slots: int) -> None:
        wide = self._hired.shape[1]
        if slots > wide:
            more = np.full((len(self._keys), max(slots, 2 * wide) - wide), _EMPTY, dtype=np.int64)
            self._hired = np.concatenate([self._hired, more], axis=1)


def _cells(count: Integers) -> tuple[Integers, Integers]:
    """Post and slot of each person when the posts have ``count`` people."""
    posts = np.repeat(np.arange(len(count)), count)
    slots = np.arange(len(posts)) - np.repeat(np.cumsum(count) - count, count)
    return posts, slots
