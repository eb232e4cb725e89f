"""Lineage: where each column comes from, from features back to the landing tables.

``columns.lineage(manifest)`` reads the graph from the SQL that dbt compiled (``compiling.compiled_manifest``); ``graph`` is what a reader of a
written one needs.
"""

from tradewind_lifecycle.lineage.graph import LANDING, REQUEST, ROWS, ColumnGraph, Use

__all__ = ["LANDING", "REQUEST", "ROWS", "ColumnGraph", "Use"]
