"""Materialization: what an online store holds of each view, how it gets there, and the log of what was published when.

Importing it needs no Feast; :func:`materialize_view` works on Feast's objects.
"""

from tradewind_features.materialization.filling import Progress, materialize_view, note_feasts_own, pushed_root, standing
from tradewind_features.materialization.log import log_materialization, materialized_now, read_materializations
from tradewind_features.materialization.record import FEASTS, INCREMENTAL, WHOLE, ViewMaterialization
from tradewind_features.materialization.visible import newest_visible_rows

__all__ = [
    "FEASTS",
    "INCREMENTAL",
    "WHOLE",
    "Progress",
    "ViewMaterialization",
    "log_materialization",
    "materialize_view",
    "materialized_now",
    "newest_visible_rows",
    "note_feasts_own",
    "pushed_root",
    "read_materializations",
    "standing",
]
