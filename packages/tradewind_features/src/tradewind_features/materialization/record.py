"""The record of one view's materialization, and what the online store keeps of it beside the rows."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import Any

from tradewind_contracts.errors import IntegrityError

WHOLE, INCREMENTAL, FEASTS = "whole", "incremental", "feast"
"""Modes: the newest visible row of every entity, of those alone that have one since the last time, or Feast's own way."""


@dataclass(frozen=True)
class ViewMaterialization:
    """One view's materialization, as it is logged.

    Of the ``entities`` with a row visible at ``to_at``, ``expired`` have a newest one past its ttl by then; ``rows`` are the others: what is
    there to be served. ``scanned`` rows were looked at, in the source and the log of pushed rows. ``offered`` rows went to the store: that
    of each entity if ``mode`` is ``whole``, or those alone that were not there, or not visible, the last time; ``written`` of them took
    effect, the others being older than what it held, or an erased entity's. ``forgotten`` rows were deleted, because the frozen clock had
    been set back before them.
    ``from_at`` is what the caller named as the start, which narrows nothing. ``published``: name of the source's file or folder;
    ``published_digest``: of the names, sizes and times of change of all files read. ``at``: when it was done, by the wall's clock.
    In mode ``feast`` (a source that is no local Parquet) ``rows``, ``offered`` and ``written`` are what Feast wrote, ``note`` says why.
    """

    view: str
    spec_digest: str
    published: str
    published_digest: str
    from_at: str
    to_at: str
    entities: int
    rows: int
    written: int
    expired: int
    forgotten: int
    seconds: float
    at: str
    scanned: int = 0
    offered: int = 0
    mode: str = WHOLE
    note: str = ""
    id: str = ""

    @property
    def log_name(self) -> str:
        """The name of its file in the log: entries sort by the instant they reach to, and no two have the same."""
        reached = self.to_at.replace("-", "").replace(":", "")
        return f"{reached}-{self.view}-{self.published_digest[:16]}{'-' if self.id else ''}{self.id}.json"


@dataclass(frozen=True)
class Held:
    """What the store says of a view's rows: the record, and the fingerprint of each file that they were taken from, by name."""

    record: ViewMaterialization
    files: Mapping[str, str] = field(default_factory=dict)

    def to_json(self) -> str:
        """The form that the store keeps."""
        return json.dumps(asdict(self.record) | {"files": dict(self.files)}, sort_keys=True)

    @classmethod
    def from_json(cls, text: str, where: str) -> "Held":
        """What :meth:`to_json` gave; ``where`` names the store in errors.

        Raises:
            IntegrityError: it is no such record.
        """
        try:
            found = json.loads(text)
            return cls(record_of(found), found.get("files", {}))
        except (ValueError, TypeError, AttributeError) as error:
            raise IntegrityError(
                f"{where}: the record of a materialization can't be read ({error}); delete the store and materialize again"
            ) from error


def record_of(found: Mapping[str, Any]) -> ViewMaterialization:
    """A record; what a later form of it holds besides is left out, what an earlier one lacks has its default."""
    known = {each.name for each in fields(ViewMaterialization)}
    return ViewMaterialization(**{name: value for name, value in found.items() if name in known})
