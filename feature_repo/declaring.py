"""How a view is declared: one dbt model, one entity, every field by hand."""

import datetime as dt

from feast import Entity, FeatureView, Field, PushSource
from feast.types import Float64, Int64, String

from feature_repo.sources import published

DAILY_TTL = dt.timedelta(days=3)
"""Of views with a row for each day: an older row means that the pipeline stalled. Chosen: a weekend's outage is survived."""
STATIC_TTL = dt.timedelta(0)
"""Never expires."""

_TYPES = {"double": Float64, "bigint": Int64, "varchar": String}


def view(model: str, entity: Entity, ttl: dt.timedelta, description: str, fields: dict[str, tuple[str, str]], subject: str) -> FeatureView:
    """The feature view on ``model``; ``fields``: name → (dbt's type, description); ``subject``: what it is about, a tag."""
    name = model.removeprefix("ftr_").replace("__", "_")
    return FeatureView(
        name=name,
        entities=[entity],
        ttl=ttl,
        schema=[
            Field(name=entity.join_key, dtype=String, description=entity.description),
            *(Field(name=name, dtype=_TYPES[kind], description=text) for name, (kind, text) in fields.items()),
        ],
        # Published rows, and records pushed beside them: `store.push("<view>_pushed", …)`, `tradewind features push <view>`.
        source=PushSource(
            name=f"{name}_pushed", batch_source=published(model), description=f"Records pushed to {name}.", owner="logistics"
        ),
        description=description,
        owner="logistics",
        tags={"model": model, "subject": subject},
    )
