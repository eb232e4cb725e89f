"""The offline store: point-in-time joins over Parquet, run by DuckDB.

``type: tradewind_features.offline.store.PointInTimeOfflineStore`` in ``feature_store.yaml`` names Feast's plugin; importing this package
does not import Feast.
"""
