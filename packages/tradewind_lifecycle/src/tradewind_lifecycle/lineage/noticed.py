"""What an impact is made of: plain records that go to the terminal, to JSON and back."""

from typing import Literal

from pydantic import BaseModel, ConfigDict

from tradewind_lifecycle.lineage.graph import Use

How = Literal["value", "condition", "rows"]
"""``value``: it enters the value; ``condition``: it chooses, joins or orders what the value is made of; ``rows``: it decides which rows there are."""


HOWS: tuple[How, ...] = ("value", "condition", "rows")
"""The strongest first."""


def how(use: Use) -> How:
    """A use, as it is said."""
    said: dict[Use, How] = {Use.VALUE: "value", Use.CONDITION: "condition", Use.ROWS: "rows"}
    return said[use]


def strongest(found: "list[How]") -> How:
    """Of several, the one that counts: a value before a condition before rows."""
    return next(each for each in HOWS if each in found)


class _Record(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class NoticedColumn(_Record):
    """A column that would notice; ``way``: one way there, from what was asked about to it, column by column."""

    name: str
    how: How
    way: tuple[str, ...]


class NoticedTable(_Record):
    """A table with columns that would notice; ``how``: the strongest of them."""

    name: str
    how: How
    columns: tuple[NoticedColumn, ...]


class NoticedView(_Record):
    """A feature view with features that would notice (named ``view:feature``); ``features_count``: of how many that it has."""

    name: str
    how: How
    features: tuple[NoticedColumn, ...]
    features_count: int


class NoticedService(_Record):
    """A feature service with features that would notice (``view:feature``)."""

    name: str
    how: How
    features: tuple[str, ...]


class NoticedInput(_Record):
    """A column of a version's training set that would notice; ``importance``: its share of the gain, None where its vector hasn't it."""

    column: str
    how: How
    importance: float | None = None


class NoticedVersion(_Record):
    """A version of a model that would notice, by its features, by the label, or by other columns of its training rows.

    ``other_definitions``: views that it reads in another definition than today's, whose lineage this is: the name that it is kept under, or
    empty where it is gone.
    """

    reference: str
    world: str
    aliases: tuple[str, ...]
    how: How
    features: tuple[NoticedInput, ...]
    label: tuple[NoticedInput, ...]
    others: tuple[NoticedInput, ...]
    training_set: str
    other_definitions: dict[str, str] = {}

    @property
    def importance(self) -> float:
        """The share of its gain that the features which would notice have together, 0 to 1."""
        return sum(feature.importance or 0.0 for feature in self.features)


class NoticedReader(_Record):
    """What follows a version: a service, a nightly table."""

    name: str
    world: str
    version: str
    how: How


class Impact(_Record):
    """Everything that would notice if ``asked`` changed, as seen in ``world``.

    ``tables``: those of dbt between. ``versions``: those that an alias names; ``others``: how many more would notice, by world.
    ``training_sets``: digests by world. ``said``: where the columns' graph is from; ``notes``: what is not known, or differs.
    """

    asked: str
    kind: str
    world: str
    tables: tuple[NoticedTable, ...]
    views: tuple[NoticedView, ...]
    feature_services: tuple[NoticedService, ...]
    versions: tuple[NoticedVersion, ...]
    others: dict[str, int]
    training_sets: dict[str, tuple[str, ...]]
    services: tuple[NoticedReader, ...]
    nightly: tuple[NoticedReader, ...]
    said: str
    notes: tuple[str, ...] = ()

    @property
    def is_nothing(self) -> bool:
        """Whether nothing at all would notice."""
        return not (self.tables or self.views or self.versions or self.others)
