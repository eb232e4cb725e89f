"""The offline half of parity: recorded vectors, derived again for their instant over the datasets that were published then.

Feast joins over a scratch copy of the world's registry in which each view points at the dataset that the record names; the registry
itself, and the online store, are left alone.
"""

import contextlib
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from tradewind_contracts.settings import Settings
from tradewind_features.specs import spec_digest
from tradewind_lifecycle import training_sets
from tradewind_lifecycle.feature_store import HALF, open_store, quiet_feast
from tradewind_lifecycle.parity.records import ASKED, ServedFacts, ServedRecord

if TYPE_CHECKING:
    from feast import FeatureStore

REGISTRY = "registry.db"


@contextlib.contextmanager
def scratch_store(settings: Settings, datasets: Mapping[str, Path]) -> Iterator["FeatureStore"]:
    """Feast's store of the world over a copy of its registry, in which the views of ``datasets`` read those files or folders instead.

    Raises:
        StateError: nothing is registered.
    """
    with tempfile.TemporaryDirectory(prefix="tradewind-parity-") as folder, quiet_feast():
        registry = Path(folder) / REGISTRY
        shutil.copy(settings.paths.feast_registry, registry)
        store = open_store(settings, registry)
        for view in store.list_batch_feature_views():
            if view.name in datasets:
                # A view that takes pushed rows has its source twice, and Feast reads it from within the other.
                for source in (view.batch_source, getattr(view.stream_source, "batch_source", None)):
                    if source is not None:
                        source.file_options.uri = str(datasets[view.name])
                store.registry.apply_feature_view(view, store.project, commit=False)
        store.registry.commit()
        yield store


def datasets_of(facts: ServedFacts, settings: Settings) -> dict[str, Path]:
    """Where the datasets of a record stand, by view, if they still do."""
    folder = settings.paths.published / HALF
    return {view: folder / origin.published for view, origin in facts.views.items()}


def why_not(record: ServedRecord, settings: Settings, store: "FeatureStore") -> str:
    """Why a record can't be judged any more; "" if it can."""
    with quiet_feast():
        registered = {view.name: spec_digest(view) for view in store.list_batch_feature_views()}
    origins = {view: origin for view, origin in record.facts.views.items() if view in registered}
    redefined = sorted(view for view, origin in origins.items() if origin.spec_digest != registered[view])
    if redefined:
        return f"redefined since: {', '.join(redefined)}"
    datasets = datasets_of(record.facts, settings)
    gone = sorted(datasets[view].name for view in origins if not datasets[view].exists())
    return f"no longer published: {', '.join(gone)}" if gone else ""


def rederived(record: ServedRecord, settings: Settings, store: "FeatureStore") -> pa.Table:
    """The vectors of ``record`` as a training set has them: its rows in order, with the service's columns beside what was asked.

    ``store`` is a :func:`scratch_store` over the record's datasets.
    """
    return training_sets.build(record.facts.service, record.rows.select(list(ASKED)), settings, store=store)


def feast_views(store: "FeatureStore") -> dict[str, Any]:
    """Feast's views with rows in time, by name."""
    with quiet_feast():
        return {view.name: view for view in store.list_batch_feature_views()}
