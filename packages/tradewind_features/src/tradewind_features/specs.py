"""What a feature view means, as plain JSON, and its digest. Works on Feast objects without importing Feast.

A digest covers what changes values: entities, columns and types, ttl, time columns, source table, and for on-demand views the
code. It leaves out paths, timestamps, owner, tags and description, so that the same definition has one digest in every world.
"""

import hashlib
import inspect
from pathlib import Path
from typing import Any

from tradewind_contracts.digests import digest_bytes, digest_json
from tradewind_features import transforms


def view_spec(view: Any) -> dict[str, Any]:
    """The meaning of a Feast ``FeatureView``."""
    source = view.batch_source
    return {
        "name": view.name,
        "join_keys": [[column.name, str(column.dtype)] for column in view.entity_columns],
        "features": [[field.name, str(field.dtype)] for field in view.features],
        "ttl_seconds": view.ttl.total_seconds() if view.ttl else 0.0,
        "source": {
            "table": source.name,
            "timestamp_field": source.timestamp_field,
            "created_timestamp_column": source.created_timestamp_column,
            "field_mapping": dict(sorted((source.field_mapping or {}).items())),
        },
    }


def on_demand_spec(view: Any) -> dict[str, Any]:
    """The meaning of a Feast ``OnDemandFeatureView``: inputs, outputs, its code and that of the transforms which it calls."""
    projections = view.source_feature_view_projections.values()
    return {
        "name": view.name,
        "mode": view.mode,
        "inputs": sorted([p.name_to_use(), sorted(f.name for f in p.features)] for p in projections),
        "request": sorted(
            [source.name, sorted([f.name, str(f.dtype)] for f in source.schema)] for source in view.source_request_sources.values()
        ),
        "features": [[field.name, str(field.dtype)] for field in view.features],
        "code": digest_bytes(view.feature_transformation.udf_string.encode()),
        "transforms": transforms_digest(),
    }


def spec_digest(view: Any) -> str:
    """The digest of a feature view's or on-demand view's meaning."""
    return digest_json(on_demand_spec(view) if hasattr(view, "source_request_sources") else view_spec(view))


def transforms_digest() -> str:
    """The digest of the source of :mod:`tradewind_features.transforms`: a changed formula is a changed feature."""
    folder = Path(inspect.getfile(transforms)).parent
    digest = hashlib.sha256()
    for path in sorted(folder.glob("*.py")):
        digest.update(path.name.encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()
