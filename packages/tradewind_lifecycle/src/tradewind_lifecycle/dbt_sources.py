"""How dbt sees the landing tables, rendered from their declarations, so that the two can't drift."""

import json
from pathlib import Path

from tradewind_contracts.files import write_text
from tradewind_contracts.tables import TABLES, Column, Table

HEADER = "# Generated from the table declarations by tradewind_lifecycle.dbt_sources; a contract test holds it fresh.\n"

STAGED: dict[str, tuple[str, ...]] = {
    "olist": (
        "customers",
        "merchants",
        "products",
        "orders",
        "order_items",
        "payments",
        "reviews",
        "leads",
        "deals",
        "postal_areas",
        "parcels",
    )
}
"""The landing tables that each source has staging models for."""


def write_generated(project: Path) -> list[Path]:
    """Write the generated files of each source below the dbt project ``project``; their paths."""
    written = []
    for source in STAGED:
        folder = project / "models" / "staging" / source
        for name, text in (("sources", sources_yaml(source)), ("models", staging_yaml(source))):
            write_text(folder / f"_{source}__{name}.yml", text)
            written.append(folder / f"_{source}__{name}.yml")
    return written


def sources_yaml(source: str) -> str:
    """The `sources:` file of ``source``."""
    lines = [HEADER + "sources:", f"  - name: {source}"]
    lines += [
        "    description: What has landed; views over the files that the landing manifest names.",
        "    schema: landing",
        "    tables:",
    ]
    for name in STAGED[source]:
        table = TABLES[name]
        lines += [f"      - name: {name}", f"        description: {_quoted(_sentence(table))}", "        columns:"]
        for column in table.all_columns:
            lines += [f"          - name: {column.name}", f"            description: {_quoted(_meaning(table, column))}"]
    return "\n".join(lines) + "\n"


def staging_yaml(source: str) -> str:
    """The `models:` file of ``source``'s staging models: one per landing table, key tested, columns described."""
    lines = [HEADER + "models:"]
    for name in STAGED[source]:
        table = TABLES[name]
        key = ", ".join(table.key)
        lines += [f"  - name: stg_{source}__{name}", f"    description: {_quoted(_sentence(table))}"]
        lines += [f"    config: {{meta: {{primary_key: [{key}], owner: {table.owner}}}}}"]
        lines += [f"    data_tests: [{{primary_key: {{arguments: {{columns: [{key}]}}}}}}]", "    columns:"]
        for column in table.all_columns:
            lines += [f"      - name: {column.name}", f"        description: {_quoted(_meaning(table, column))}"]
    return "\n".join(lines) + "\n"


def _sentence(table: Table) -> str:
    return f"{table.grain[0].upper()}{table.grain[1:]}. {table.description}"


def _meaning(table: Table, column: Column) -> str:
    return f"{column.description} Known at: {table.known_at_of(column.name)}."


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)
