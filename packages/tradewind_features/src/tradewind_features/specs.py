"""What a feature view means, as plain JSON, and its digest. Works on Feast objects without importing Feast.

A digest covers what changes values: entities, columns and types, ttl, time columns, source table, the definition of the table's SQL
(tag ``definition``, where it is known), and for on-demand views the code. It leaves out paths, timestamps, owner, other tags and
description, so that the same definition has one digest in every world. Rows of the model registry hold these digests: what is digested,
and how, stays as it is, or every model that lives would seem to need what is not there.

A version that is kept under another name (tag ``version_of``, on the view and on its source) means what it meant under its own: it has
the same digest.
"""

import hashlib
import inspect
from pathlib import Path
from typing import Any

from tradewind_contracts.digests import digest_bytes, digest_json
from tradewind_features import transforms

DEFINITION = "definition"
"""The tag with the digest of the SQL that makes a view's table."""

VERSION_OF = "version_of"
"""The tag of a version that is kept beside its successor: the name that it had, of the view or of its source."""


def view_spec(view: Any) -> dict[str, Any]:
    """The meaning of a Feast ``FeatureView``."""
    source = view.batch_source
    definition = (view.tags or {}).get(DEFINITION)
    spec = {
        "name": own_name(view),
        "join_keys": [[column.name, str(column.dtype)] for column in view.entity_columns],
        "features": [[field.name, str(field.dtype)] for field in view.features],
        "ttl_seconds": view.ttl.total_seconds() if view.ttl else 0.0,
        "source": {
            "table": own_name(source),
            "timestamp_field": source.timestamp_field,
            "created_timestamp_column": source.created_timestamp_column,
            "field_mapping": dict(sorted((source.field_mapping or {}).items())),
        },
    }
    return {**spec, "definition": definition} if definition else spec


def own_name(thing: Any) -> str:
    """The name of a view or source; of a version that is kept under another one, the name that it had."""
    return str((thing.tags or {}).get(VERSION_OF) or thing.name)


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
