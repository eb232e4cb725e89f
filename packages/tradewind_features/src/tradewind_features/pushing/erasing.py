"""The erasure of one entity, a person's right: online, in every view, and in the logs of pushed rows.

Published tables are not rewritten here: they are immutable and are built again from landing, where the entity has to go first. Until
then the online store keeps its rows out (those created at or before the erasure), while a training set still finds them.
"""

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tradewind_contracts.errors import NotFoundError
from tradewind_features.datasets import pushed_folder
from tradewind_features.materialization import pushed_root
from tradewind_features.online.backend import open_backend
from tradewind_features.pushing.intake import clock_of
from tradewind_features.pushing.log import erase_pushed

if TYPE_CHECKING:
    from feast import FeatureView
    from feast.repo_config import RepoConfig


@dataclass(frozen=True)
class EntityErasure:
    """What was erased: rows by view online and in its log of pushed rows, up to which instant, and where the entity may still stand.

    ``published``: the paths of the views' sources by name, which hold the entity until they are built again without it.
    """

    key_name: str
    at: dt.datetime
    online: Mapping[str, int]
    pushed: Mapping[str, int]
    published: Mapping[str, str]


def erase_entity(config: "RepoConfig", views: Sequence["FeatureView"], key_name: str, key: str | int) -> EntityErasure:
    """Delete an entity from the online store and from the logs of all ``views`` that have the join key ``key_name``.

    Online first: from then on no materialization brings it back. If it fails in between, do it again.

    Raises:
        NotFoundError: no view has such a join key.
        StateError: store or log can't be written.
    """
    from tradewind_features.online.store import backend_location

    concerned = [view for view in views if key_name in [column.name for column in view.entity_columns]]
    if not concerned:
        known = sorted({column.name for view in views for column in view.entity_columns})
        raise NotFoundError(f"join key {key_name!r}: no view has it (there are: {', '.join(known) or 'none'})")
    at = clock_of(config).now()
    with open_backend(backend_location(config)) as backend:
        online = backend.erase(key_name, key, (at - dt.datetime(1970, 1, 1, tzinfo=dt.UTC)) // dt.timedelta(microseconds=1))
    root = pushed_root(config)
    pushed: dict[str, int] = {}
    for view in concerned:
        folder = None if root is None else pushed_folder(root, view.batch_source.name)
        # Views over one source share its log: the first to come finds the rows.
        pushed[view.name] = 0 if folder is None or not folder.is_dir() else erase_pushed(folder, _column(view, key_name), key)
    published = {view.batch_source.name: str(getattr(view.batch_source, "path", "")) for view in concerned}
    return EntityErasure(key_name, at, online, pushed, published)


def _column(view: "FeatureView", key_name: str) -> str:
    """The source's name of a view's join key."""
    return next((column for column, name in (view.batch_source.field_mapping or {}).items() if name == key_name), key_name)
