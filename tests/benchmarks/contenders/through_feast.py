"""A Feast repository over a world's views, asked for all features through ``get_historical_features``."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pandas as pd
from feast.infra.offline_stores.offline_store import RetrievalJob

from tests.benchmarks.feast_repositories import file_view, merchant, open_store
from tests.benchmarks.joined_worlds import World


def asking_feast(
    world: World, folder: Path, offline_store: Mapping[str, Any], paths: Callable[[str], str], **options: Any
) -> Callable[[pd.DataFrame | str], RetrievalJob]:
    """``paths`` gives what a view's source names; ``options`` go to ``get_historical_features``."""
    entity = merchant(integer_keys=world.shape.integer_keys)
    views = [
        file_view(entity, view, paths(view), features, world.ttl, counts=set(features[4::5])) for view, features in world.views.items()
    ]
    store = open_store(folder, entity, views, offline_store=dict(offline_store))
    references = [f"{view}:{feature}" for view, features in world.views.items() for feature in features]
    return lambda entities: store.get_historical_features(entities, references, **options)
