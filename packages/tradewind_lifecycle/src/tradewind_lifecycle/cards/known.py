"""All that a card is made of: what the registry's database says of a version, and the reproductions that this home has kept."""

import datetime as dt
from dataclasses import dataclass, field

from tradewind_contracts.instants import Clock
from tradewind_contracts.settings import Settings
from tradewind_lifecycle.reproducing import Reproduction, read_reproductions
from tradewind_registry import AliasMove, Judgement, Overrule, RegistryClient, Version


@dataclass(frozen=True)
class Known:
    """A version with its judgements (in the family's order), every overrule, the moves and aliases of its model in its world, and ``at``: now."""

    version: Version
    at: dt.datetime
    judgements: tuple[Judgement, ...] = ()
    overrules: tuple[Overrule, ...] = ()
    moves: tuple[AliasMove, ...] = ()
    aliases: dict[str, int] = field(default_factory=dict)
    reproductions: tuple[Reproduction, ...] = ()


def known_of(registry: RegistryClient, version: Version, settings: Settings | None = None) -> Known:
    """What is known of ``version``; without ``settings`` from the database alone.

    Raises:
        IntegrityError: the record of a reproduction is damaged.
    """
    made = read_reproductions(settings, version.reference, version.bundle_digest) if settings is not None else []
    return Known(
        version=version,
        at=Clock().now(),
        judgements=tuple(registry.judgements(version)),
        overrules=tuple(registry.overrules(version)),
        moves=tuple(registry.history(version.model, world=version.world)),
        aliases=registry.aliases(version.model, version.world),
        reproductions=tuple(made),
    )
