"""What a reproduction found, kept for ever beside the other reports: ``reports/reproduced/eta@7-<instant>.json``."""

from pathlib import Path
from typing import Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, ValidationError

from tradewind_contracts.errors import IntegrityError
from tradewind_contracts.files import write_text
from tradewind_contracts.instants import iso
from tradewind_contracts.settings import Settings

Outcome = Literal["same", "equal", "other"]
"""``same``: the digest. ``equal``: other bytes that say the same (predictions within the tolerance, or the same rows). ``other``: neither."""

TOLERANCE = 1e-9
"""Largest absolute difference of predictions (days) and metrics that counts as equal. From the issue: chosen, far below what anybody acts on."""


class Check(BaseModel):
    """One condition of a faithful reproduction: whether it holds here, what was found, and what to do where it does not."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    holds: bool
    said: str
    todo: str = ""


class Refitted(BaseModel):
    """A fit of the sealed rows beside the version's bundle.

    ``files``: what differs, each file with what was found of it. ``largest_difference``: of all predictions on the sealed rows, in days; None
    where nothing was compared, since the digests are the same or the models answer different questions. ``metrics``: those that differ.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    outcome: Outcome
    expected: str
    found: str
    files: dict[str, str] = {}
    largest_difference: float | None = None
    rows: int = 0
    metrics: tuple[str, ...] = ()


class Rebuilt(BaseModel):
    """A training set that was built again from what has landed, beside the sealed one.

    ``facts``: those that differ. ``rows``: the first differences of the rows, by column. ``notes``: what can't be made from the landing.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    outcome: Outcome
    expected: str
    found: str
    row_count: int
    facts: tuple[str, ...] = ()
    rows: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


class Reproduction(BaseModel):
    """One attempt: on which commit, which conditions did not hold, and what came of the fit and of the rebuild (None: not asked for)."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    reference: str
    bundle_digest: str
    """Of the version that was reproduced: a number in another registry is another version."""
    world: str
    at: AwareDatetime
    commit: str
    seconds: float
    not_held: tuple[Check, ...] = ()
    refitted: Refitted | None = None
    rebuilt: Rebuilt | None = None

    @property
    def outcome(self) -> Outcome:
        """The worst of the fit's and the rebuild's."""
        found = {part.outcome for part in (self.refitted, self.rebuilt) if part is not None}
        return "other" if "other" in found else "equal" if "equal" in found else "same"

    @property
    def exit_code(self) -> int:
        """0 where the version was reproduced, 1 where not."""
        return int(self.outcome == "other")


def keep(reproduction: Reproduction, settings: Settings) -> Path:
    """Write the record; the path of it.

    Raises:
        StateError: the disk refuses.
    """
    stamp = iso(reproduction.at.replace(microsecond=0)).replace(":", "-")
    path = _folder(settings) / f"{reproduction.reference}-{stamp}.json"
    write_text(path, reproduction.model_dump_json(indent=2) + "\n")
    return path


def read_reproductions(settings: Settings, reference: str, bundle_digest: str) -> list[Reproduction]:
    """The records of the version ``reference`` with that bundle, the oldest first.

    Raises:
        IntegrityError: a record is damaged.
    """
    found = []
    for path in sorted(_folder(settings).glob(f"{reference}-*.json")):
        try:
            found.append(Reproduction.model_validate_json(path.read_text(encoding="utf-8")))
        except (OSError, ValidationError, ValueError) as error:
            raise IntegrityError(
                f"{path}: not the record of a reproduction ({error}); delete it, `tradewind models reproduce` makes another"
            ) from error
    return sorted((each for each in found if each.bundle_digest == bundle_digest), key=lambda each: each.at)


def _folder(settings: Settings) -> Path:
    return settings.paths.reports / "reproduced"
