"""`tradewind docs`: everything in the repository that is generated, written anew; a contract test holds it fresh."""

import typer


def write_all() -> None:
    """Write the manifest of feature views that the Dagster graph reads."""
    from tradewind_lifecycle.feature_store import write_feature_manifest

    typer.echo(f"written: {write_feature_manifest()}")
