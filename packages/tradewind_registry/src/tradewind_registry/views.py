"""What a person reads of the registry in a terminal: plain text, no printing."""

import json
from collections.abc import Iterable, Sequence

from tradewind_contracts.errors import NotFoundError
from tradewind_contracts.instants import iso
from tradewind_registry.client import RegistryClient
from tradewind_registry.records import Metrics, Version, VersionSummary, latest_verdicts, main_metric

_SHOWN_DIGITS = 12


SIMULATED = "Simulated data: these numbers say whether the code finds a planted truth, and nothing about a real marketplace."
"""Said wherever results of a simulated world are shown."""


def list_text(registry: RegistryClient, model: str | None = None, world: str | None = None) -> str:
    """A line for each version, the newest first: world, gates, aliases of its world, the main metric beside the baselines'.

    ``world`` lists only that world's versions.

    Raises:
        NotFoundError: there is no such model; says which there are.
    """
    models = registry.models()
    if model is not None and model not in models:
        raise NotFoundError(f"no model {model}; there {'are: ' + ', '.join(models) if models else 'is none yet; `make run` registers one'}")
    found = [summary for name in ([model] if model else models) for summary in registry.summaries(name, world)]
    if not found:
        return f"no versions{f' of world {world}' if world else ''} yet; `make run` registers one"
    listed = table(("version", "world", "data", "aliases", "as of", "gates", "metric", "bundle", "created"), map(_summary_line, found))
    return f"{listed}\n{SIMULATED}" if any(summary.data_kind == "simulated" for summary in found) else listed


def show_text(registry: RegistryClient, reference: str) -> str:
    """All that a version seals, but its slices (the card has them), with the verdicts of its gates.

    Raises:
        NotFoundError: there is no such version or alias.
    """
    version = registry.resolve(reference)
    aliases = [alias for alias, number in registry.aliases(version.model, version.world).items() if number == version.number]
    blocks = [
        table(None, [("version", version.reference + (f" ({', '.join(aliases)})" if aliases else "")), *_seals(version)]),
        metrics_text(version),
        verdicts_text(registry, version),
    ]
    return "\n\n".join(blocks)


def history_text(registry: RegistryClient, model: str) -> str:
    """Who moved which alias of the registry's world, when, why and from which run; the newest first.

    Raises:
        NotFoundError: there is no such model.
    """
    if model not in registry.models():
        raise NotFoundError(f"no model {model}; there are: {', '.join(registry.models()) or 'none'}")
    moves = reversed(registry.history(model))
    lines = [(iso(m.moved_at), m.alias, f"{m.from_number or '–'} → {m.to_number}", m.action, m.who, m.run_id or "–", m.why) for m in moves]
    if not lines:
        return f"no alias of {model} has been set yet in world {registry.world}"
    return table(("when", "alias", "moved", "by", "who", "run", "why"), lines)


def metrics_text(version: Version) -> str:
    """The metrics of a version and of its baselines, side by side."""
    names = (version.model, *version.baselines)
    columns: list[Metrics] = [version.metrics, *version.baselines.values()]
    lines = [(metric, *(shown(column.get(metric)) for column in columns)) for metric in version.metrics]
    return table((f"metric (n = {version.rows:,})", *names), lines)


def verdicts_text(registry: RegistryClient, version: Version) -> str:
    """The last verdict of each gate; a gate without one is shown as such."""
    last = latest_verdicts(registry.verdicts(version))
    gates = dict.fromkeys([*version.gates, *last])
    lines = [(gate, _word(last[gate].passed), last[gate].reason) if gate in last else (gate, "not judged", "") for gate in gates]
    return table(("gate", "verdict", "reason"), lines)


def table(header: Sequence[str] | None, lines: Iterable[Sequence[str]]) -> str:
    """Lines of cells as aligned text."""
    rows = [list(line) for line in ([header] if header else [])] + [list(line) for line in lines]
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    return "\n".join("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows)


def shown(value: float | None) -> str:
    """A number as a person reads it: four significant digits, whole counts whole."""
    if value is None:
        return "–"
    return f"{value:,.0f}" if float(value).is_integer() and abs(value) >= 1000 else f"{value:.4g}"


def _summary_line(summary: VersionSummary) -> tuple[str, ...]:
    name = main_metric(summary.metrics)
    compared = [(k, v[name]) for k, v in summary.baselines.items() if name in v] if name else []
    beside = f" ({', '.join(f'{k} {shown(v)}' for k, v in compared)})" if compared else ""
    return (
        summary.reference,
        summary.world,
        summary.data_kind or "–",
        ", ".join(summary.aliases) or "–",
        iso(summary.as_of),
        f"{summary.gates_passed} of {summary.gates_total} passed",
        f"{name} {shown(summary.metrics[name])}{beside}" if name else "–",
        summary.bundle_digest[:_SHOWN_DIGITS],
        iso(summary.created_at.replace(microsecond=0)),
    )


def _seals(version: Version) -> list[tuple[str, str]]:
    tree = "clean" if version.tree_clean else "with changes that are not in it"
    return [
        ("purpose", version.purpose),
        ("owner", version.owner),
        ("world", version.world),
        ("data", str(version.facts.get("data_kind", "not stated"))),
        ("as of", iso(version.as_of)),
        ("created", f"{iso(version.created_at)} by {version.created_by}, run {version.run_id or '–'}"),
        ("code", f"commit {version.commit or 'unknown'}, tree {tree}"),
        ("lock file", version.lock_digest),
        ("bundle", f"{version.bundle_digest} ({', '.join(sorted(version.bundle_files))})"),
        ("training set", version.training_set_digest),
        ("entity rows", version.entity_rows_digest),
        ("feature service", version.feature_service),
        *((f"  view {view}", digest) for view, digest in sorted(version.view_specs.items())),
        ("inputs key", version.inputs_key),
        ("seed", str(version.seed)),
        ("parameters", json.dumps(version.parameters, sort_keys=True)),
    ]


def _word(passed: bool) -> str:
    return "passed" if passed else "FAILED"
