"""Lineage: where each column comes from, from features back to the landing tables, read from the SQL that dbt compiled."""

from tradewind_lifecycle.lineage.columns import LANDING, ColumnGraph, Use, lineage
from tradewind_lifecycle.lineage.compiling import compiled_manifest
from tradewind_lifecycle.lineage.relations import ROWS

__all__ = ["LANDING", "ROWS", "ColumnGraph", "Use", "compiled_manifest", "lineage"]
