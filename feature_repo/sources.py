"""Sources: the published Parquet of a feature model, as the manifest of the features half names it."""

from feast import FileSource

from tradewind_contracts.manifest import MANIFEST, Manifest
from tradewind_contracts.settings import settings

EVENT, CREATED = "event_timestamp", "created_timestamp"


def published(model: str) -> FileSource:
    """The source on the dbt model ``model``; before anything is published it names the file that would be there."""
    folder = settings().paths.published / "features"
    path = folder / f"{model}.parquet"
    if (folder / MANIFEST).exists() and model in (tables := Manifest.read(folder).tables):
        path = folder / tables[model].path
    return FileSource(name=model, path=str(path), timestamp_field=EVENT, created_timestamp_column=CREATED)
