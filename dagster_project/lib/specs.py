"""What every asset has: a key of stage and name, a group, an owner, kinds and a description."""

from collections.abc import Iterable, Mapping
from typing import Any

import dagster as dg

PLATFORM, LOGISTICS, COMMERCE, SCIENCE = "team:platform", "team:logistics", "team:commerce", "team:science"


def key(stage: str, name: str) -> dg.AssetKey:
    """The key of an asset: its stage, then its name (a noun)."""
    return dg.AssetKey([stage, name])


def asset(
    stage: str,
    name: str,
    description: str,
    *,
    kinds: Iterable[str],
    deps: Iterable[dg.AssetKey] = (),
    owner: str = PLATFORM,
    metadata: Mapping[str, Any] | None = None,
) -> dg.AssetSpec:
    """The spec of an asset; its group is its stage."""
    return dg.AssetSpec(
        key(stage, name),
        description=description,
        deps=list(deps),
        group_name=stage,
        owners=[owner],
        kinds=set(kinds),
        metadata=metadata,
    )


def owner_of(team: str) -> str:
    """Dagster's form of an owner that is declared as ``team-logistics`` or ``logistics``."""
    return f"team:{team.removeprefix('team-')}"
