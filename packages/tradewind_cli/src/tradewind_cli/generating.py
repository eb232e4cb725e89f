"""`tradewind docs`: everything in the repository that is generated, written anew; a contract test holds it fresh."""

import typer

from tradewind_cli.workspace import importable


def write_all() -> None:
    """Write what the Dagster graph reads (feature views, gates, monitors), dbt's sources and staging columns of each source, and the catalogue.

    The catalogue comes last: its lineage is read from the dbt project as it then stands.
    """
    importable()
    from dagster_project.generate import write_gates, write_monitors
    from tradewind_lifecycle.catalogue import generating
    from tradewind_lifecycle.dbt_sources import write_generated
    from tradewind_lifecycle.feature_store import write_feature_manifest
    from tradewind_lifecycle.warehouse import dbt_project_dir

    for path in (
        write_feature_manifest(),
        write_gates(),
        write_monitors(),
        *write_generated(dbt_project_dir()),
        *generating.write_generated(),
    ):
        typer.echo(f"written: {path}")
