"""Records that somebody types or keeps in a file, pushed to a view through Feast's SDK."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tradewind_contracts.errors import NotFoundError, QualityError, SettingsError, SourceError

if TYPE_CHECKING:
    import pandas as pd
    from feast import FeatureStore


def push_records(store: "FeatureStore", view: str, records: "pd.DataFrame") -> int:
    """Push ``records`` to ``view``, online and to its log; returns how many.

    Raises:
        NotFoundError: no such view, or it takes no pushes.
        QualityError: the records are not what the view says, or from the future; nothing was written.
        StateError: log or store can't be written; the error says what the log holds.
    """
    from feast.data_source import PushMode

    source = push_source(store, view)
    _refuse_without_values(store, view, records)
    store.push(source, records, to=PushMode.ONLINE_AND_OFFLINE)
    return len(records)


def _refuse_without_values(store: "FeatureStore", view: str, records: "pd.DataFrame") -> None:
    """Refuse what Feast would drop with a warning (no records, no value in any feature) or fail on (a feature that is missing)."""
    declared = store.get_feature_view(view)
    names = [field.name for field in declared.features]
    if records.empty:
        raise QualityError(f"push to view {view}: no records; nothing was written")
    if missing := [name for name in names if name not in records.columns]:
        wanted = [*(field.name for field in declared.entity_columns), declared.batch_source.timestamp_field, *names]
        raise QualityError(
            f"push to view {view}: columns missing {', '.join(missing)} (a record has: {', '.join(wanted)}); nothing was written"
        )
    if records[names].isna().to_numpy().all():
        raise QualityError(f"push to view {view}: no feature has a value in any record ({', '.join(names)}); nothing was written")


def push_source(store: "FeatureStore", view: str) -> str:
    """The name of the source through which a view takes pushes.

    Raises:
        NotFoundError: no such view, or it takes no pushes.
    """
    from feast import PushSource

    streams = {each.name: each.stream_source for each in store.list_batch_feature_views()}
    taking = sorted(name for name, stream in streams.items() if isinstance(stream, PushSource))
    if view not in taking:
        problem = "takes no pushes" if view in streams else "is not registered"
        raise NotFoundError(f"view {view!r} {problem} (those that do: {', '.join(taking) or 'none'})")
    return str(streams[view].name)


def records_of(text: str, where: str = "--json") -> "pd.DataFrame":
    """Records from JSON: one record, a list of records, or lists by column.

    Raises:
        SourceError: it is none of these.
    """
    import pandas as pd

    try:
        found: Any = json.loads(text)
        is_one = isinstance(found, dict) and not any(isinstance(each, list) for each in found.values())
        return pd.DataFrame([found] if is_one else found)
    except (ValueError, TypeError, AttributeError) as error:
        raise SourceError(f'{where}: not records as JSON ({error}); expected {{"merchant_id": "m1", …}}, or a list of such') from error


def records_in(file: Path) -> "pd.DataFrame":
    """Records from a ``.parquet``, ``.csv`` or ``.json`` file.

    Raises:
        SettingsError: another kind of file.
        SourceError: it can't be read as records.
    """
    import pandas as pd
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        if file.suffix == ".parquet":
            frame: pd.DataFrame = pq.ParquetFile(file).read().to_pandas()
            return frame
        if file.suffix == ".csv":
            return pd.read_csv(file)
        if file.suffix == ".json":
            return records_of(file.read_text(encoding="utf-8"), str(file))
    except (OSError, ValueError, pa.ArrowException) as error:
        raise SourceError(f"{file}: can't be read as records ({error})") from error
    raise SettingsError(f"{file}: expected .json, .csv or .parquet")
