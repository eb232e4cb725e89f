"""A registry of many versions with rows of real size, written past its own writers: ten thousand bundles would only fill a disk."""

import datetime as dt
import hashlib
from typing import Any

from sqlalchemy import create_engine, insert, text

from tradewind_contracts.digests import digest_json
from tradewind_contracts.settings import Settings
from tradewind_contracts.verdicts import Verdict
from tradewind_registry import Registry, VersionDraft
from tradewind_registry.rows import verdict_row, version_row
from tradewind_registry.schema import AliasHistoryRow, AuditRow, Base, ModelRow, VerdictRow, VersionRow

MODEL = "eta"
BEGAN = dt.datetime(2020, 1, 1, tzinfo=dt.UTC)
_AT_ONCE = 250
_STATES = ("SP", "RJ", "MG", "RS", "PR", "SC", "BA", "DF", "ES", "GO", "PE", "CE", "PA", "MT", "MA", "MS", "PB", "RN")
GATES = tuple(f"gate_{n:02d}" for n in range(17))


def draft_of(number: int, world: str = "olist") -> VersionDraft:
    """A draft as large as the ETA's own on Olist: about 120 kB of JSON (325 claims, 58 slices, shapes of 35 features)."""
    metrics = {
        "mae_days": 3.7 + number % 7 / 100,
        "bias_days": 0.28,
        "pinball_p10": 0.59,
        "pinball_p90": 1.19,
        "coverage": 0.83,
        "n": 7272.0,
    }
    other = {name: value * 1.1 for name, value in metrics.items()}
    of_slice = {"eta": metrics, "lane_median": other, "promise": other}
    claim = {"table": "orders", "claim": "columns and types are the declared ones", "severity": "critical", "passed": True, "rows": 99_441}
    digest = hashlib.sha256(b"view").hexdigest()
    return VersionDraft.model_validate(
        {
            "model": MODEL,
            "inputs_key": hashlib.sha256(f"{number}".encode()).hexdigest(),
            "world": world,
            "purpose": "Days from purchase to delivery of a parcel: p10, p50 and p90.",
            "owner": "logistics",
            "feature_service": "eta_v1",
            "view_specs": {f"view_{n}": digest for n in range(11)},
            "training_set_digest": digest,
            "entity_rows_digest": digest,
            "as_of": BEGAN + dt.timedelta(hours=number),
            "commit": "a61c0bc03801f524d1ed77f4c45e6d7a25c18253",
            "tree_clean": True,
            "lock_digest": digest,
            "run_id": f"39afc7af-2386-4e52-a93d-{number:012d}",
            "parameters": {"trees": {"rounds": 150, "num_leaves": 15, "learning_rate": 0.07}, "folds": 2},
            "seed": 7,
            "rows": 7944,
            "metrics": metrics,
            "baselines": {"lane_median": other, "promise": other},
            "slices": {"destination_state": dict.fromkeys(_STATES, of_slice), "category": {f"category {n}": of_slice for n in range(40)}},
            "importance": {f"view_{n % 11}__feature_{n}": 1 / 35 for n in range(35)},
            "quality": [{"suite": f"suite {n}", **claim} for n in range(325)],
            "gates": list(GATES),
            "facts": {"data_kind": "real", "training_rows": 70_160, "holdout_from": "2018-04-16T03:00:00Z"},
            "intervals": {name: {"low": value * 0.95, "high": value * 1.05} for name, value in metrics.items()},
            "reference_shapes": {f"feature_{n}": {"edges": [0.1234567] * 20, "shares": [0.05] * 21} for n in range(35)},
        }
    )


def verdicts_of(number: int) -> list[Verdict]:
    """A passed verdict of each gate, with two kilobytes of evidence."""
    evidence = {"plot": "bars", "labels": [f"slice {n}" for n in range(58)], "values": [1.012345] * 58, "threshold": 1.15, "unit": "times"}
    return [
        Verdict(
            gate=gate,
            claim=f"{gate} holds",
            passed=number % 10 != 0 or gate != GATES[-1],
            value=1.0,
            threshold=1.15,
            reason="1.031 is ≤ 1.15; destination_state RJ, n = 920",
            decided_at=BEGAN + dt.timedelta(hours=number),
            evidence=evidence,
        )
        for gate in GATES
    ]


def fill(settings: Settings, versions: int) -> None:
    """Write ``versions`` versions, their verdicts, a promotion for every tenth, and the audit of all that, as their writers would have."""
    Registry.open(settings).close()
    engine = create_engine(settings.database_url)
    world = settings.world_name
    listing = {"contract.json": "0" * 64}
    version = _values(version_row(draft_of(0, world), 0, digest_json(listing), listing, BEGAN))
    passed, failed = ([_values(verdict_row(MODEL, 0, one, "", BEGAN)) for one in verdicts_of(n)] for n in (1, 0))
    with engine.begin() as connection:
        connection.execute(insert(ModelRow), [{"name": MODEL, "created_at": BEGAN}])
        for first in range(1, versions + 1, _AT_ONCE):
            numbers = range(first, min(first + _AT_ONCE, versions + 1))
            rows = [version | _own(n) for n in numbers]
            judged = [verdict | {"number": n, "run_id": f"run-{n}"} for n in numbers for verdict in (failed if n % 10 == 0 else passed)]
            connection.execute(insert(VersionRow), rows)
            connection.execute(insert(VerdictRow), judged)
            connection.execute(insert(AuditRow), [_audit(n, action) for n in numbers for action in ("register", "verdicts")])
            moved = [n for n in numbers if n % 10 == 1]
            connection.execute(insert(AliasHistoryRow), [_move(n, world) for n in moved])
        last = max(n for n in range(1, versions + 1) if n % 10 == 1)
        connection.execute(
            text("insert into aliases (model, world, alias, number) values (:m, :w, 'champion', :n)"), {"m": MODEL, "w": world, "n": last}
        )
        if engine.dialect.name == "postgresql":
            connection.execute(text("analyze"))
    engine.dispose()


def _own(number: int) -> dict[str, Any]:
    at = BEGAN + dt.timedelta(hours=number)
    key = hashlib.sha256(f"{number}".encode()).hexdigest()
    return {"number": number, "inputs_key": key, "as_of": at, "created_at": at, "run_id": f"run-{number}"}


def _values(row: Base) -> dict[str, Any]:
    return {column.key: getattr(row, column.key) for column in row.__table__.columns if getattr(row, column.key) is not None}


def _audit(number: int, action: str) -> dict[str, Any]:
    at = BEGAN + dt.timedelta(hours=number)
    return {"at": at, "who": "training", "action": action, "subject": f"{MODEL}@{number}", "run_id": f"run-{number}", "detail": {"a": 1}}


def _move(number: int, world: str) -> dict[str, Any]:
    moved = {"from_number": number - 10 if number > 10 else None, "to_number": number, "moved_at": BEGAN + dt.timedelta(hours=number)}
    return {
        "model": MODEL,
        "world": world,
        "alias": "champion",
        "action": "promote",
        "who": "training",
        "why": "passed",
        "run_id": "",
        **moved,
    }
