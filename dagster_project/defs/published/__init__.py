"""Published: the Parquet that everybody reads."""
