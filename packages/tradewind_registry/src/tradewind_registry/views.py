"""What a person reads of the registry in a terminal: plain text, no printing."""

import datetime as dt
import json
from collections.abc import Sequence

from tradewind_contracts.errors import NotFoundError
from tradewind_contracts.instants import Clock, iso
from tradewind_registry.client import RegistryClient
from tradewind_registry.records import Judgement, Metrics, Overrule, Version, VersionSummary, main_metric
from tradewind_registry.references import CHALLENGER, CHAMPION
from tradewind_registry.tables import paragraph, shown_instant, table
from tradewind_registry.tables import shown as shown  # cards read it here too

_SHOWN_DIGITS = 12
_SHOWN_RUN = 8
_STATES = {"failed": "FAILED", "overrule expired": "FAILED, overrule expired"}


SIMULATED = "Simulated data: these numbers say whether the code finds a planted truth, and nothing about a real marketplace."
"""Said wherever results of a simulated world are shown."""


def list_text(
    registry: RegistryClient, model: str | None = None, world: str | None = None, limit: int | None = None, width: int | None = None
) -> str:
    """A line for each version, the newest first: world, gates, aliases of its world, the main metric beside the baselines'.

    ``world`` lists only that world's versions; ``limit`` lists the newest of each model, and says how many there are.

    Raises:
        NotFoundError: there is no such model; says which there are.
    """
    models = registry.models()
    if model is not None and model not in models:
        raise NotFoundError(f"no model {model}; {_there(models)}")
    wanted = [model] if model else models
    found = [summary for name in wanted for summary in registry.summaries(name, world, limit)]
    if not found:
        worlds = registry.worlds() if world else []
        others = f" (there are versions of: {', '.join(worlds)})" if worlds else ""
        return f"no versions{f' of world {world}' if world else ''} yet{others}; `make run` registers one"
    texts = [table(("version", "world", "data", "aliases", "as of", "gates", "metric", "bundle", "created"), map(_summary_line, found))]
    if any(summary.data_kind == "simulated" for summary in found):
        texts.append(paragraph(SIMULATED, width))
    for name in wanted if limit is not None else []:
        shown_of, there = sum(summary.model == name for summary in found), registry.count(name, world)
        if shown_of < there:
            texts.append(f"{name}: the newest {shown_of:,} of {there:,} versions; --all lists them all")
    return "\n".join(texts)


def show_text(registry: RegistryClient, reference: str, width: int | None = None) -> str:
    """All that a version seals, but its slices (the card has them), with the verdicts of its gates and who overruled any.

    Raises:
        NotFoundError: there is no such version or alias.
    """
    version = registry.resolve(reference)
    aliases = [alias for alias, number in registry.aliases(version.model, version.world).items() if number == version.number]
    blocks = [
        table(None, [("version", version.reference + (f" ({', '.join(aliases)})" if aliases else "")), *_seals(version)], width),
        metrics_text(version),
        verdicts_text(registry, version, width),
    ]
    overrules = registry.overrules(version)
    if overrules:
        blocks.append(overrules_text(overrules, registry.judgements(version), Clock().now(), width))
    return "\n\n".join(blocks)


def history_text(registry: RegistryClient, model: str, limit: int | None = None, width: int | None = None) -> str:
    """Where each alias of the registry's world points, then who moved which, when, why and from which run; the newest first.

    Raises:
        NotFoundError: there is no such model.
    """
    _check_model(registry, model)
    moves = registry.history(model)[::-1]
    if not moves:
        return f"no alias of {model} has been set yet in world {registry.world}{_set_elsewhere(registry, model)}"
    pointing = dict.fromkeys((CHAMPION, CHALLENGER), 0) | registry.aliases(model)
    now = ", ".join(f"{alias} {f'{model}@{number}' if number else 'not set'}" for alias, number in pointing.items())
    run_digits = None if width is None else _SHOWN_RUN
    lines = [
        (
            shown_instant(m.moved_at),
            m.alias,
            f"{m.from_number or '–'} → {m.to_number}",
            m.action,
            m.who,
            m.run_id[:run_digits] or "–",
            m.why,
        )
        for m in moves[:limit]
    ]
    texts = [f"world {registry.world}: {now}", table(("when", "alias", "moved", "by", "who", "run", "why"), lines, width)]
    if len(lines) < len(moves):
        texts.append(f"the newest {len(lines):,} of {len(moves):,} moves; --all lists them all")
    return "\n".join(texts)


