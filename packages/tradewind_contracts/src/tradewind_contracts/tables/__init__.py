"""The landing tables, each declared once."""

from tradewind_contracts.errors import NotFoundError
from tradewind_contracts.tables import commerce, logistics, market, network, operations
from tradewind_contracts.tables.declaration import (
    ALWAYS,
    CHANGED_AT,
    FLAGS,
    NEVER,
    Column,
    Kind,
    PersonalData,
    Reference,
    Table,
)

TABLES: dict[str, Table] = {
    table.name: table
    for module in (commerce, market, logistics, network, operations)
    for table in vars(module).values()
    if isinstance(table, Table)
}


def table(name: str) -> Table:
    """The declaration of the landing table ``name``.

    Raises:
        NotFoundError: no such table is declared.
    """
    try:
        return TABLES[name]
    except KeyError as error:
        raise NotFoundError(f"no landing table {name!r}; declared are: {', '.join(sorted(TABLES))}") from error


__all__ = [
    "ALWAYS",
    "CHANGED_AT",
    "FLAGS",
    "NEVER",
    "TABLES",
    "Column",
    "Kind",
    "PersonalData",
    "Reference",
    "Table",
    "table",
]
