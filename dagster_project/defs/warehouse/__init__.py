"""The warehouse: the two halves that dbt builds, and their quality."""
