"""What a version's asset links to: the run that made it, its training set, its features and views, its card; and its lineage as a tree."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import dagster as dg

from dagster_project.lib.metadata import table
from dagster_project.lib.specs import key
from tradewind_contracts.errors import TradewindError
from tradewind_contracts.settings import Settings

UNKNOWN = "made outside of Dagster"


def links_of(version: Any, card: Path, training_set: dg.AssetKey, settings: Settings) -> dict[str, Any]:
    """Metadata of the asset of ``version`` (the registry's record): what it leads to in the UI, and what it was made of."""
    page = card.with_suffix(".html")
    return {
        "run": dg.MetadataValue.dagster_run(version.run_id) if version.run_id else UNKNOWN,
        "run_page": dg.MetadataValue.url(f"/runs/{version.run_id}") if version.run_id else UNKNOWN,
        "training_set": version.training_set_digest,
        "training_set_asset": dg.MetadataValue.asset(training_set),
        "features": features_table(version.view_specs, version.importance),
        "card": dg.MetadataValue.path(str(card)),
        **({"card_page": dg.MetadataValue.path(str(page))} if page.exists() else {}),
        "lineage": lineage_text(version.reference, settings),
    }


def features_table(view_specs: Mapping[str, str], importance: Mapping[str, float]) -> dg.MarkdownMetadataValue:
    """The feature views of a version, the one that means most first, each a link to its asset, with its features and their gain."""
    lines = []
    for view in view_specs:
        own = {column: share for column, share in importance.items() if column.startswith(f"{view}__")}
        named = ", ".join(f"{column.partition('__')[2]} {share:.1%}" for column, share in sorted(own.items(), key=lambda item: -item[1]))
        lines.append((sum(own.values()), view, named or "none in the vector"))
    rows = [
        {"view": _link(key("feature_views", view), view), "gain": f"{gain:.1%}", "features": named}
        for gain, view, named in sorted(lines, reverse=True)
    ]
    fields = {column: share for column, share in importance.items() if "__" not in column}
    asked = ", ".join(f"{column} {share:.1%}" for column, share in sorted(fields.items(), key=lambda item: -item[1]))
    return table([*rows, *([{"view": "the request", "gain": f"{sum(fields.values()):.1%}", "features": asked}] if fields else [])])


def lineage_text(reference: str, settings: Settings) -> Any:
    """The version's lineage as `tradewind lineage` prints it. A lineage that can't be read is no reason to fail: it is said why."""
    from tradewind_lifecycle.lineage.ancestry import lineage_of
    from tradewind_lifecycle.lineage.tree import tree

    try:
        found = lineage_of(reference, settings, may_compile=False)
    except TradewindError as error:
        return f"not read: {error}"
    return dg.MetadataValue.md(f"```\n{tree(found)}\n```\n`tradewind lineage {reference} --depth 9` shows every column.")


def _link(asset: dg.AssetKey, name: str) -> str:
    return f"[{name}](/assets/{'/'.join(asset.path)})"
