"""Lineage of SQL: where the columns of a query come from, and what decides which rows it has."""

from tradewind_lifecycle.sql_lineage.queries import query_lineage
from tradewind_lifecycle.sql_lineage.relations import ROWS, Origin, Relation, base_relation, merged
from tradewind_lifecycle.sql_lineage.syntax import parsed

__all__ = ["ROWS", "Origin", "Relation", "base_relation", "merged", "parsed", "query_lineage"]
