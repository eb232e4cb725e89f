"""What the features of an on-demand view are made of: found by asking, with each input left unknown in turn.

Its body is Python, which no SQL lineage reads; but it is pure and answers NaN where an input that it uses is not known.
"""

import datetime as dt
from collections.abc import Mapping
from typing import Any

import pyarrow as pa

from tradewind_lifecycle.lineage.graph import REQUEST, Use

_PROBES: Mapping[str, tuple[pa.DataType, Any]] = {
    "Float64": (pa.float64(), 2.0),
    "Float32": (pa.float32(), 2.0),
    "Int64": (pa.int64(), 2),
    "Int32": (pa.int32(), 2),
    "Bool": (pa.bool_(), True),
    # A text that is the name of a zone too.
    "String": (pa.string(), "UTC"),
    "UnixTimestamp": (pa.timestamp("us", tz="UTC"), dt.datetime(2024, 1, 1, 12, tzinfo=dt.UTC)),
}
"""By Feast's type: the Arrow type and a value that any function of such an input answers."""


def on_demand_inputs(view: Any, models: Mapping[str, str]) -> dict[str, dict[str, Use]]:
    """The columns of an on-demand feature view (Feast's object) for a ``ColumnGraph``, by name: ``features.<view>.<feature>``.

    ``models``: the dbt model of each feature view, whose columns are the inputs ``<view>__<feature>``. A feature whose answer tells
    nothing (NaN whatever the input, or an input of a type without a probe) is said to be made of all inputs.
    """
    nodes = _input_nodes(view, models)
    answers = _answers(view, nodes)
    made: dict[str, dict[str, Use]] = {}
    for feature in view.features:
        changed = [name for name in nodes if answers is not None and _differ(answers[feature.name], 1 + list(nodes).index(name))]
        made[f"features.{view.name}.{feature.name}"] = {nodes[name][0]: Use.VALUE for name in changed or nodes}
    return made


def _input_nodes(view: Any, models: Mapping[str, str]) -> dict[str, tuple[str, str]]:
    """By the name of an input's column: its node, and Feast's type."""
    nodes = {}
    for projection in view.source_feature_view_projections.values():
        for field in projection.features:
            nodes[f"{projection.name_to_use()}__{field.name}"] = (f"features.{models[projection.name]}.{field.name}", str(field.dtype))
    for source in view.source_request_sources.values():
        for field in source.schema:
            nodes[field.name] = (f"{REQUEST}.{source.name}.{field.name}", str(field.dtype))
    return nodes


def _answers(view: Any, nodes: Mapping[str, tuple[str, str]]) -> dict[str, list[Any]] | None:
    """The features of rows [1 + inputs]: with all inputs known, then with each of them unknown; None where an input has no probe."""
    if any(kind not in _PROBES for _, kind in nodes.values()):
        return None
    columns = {}
    for place, (name, (_, kind)) in enumerate(nodes.items()):
        arrow, value = _PROBES[kind]
        columns[name] = pa.array([None if row == 1 + place else value for row in range(1 + len(nodes))], arrow)
    found = view.feature_transformation.udf(pa.table(columns).to_pandas())
    return {feature.name: found[feature.name].tolist() for feature in view.features}


def _differ(values: list[Any], row: int) -> bool:
    known, unknown = values[0], values[row]
    return bool(known == known and unknown != known)
