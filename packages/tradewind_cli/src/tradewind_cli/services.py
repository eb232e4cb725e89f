"""Commands that start something and stay: the Dagster UI, the services; and the one that writes what is generated."""

from typing import Annotated

import typer


def dev(
    port: Annotated[int, typer.Option(min=1, max=65535, help="Port of the UI.")] = 3070,
    source: Annotated[str | None, typer.Option(help="Source whose world is shown and run.", show_default="simulator")] = None,
) -> None:
    """Open the Dagster UI with the whole lineage, on loopback."""
    from tradewind_cli import launching

    launching.dev(port, source)


def serve(
    port: Annotated[int | None, typer.Option(min=1, max=65535, help="Port of the ETA service.", show_default="3000")] = None,
    host: Annotated[str | None, typer.Option(help="Address to bind; beyond loopback a key is required.", show_default="127.0.0.1")] = None,
    source: Annotated[str | None, typer.Option(help="The world that this source fills.", show_default="simulator")] = None,
) -> None:
    """Serve the champion of a world over HTTP until interrupted."""
    from tradewind_cli import launching

    launching.serve(port=port, host=host, source=source)


def docs() -> None:
    """Write the generated catalogues and manifests anew."""
    from tradewind_cli import generating

    generating.write_all()
