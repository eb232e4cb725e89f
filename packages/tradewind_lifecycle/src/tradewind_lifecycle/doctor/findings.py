"""What a check finds."""

import enum
from collections.abc import Callable
from dataclasses import dataclass, field

Deed = Callable[[], list[str]]
"""A mend: whole or not at all; gives what it did, in sentences."""


class Severity(enum.StrEnum):
    """How bad a finding is: ``critical`` answers wrong, or not at all; ``warning`` will, or costs; ``note`` is to be known, and clean."""

    CRITICAL = "critical"
    WARNING = "warning"
    NOTE = "note"


@dataclass(frozen=True)
class Finding:
    """Something that is not as it should be. All text is for a person at night: plain, with names, without personal data."""

    check: str
    """Name of the check, such as ``bundles``."""
    severity: Severity
    what: str
    where: str
    why: str
    """Why it matters."""
    how: str
    """How to mend it: a command that works, or what to do by hand."""
    deed: Deed | None = field(default=None, compare=False, repr=False)
    """What ``--mend`` does; None where a person has to."""

    @property
    def is_mendable(self) -> bool:
        """Whether ``--mend`` does it."""
        return self.deed is not None
