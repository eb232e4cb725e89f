"""The fit once more, from the sealed rows and the knobs that the version's row names; then both bundles beside each other."""

import json
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import ValidationError

from tradewind_contracts.digests import digest_json, folder_listing
from tradewind_contracts.errors import IntegrityError
from tradewind_contracts.settings import Settings
from tradewind_lifecycle import spans
from tradewind_lifecycle.candidates import fit_candidate, inputs_key
from tradewind_lifecycle.holdouts import frame_of
from tradewind_lifecycle.reproducing.records import TOLERANCE, Check, Outcome, Refitted
from tradewind_lifecycle.sealing import evaluation_fields
from tradewind_lifecycle.training_sets import SealedSet
from tradewind_models.eta import EtaConfig, EtaModel, read
from tradewind_models.eta.evaluation import MODEL
from tradewind_registry import RegistryClient, Version

MOST_PATHS = 5
"""Differing places of a JSON file that are named; chosen: more is another file."""


def config_of(version: Version) -> EtaConfig:
    """The knobs of the version, from its row: parameters, seed, and its features in their order.

    Raises:
        IntegrityError: this checkout's family has no such knob or feature.
    """
    declared = {field.column: field for field in EtaConfig().features}
    unknown = sorted(set(version.importance) - set(declared))
    if unknown:
        raise IntegrityError(
            f"{version.reference}: its features {', '.join(unknown)} are not declared in this checkout; check out its commit"
        )
    features = tuple(declared[name] for name in version.importance) or tuple(declared.values())
    try:
        return EtaConfig.model_validate({**version.parameters, "seed": version.seed, "features": features})
    except ValidationError as error:
        first = error.errors()[0]
        knob = ".".join(str(part) for part in first["loc"])
        raise IntegrityError(
            f"{version.reference}: its knob {knob} is not one of this checkout ({first['msg']}); check out its commit"
        ) from error


def check_inputs(version: Version, config: EtaConfig) -> Check:
    """Whether code, knobs, rows and lock give the key that the version was registered under: a commit alone does not prove that nothing else changed."""
    found = inputs_key(version.training_set_digest, config, version.world)
    if found == version.inputs_key:
        return Check(name="inputs", holds=True, said=found)
    said = f"rows, knobs, the family's code and the lock give the key {found[:16]}…, its row says {version.inputs_key[:16]}…"
    return Check(
        name="inputs",
        holds=False,
        said=said,
        todo="the family's code, a knob or the lock is another; a clean checkout of its commit has them",
    )


def refit(scratch: Settings, registry: RegistryClient, version: Version, sealed: SealedSet, say: Callable[[str], None]) -> Refitted:
    """Fit the sealed set in the scratch home, which has no candidate yet, and compare bundle, predictions and metrics with the version's.

    Raises:
        IntegrityError: the version's own bundle is not what was sealed, or its knobs mean nothing here.
    """
    config = config_of(version)
    candidate = fit_candidate(scratch, sealed.digest, config, say)
    if candidate.reused:
        raise IntegrityError(f"{candidate.folder}: a candidate in an empty home; a fit that stood already proves nothing")
    metrics = _metrics(version, candidate.evaluation)
    listing = folder_listing(candidate.bundle)
    found = digest_json(listing)
    if found == version.bundle_digest:
        outcome: Outcome = "other" if metrics else "same"
        return Refitted(outcome=outcome, expected=version.bundle_digest, found=found, rows=sealed.rows, metrics=metrics)
    bundle = registry.open_bundle(version)
    files = dict(_files(bundle, version.bundle_files, candidate.bundle, listing))
    say(f"{len(files)} files differ; predictions on {sealed.rows:,} sealed rows are compared")
    difference = _largest_difference(read(bundle), read(candidate.bundle), sealed)
    equal = difference is not None and difference <= TOLERANCE and not metrics
    return Refitted(
        outcome="equal" if equal else "other",
        expected=version.bundle_digest,
        found=found,
        files=files,
        largest_difference=difference,
        rows=sealed.rows,
        metrics=metrics,
    )


def _files(ours: Path, expected: Mapping[str, str], theirs: Path, found: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """Each file that differs, and by what."""
    for name in sorted({*expected, *found}):
        if name not in found:
            yield name, "not in the bundle that was fitted now"
        elif name not in expected:
            yield name, "not in the version's bundle"
        elif expected[name] != found[name]:
            yield name, _by_what(ours / name, theirs / name)


def _by_what(ours: Path, theirs: Path) -> str:
    if ours.suffix == ".json":
        left, right = (json.loads(path.read_text(encoding="utf-8")) for path in (ours, theirs))
        places = list(_places(left, right, ""))
        rest = f" and {len(places) - MOST_PATHS} more" if len(places) > MOST_PATHS else ""
        return "; ".join(places[:MOST_PATHS]) + rest
    before, after = (path.read_text(encoding="utf-8").splitlines() for path in (ours, theirs))
    changed = sum(a != b for a, b in zip(before, after, strict=False)) + abs(len(before) - len(after))
    return f"{changed:,} of {max(len(before), len(after)):,} lines"


def _places(ours: Any, theirs: Any, at: str) -> Iterator[str]:
    """Where two JSON values differ: ``parameters.config.seed: 7, now 8``."""
    if isinstance(ours, dict) and isinstance(theirs, dict):
        for name in sorted({*ours, *theirs}):
            yield from _places(ours.get(name), theirs.get(name), f"{at}.{name}" if at else name)
    elif isinstance(ours, list) and isinstance(theirs, list) and len(ours) == len(theirs):
        for place, (left, right) in enumerate(zip(ours, theirs, strict=True)):
            yield from _places(left, right, f"{at}[{place}]")
    elif ours != theirs:
        yield f"{at}: {_short(ours)}, now {_short(theirs)}"


def _short(value: Any) -> str:
    text = json.dumps(value)
    return text if len(text) <= 40 else text[:37] + "…"


def _largest_difference(ours: EtaModel, theirs: EtaModel, sealed: SealedSet) -> float | None:
    """Of all quantiles on all sealed rows, in days; None where the two look at different columns."""
    if [field.column for field in ours.config.features] != [field.column for field in theirs.config.features]:
        return None
    if ours.config.quantiles != theirs.config.quantiles:
        return None
    columns = frame_of(sealed.table(), ours.config, spans.as_of_of(sealed)).columns
    return float(np.max(np.abs(ours.predict(columns) - theirs.predict(columns)), initial=0.0))


def _metrics(version: Version, evaluation: Mapping[str, Any]) -> tuple[str, ...]:
    """The metrics, overall and of slices, that are not what the row says."""
    found = evaluation_fields(evaluation, MODEL)
    said: list[str] = []
    for part in ("rows", "metrics", "baselines", "differences", "slices"):
        said += _numbers(getattr(version, part), found[part], part)
    return tuple(said[:MOST_PATHS])


def _numbers(ours: Any, theirs: Any, at: str) -> Iterator[str]:
    if isinstance(ours, Mapping) and isinstance(theirs, Mapping):
        for name in sorted({*ours, *theirs}):
            yield from _numbers(ours.get(name), theirs.get(name), f"{at}.{name}")
    elif ours is None or theirs is None:
        if ours is not theirs:
            yield f"{at}: {ours}, now {theirs}"
    elif abs(ours - theirs) > TOLERANCE:
        yield f"{at}: {ours:.6g}, now {theirs:.6g}"
