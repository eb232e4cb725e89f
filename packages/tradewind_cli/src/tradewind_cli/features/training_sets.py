"""`tradewind features training-set`: a sealed training set of what was known at an instant."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    import pyarrow as pa

    from tradewind_lifecycle.sealed_frames import SealedFrame


def training_set(
    family: Annotated[str, typer.Argument(help="Model family, such as eta.")],
    as_of: Annotated[
        str | None,
        typer.Option(help="What was known at this instant (a date is the start of that local day).", show_default="the world's clock"),
    ] = None,
    out: Annotated[Path | None, typer.Option(help="Copy the frame (Parquet) here.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Plain JSON instead of words.")] = False,
    source: Annotated[str | None, typer.Option(help="The world that this source fills.", show_default="simulator")] = None,
    world: Annotated[str | None, typer.Option(help="The world that is meant.", show_default="the source's")] = None,
) -> None:
    """Seal every order placed before as_of with its features at purchase and its outcome as known then; the same set is made once."""
    import json

    from tradewind_cli.features.words import console
    from tradewind_contracts.settings import use
    from tradewind_lifecycle.sealed_frames import sealed_frame

    chosen = use(source=source, world=world)
    shown = console()
    found = sealed_frame(chosen, family, as_of, progress=lambda line: None if as_json else shown.print(f"[dim]  {line}[/]"))
    copied = found.write(out) if out is not None else None
    facts = _facts(found, found.table())
    if as_json:
        said = {
            "digest": found.digest,
            "path": str(found.path),
            "reused": found.reused,
            "rows": found.sealed.rows,
            "columns": found.columns,
        }
        typer.echo(json.dumps(said | {"outcome": found.outcome, "features": found.features, **found.sealed.facts}, indent=2))
        return
    from rich.markup import escape
    from rich.table import Table

    table = Table.grid(padding=(0, 2))
    table.add_column(style="dim", no_wrap=True)
    table.add_column(overflow="fold", ratio=1)
    for name, text in facts:
        table.add_row(name, text)
    shown.print(table)
    # Each in one piece, however long, so that it can be copied.
    for name, text in [("digest", found.digest), ("frame", str(found.path)), *([("copied to", str(copied))] if copied else [])]:
        shown.print(f"[dim]{name:<12}[/]  {escape(text)}", soft_wrap=True)


def _facts(found: "SealedFrame", table: "pa.Table") -> list[tuple[str, str]]:
    import pyarrow.compute as pc

    from tradewind_cli.features.words import instant
    from tradewind_lifecycle.training_sets import EVENT

    ended = table.num_rows - table["outcome_at"].null_count
    first, last = pc.min(table[EVENT]).as_py(), pc.max(table[EVENT]).as_py()
    made = "reused: it was sealed before, its bytes are what they were" if found.reused else "made"
    return [
        ("training set", f"[bold]{found.digest[:16]}[/] of {found.family}, {made}"),
        ("as of", f"{instant(found.as_of)}: nothing known later is in it"),
        ("rows", f"{table.num_rows:,} parcels, ordered {instant(first)} to {instant(last)}"),
        ("outcome", f"{', '.join(found.outcome)}: of {ended:,} delivered by then; null for {table.num_rows - ended:,} still under way"),
        (
            "columns",
            f"{table.num_columns}: {len(found.features)} features of {found.sealed.facts['feature_service']} (view__feature), "
            f"{len(found.ages)} ages of views in hours, {len(found.outcome)} of the outcome, the rest what was ordered",
        ),
    ]