def unset_text(registry: RegistryClient, model: str, alias: str) -> str:
    """What somebody is told who asks for an alias that the registry's world has not set: which worlds have, and how to name them.

    Raises:
        NotFoundError: there is no such model.
    """
    _check_model(registry, model)
    return f"{model}@{alias} is not set in world {registry.world}{_set_elsewhere(registry, model)}"


def metrics_text(version: Version) -> str:
    """The metrics of a version and of its baselines, side by side."""
    names = (version.model, *version.baselines)
    columns: list[Metrics] = [version.metrics, *version.baselines.values()]
    lines = [(metric, *(shown(column.get(metric)) for column in columns)) for metric in version.metrics]
    return table((f"metric (n = {version.rows:,})", *names), lines)


def gates_text(judgements: Sequence[Judgement], at: dt.datetime, width: int | None = None) -> str:
    """Where a version stands with each gate: the last verdict, and what overrules it."""
    return table(
        ("gate", "verdict", "reason"), [(one.gate, _STATES.get(one.state(at), one.state(at)), one.reason) for one in judgements], width
    )


def verdicts_text(registry: RegistryClient, version: Version, width: int | None = None) -> str:
    """The last verdict of each gate; a gate without one, and one that a person overruled, are shown as such."""
    return gates_text(registry.judgements(version), Clock().now(), width)


def stands_text(reference: str, judgements: Sequence[Judgement], at: dt.datetime, width: int | None = None) -> str:
    """Whether a version may be served, in a line; below it the gates that did not pass by themselves."""
    states = [one.state(at) for one in judgements]
    counted = [f"{states.count(state)} {state}" for state in dict.fromkeys(["passed", *states]) if states.count(state)]
    passed = ", ".join(one.gate for one, state in zip(judgements, states, strict=True) if state == "passed")
    lines = [f"{reference}: {len(states)} gates, {', '.join(counted)}"]
    lines += [paragraph(f"passed: {passed}", width)] if passed else []
    others = [one for one, state in zip(judgements, states, strict=True) if state != "passed"]
    return "\n".join([*lines, *([gates_text(others, at, width)] if others else [])])


def overrules_text(overrules: Sequence[Overrule], judgements: Sequence[Judgement], at: dt.datetime, width: int | None = None) -> str:
    """Each overrule of a version's verdicts, the newest first: who, until when, why, and whether it counts."""
    counting = {(one.overrule.verdict_id, one.overrule.recorded_at) for one in judgements if one.overrule is not None}

    def state(one: Overrule) -> str:
        if (one.verdict_id, one.recorded_at) not in counting:
            return "replaced"
        return "expired" if one.is_over(at) else "counts"

    lines = [
        (one.gate, state(one), one.who, shown_instant(one.recorded_at), shown_instant(one.expires_at), one.why)
        for one in reversed(overrules)
    ]
    return table(("overruled", "state", "who", "at", "until", "why"), lines, width)


def _there(models: Sequence[str]) -> str:
    if models:
        return f"there are: {', '.join(models)}"
    return "there is none: where there was one, `tradewind doctor` says what is lost; else `make run` registers the first"


def _check_model(registry: RegistryClient, model: str) -> None:
    if model not in registry.models():
        raise NotFoundError(f"no model {model}; {_there(registry.models())}")


def _set_elsewhere(registry: RegistryClient, model: str) -> str:
    others = [
        f"{model}@{alias} of world {world} points to {model}@{number} (add `--world {world}`)"
        for world, alias, number in registry.aliases_everywhere(model)
        if world != registry.world
    ]
    return f"; {', '.join(others)}" if others else ""


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
        shown_instant(summary.created_at),
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
