"""How the graph is made: specs, checks, metadata, dbt, progress. What exists is in ``defs``."""
