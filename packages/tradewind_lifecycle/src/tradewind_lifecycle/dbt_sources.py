"""How dbt sees the landing tables: sources and staging models, rendered from the declarations, so that the two can't drift."""

import json
from pathlib import Path
from string import Template

from tradewind_contracts.files import write_text
from tradewind_contracts.tables import TABLES, Column, PersonalData, Table

HEADER = "# Generated from the table declarations by tradewind_lifecycle.dbt_sources; a contract test holds it fresh.\n"
_STAGING = Template("""\
-- $grain.
-- Generated from the table declarations by tradewind_lifecycle.dbt_sources; a contract test holds it fresh.
with

source as (
    select * from {{ source('$source', '$table') }}
),

final as (
    select
        $columns
    from source
)

select * from final
""")

STAGED: dict[str, tuple[str, ...]] = {"olist": tuple(TABLES), "simulator": tuple(TABLES)}
"""The landing tables that each source has generated staging models for: all, so that a table which it lacks is empty and typed."""


def write_generated(project: Path) -> list[Path]:
    """Write the generated files of each source below the dbt project ``project``; their paths."""
    written = []
    for source in STAGED:
        folder = project / "models" / "staging" / source
        for name, text in generated(source).items():
            write_text(folder / name, text)
            written.append(folder / name)
    return written


def generated(source: str) -> dict[str, str]:
    """The files of ``source``'s staging folder: what stands in each, by name."""
    texts = {f"_{source}__sources.yml": sources_yaml(source), f"_{source}__models.yml": staging_yaml(source)}
    return texts | {f"stg_{source}__{name}.sql": staging_sql(source, TABLES[name]) for name in STAGED[source]}


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
            lines += _personal(column, "            ")
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
            lines += _personal(column, "        ")
    return "\n".join(lines) + "\n"


def staging_sql(source: str, table: Table) -> str:
    """The staging model of one landing table: its declared columns, in order."""
    columns = ",\n        ".join(column.name for column in table.all_columns)
    return _STAGING.substitute(grain=_capital(table.grain), source=source, table=table.name, columns=columns)


def _sentence(table: Table) -> str:
    return f"{_capital(table.grain)}. {table.description}"


def _capital(text: str) -> str:
    return f"{text[0].upper()}{text[1:]}"


def _meaning(table: Table, column: Column) -> str:
    return f"{column.description} Known at: {table.known_at_of(column.name)}."


def _personal(column: Column, indent: str) -> list[str]:
    """The column's personal-data class, where it has one."""
    if column.personal is PersonalData.NONE:
        return []
    return [f"{indent}config: {{meta: {{personal_data: {column.personal.value}}}}}"]


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)
