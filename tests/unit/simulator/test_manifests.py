"""What a manifest of somebody else may not name."""

import json
from typing import Any

import pytest

from tradewind_contracts.errors import SourceError
from tradewind_simulator import truth
from tradewind_simulator.manifests import FileEntry, FolderManifest

ENTRY = {"table": "dirt", "day": "2024-01-31", "path": "dirt/2024-01-31.parquet", "rows": 1, "digest": "0"}
HEAD = {
    "name": "simulator",
    "country": "BR",
    "currency": "BRL",
    "zone": "America/Sao_Paulo",
    "first_day": "2024-01-01",
    "newest_day": "2024-01-31",
}


def written(folder, **changes: Any):
    folder.mkdir(parents=True)
    entry = {**ENTRY, **{name: changes.pop(name) for name in list(changes) if name in ENTRY}}
    (folder / "manifest.json").write_text(json.dumps({**HEAD, **changes, "files": [entry]}))
    return folder


def test_what_is_written_is_read(tmp_path):
    manifest = FolderManifest(**HEAD, files=(FileEntry(**ENTRY),))
    manifest.write(tmp_path)
    assert FolderManifest.read(tmp_path) == manifest


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"path": "../observed/orders.parquet"}, "files.0.path: names '../observed/orders.parquet', which lies outside of the folder"),
        ({"path": "dirt/../../../orders.parquet"}, "which lies outside of the folder"),
        ({"path": "/etc/hostname"}, "which lies outside of the folder"),
        ({"day": "20240131"}, "is of the day '20240131'; expected a date such as 2024-01-31"),
        ({"newest_day": "../.."}, "newest_day: is of the day '../..'"),
        ({"zone": "America/Atlantis"}, "zone: no such zone: 'America/Atlantis'"),
        ({"zone": "UTC', now()) --"}, "no such zone"),
        ({"zone": "../../etc/passwd"}, "no such zone"),
        ({"zone": ""}, "no such zone"),
        ({"owner": "nobody"}, "owner: Extra inputs are not permitted"),
    ],
)
def test_a_manifest_that_names_what_can_not_be_is_refused(tmp_path, changes, expected):
    folder = written(tmp_path / "observed", **changes)
    with pytest.raises(SourceError) as refusal:
        FolderManifest.read(folder)
    assert expected in str(refusal.value)


def test_who_reads_truth_is_not_led_out_of_its_folder(tmp_path):
    written(tmp_path / "truth", path="../../elsewhere.parquet")
    with pytest.raises(SourceError, match="outside of the folder"):
        truth.read(tmp_path, "dirt")
