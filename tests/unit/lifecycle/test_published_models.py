"""What of dbt's manifest publishing reads."""

import json

import pytest

from tradewind_contracts.errors import IntegrityError
from tradewind_lifecycle.publishing import published_models


def node(name, **meta):
    columns = {
        "address_id": {"config": {"meta": {"personal_data": "indirect"}}},
        "street": {"config": {"meta": {"personal_data": "direct"}}},
        "state": {"config": {"meta": {}}},
        "changed_at": {},
    }
    return {"resource_type": "model", "name": name, "schema": "marts", "config": {"meta": meta}, "columns": columns}


def test_columns_with_direct_personal_data_are_hidden(tmp_path):
    path = tmp_path / "manifest.json"
    path.write_text(json.dumps({"nodes": {"a": node("dim_addresses", primary_key=["address_id"], may_be_empty=True)}}))
    (model,) = published_models("marts", path)
    assert (model.key, model.may_be_empty, model.hidden) == (("address_id",), True, {"street"})


def test_a_model_without_a_key_is_refused(tmp_path):
    path = tmp_path / "manifest.json"
    path.write_text(json.dumps({"nodes": {"a": node("dim_addresses")}}))
    with pytest.raises(IntegrityError, match="declares no config"):
        published_models("marts", path)
