"""Mending what was found: each finding's deed in turn, whole or not at all, and a second look."""

from collections.abc import Callable
from dataclasses import dataclass

from tradewind_contracts.errors import TradewindError
from tradewind_contracts.instants import Clock
from tradewind_contracts.settings import Settings
from tradewind_lifecycle.doctor.examining import Diagnosis, diagnose
from tradewind_lifecycle.doctor.findings import Finding

_ROUNDS = 3
"""Looks at most; chosen: a registry that was rebuilt shows what its store lacks only at the second."""


@dataclass(frozen=True)
class Mended:
    """What was done, what could not be (with the reason), and how things stand now."""

    done: tuple[str, ...]
    refused: tuple[str, ...]
    left: Diagnosis


def mend(
    settings: Settings, *, who: str, deep: bool = False, clock: Clock | None = None, say: Callable[[str], None] = lambda _: None
) -> Mended:
    """Mend what can be, then look again; ``say`` hears each deed as it is done.

    A deed that is refused changes nothing, and is tried once.
    """
    done: list[str] = []
    refused: dict[Finding, str] = {}
    found = diagnose(settings, who=who, deep=deep, clock=clock)
    for _ in range(_ROUNDS):
        todo = [finding for finding in found.findings if finding.deed is not None and finding not in refused]
        if not todo:
            break
        for finding in todo:
            done += _did(finding, refused, say)
        found = diagnose(settings, who=who, deep=deep, clock=clock)
    return Mended(tuple(done), tuple(refused.values()), found)


def _did(finding: Finding, refused: dict[Finding, str], say: Callable[[str], None]) -> list[str]:
    try:
        told = finding.deed() if finding.deed else []
    except (TradewindError, OSError) as error:
        refused[finding] = f"{finding.check}: {error}"
        say(f"not mended: {refused[finding]}")
        return []
    for line in told:
        say(f"mended: {line}")
    return told
