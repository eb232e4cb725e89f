"""What stands already: an asset whose inputs are those of its newest materialization need not be made again.

Only for steps that would load Feast (ten CPU seconds) to find that there is nothing to do. The others ask their own
package. What a step is a function of is digested: the code, what is published, and the clock.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import dagster as dg

from tradewind_contracts.digests import digest_json
from tradewind_contracts.errors import StateError
from tradewind_contracts.manifest import Manifest
from tradewind_contracts.settings import Settings
from tradewind_contracts.world import World
from tradewind_lifecycle.provenance import code_digest

Context = dg.AssetExecutionContext | dg.AssetCheckExecutionContext
INPUTS = "inputs"
LOOK_BACK = 50
"""Materializations of other worlds that are looked past. Chosen: beyond so many runs elsewhere, making it again is no surprise."""
_ROOT = Path(__file__).resolve().parents[2]
_CODE = (
    "feature_repo",
    "packages/tradewind_features",
    "packages/tradewind_lifecycle",
    "packages/tradewind_models",
    "packages/tradewind_quality",
)


def inputs_of(settings: Settings, **more: object) -> str:
    """The digest of what everything after publishing is a function of, and of ``more``."""
    world = World.read(settings.paths.world_file)
    published = Manifest.read(settings.paths.published / "features").digest
    code = {name: code_digest(_ROOT / name) for name in _CODE}
    return digest_json({"published": published, "world": world.model_dump(mode="json"), "code": code, **more})


def standing(context: Context, key: dg.AssetKey, inputs: str, settings: Settings) -> Mapping[str, Any] | None:
    """The metadata (plain values) of the newest materialization of ``key``, if it was made of ``inputs``."""
    found = newest(context, key, settings)
    return found if found is not None and found.get(INPUTS) == inputs else None


def newest(context: Context, key: dg.AssetKey, settings: Settings) -> Mapping[str, Any] | None:
    """The metadata (plain values) of the newest materialization of ``key`` in this world: worlds of one home share their keys."""
    latest = context.instance.get_latest_materialization_event(key)
    if latest is None:
        return None
    found = _plain(latest.asset_materialization)
    if found.get("world") == settings.world_name:
        return found
    earlier = context.instance.fetch_materializations(key, limit=LOOK_BACK).records
    return next((known for record in earlier if (known := _plain(record.asset_materialization)).get("world") == settings.world_name), None)


def _plain(materialization: dg.AssetMaterialization | None) -> dict[str, Any]:
    return {name: getattr(value, "value", None) for name, value in materialization.metadata.items()} if materialization else {}


def newest_value(context: Context, key: dg.AssetKey, name: str, settings: Settings) -> str:
    """One value of the newest materialization of ``key``: how an asset finds what the one before it made.

    Raises:
        StateError: it was never made in this world.
    """
    found = newest(context, key, settings)
    if found is None or name not in found:
        raise StateError(f"{'/'.join(key.path)}: not made yet; materialize it first, `make run` does all")
    return str(found[name])
