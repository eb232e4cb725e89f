"""What was materialized when: the log, and what an online store holds now.

A record is noted in the online store in the transaction that writes its rows, and then written to the log, one JSON file each, kept
for ever. If a crash falls between the two, the next materialization of the view writes the file.
"""

import datetime as dt
import json
from dataclasses import asdict
from pathlib import Path

from tradewind_contracts.errors import IntegrityError
from tradewind_contracts.files import write_text
from tradewind_features.materialization.record import Held, ViewMaterialization, record_of
from tradewind_features.online.backend import open_backend


def log_materialization(folder: Path, record: ViewMaterialization) -> Path:
    """Write one entry of the log, if it is not there."""
    path = folder / record.log_name
    if not path.exists():
        write_text(path, json.dumps(asdict(record), indent=2, sort_keys=True) + "\n")
    return path


def read_materializations(folder: Path) -> list[ViewMaterialization]:
    """All entries of the log, oldest reach first, then in the order in which they were done; empty where there is none.

    Raises:
        IntegrityError: a file is no entry of the log.
    """
    entries = []
    for path in sorted(folder.glob("*.json")):
        try:
            entries.append(record_of(json.loads(path.read_text(encoding="utf-8"))))
        except (ValueError, TypeError, AttributeError) as error:
            raise IntegrityError(f"{path}: not an entry of the log of materializations ({error}); move it away") from error
    return sorted(entries, key=lambda entry: (dt.datetime.fromisoformat(entry.to_at), dt.datetime.fromisoformat(entry.at)))


def materialized_now(location: str | Path) -> dict[str, ViewMaterialization]:
    """What each view in the online store at ``location`` (as in :func:`open_backend`) was last materialized from; empty without a store."""
    if isinstance(location, Path) and not location.exists():
        return {}
    with open_backend(location) as backend:
        return {view: Held.from_json(text, backend.location).record for view, text in backend.read_materialized().items()}
