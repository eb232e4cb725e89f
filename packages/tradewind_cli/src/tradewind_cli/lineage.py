"""`tradewind impact` and `tradewind lineage`: what would notice a change, and what a version was made of."""

import enum
from pathlib import Path
from typing import Annotated

import typer

Source = Annotated[str | None, typer.Option(help="The world that this source fills.", show_default="simulator")]
World = Annotated[str | None, typer.Option(help="The world that is looked at.", show_default="the source's")]
Out = Annotated[Path | None, typer.Option(help="File to write instead of the terminal.")]


class Form(enum.StrEnum):
    """What comes out."""

    TEXT = "text"
    JSON = "json"
    MERMAID = "mermaid"


Format = Annotated[Form, typer.Option("--format", help="For people, for programs (all of it), or as a Mermaid flowchart.")]


def impact(
    name: Annotated[
        str,
        typer.Argument(help="A column (landing.parcels.promised_at), a table, a feature view, view:feature, or a field of a request."),
    ],
    form: Format = Form.TEXT,
    ways: Annotated[bool, typer.Option("--ways", help="Show one way to every feature, column by column.")] = False,
    source: Source = None,
    world: World = None,
    out: Out = None,
) -> None:
    """Show all that would notice if a column, table, view or feature changed: features, models, services, nightly tables."""
    from tradewind_cli.impacts import impact_text
    from tradewind_contracts.settings import use
    from tradewind_lifecycle.lineage.impact import impact as impact_on
    from tradewind_lifecycle.lineage.mermaid import impact_chart

    found = impact_on(name, use(source=source, world=world), _say)
    if form is Form.JSON:
        _give(found.model_dump_json(indent=2) + "\n", out)
    elif form is Form.MERMAID:
        _give(impact_chart(found), out)
    else:
        _give(impact_text(found, ways=ways), out)


def lineage(
    reference: Annotated[str, typer.Argument(help="A version: eta@1, or the world's eta@champion.")],
    form: Format = Form.TEXT,
    depth: Annotated[
        int, typer.Option(min=1, help="Steps back that are shown; 5 shows features, 6 and more their columns. JSON has all.")
    ] = 4,
    source: Source = None,
    world: World = None,
    out: Out = None,
) -> None:
    """Show what a version was made of, back to the files that landed, and what follows it."""
    from tradewind_contracts.settings import use
    from tradewind_lifecycle.lineage.ancestry import lineage_of
    from tradewind_lifecycle.lineage.mermaid import MOST, lineage_chart
    from tradewind_lifecycle.lineage.tree import tree

    found = lineage_of(reference, use(source=source, world=world), _say)
    if form is Form.JSON:
        _give(found.model_dump_json(indent=2) + "\n", out)
    elif form is Form.MERMAID:
        folded = found.folded(depth)
        if len(folded.links) > MOST:
            _say(f"{len(folded.links):,} arrows: Mermaid draws {MOST} unless its maxEdges is raised; a smaller --depth folds more")
        _give(lineage_chart(folded), out)
    else:
        _give(tree(found, depth) + "\n", out)


def _say(line: str) -> None:
    typer.secho(line, err=True, dim=True)


def _give(text: str, out: Path | None) -> None:
    from tradewind_contracts.files import write_text

    if out is None:
        typer.echo(text, nl=False)
        return
    write_text(out, text)
    typer.echo(f"written to {out}", err=True)
