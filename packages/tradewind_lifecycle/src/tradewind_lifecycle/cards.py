"""Model cards: what a version is, what it was measured at and what it must not be used for, as Markdown from its row only."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import pyarrow as pa

from tradewind_contracts.files import write_text
from tradewind_contracts.instants import iso
from tradewind_contracts.settings import Settings
from tradewind_contracts.verdicts import Verdict
from tradewind_registry import AliasMove, RegistryClient, Version, latest_verdicts, main_metric
from tradewind_registry.views import shown

CARD = "card.md"

_DATA_KINDS = {
    "real": "These numbers were measured on **real** data, not on simulated parcels.",
    "simulated": "These numbers were measured on **simulated** data: they show that the code finds a planted truth. "
    "They prove the code, never the method, and say nothing about any real marketplace.",
}
_UNSTATED = "Whether the data is real or simulated was not stated when it was registered: treat the numbers with care."

_MEASURES = {
    "mae_days": "mean absolute error of p50, in days",
    "bias_days": "p50 minus what happened: above 0 the answer is too late",
    "pinball_p10": "loss of p10, in days; it falls as the quantile gets truer and sharper",
    "pinball_p90": "the same of p90",
    "coverage": "share of outcomes within [p10, p90], which claims 0.8",
    "width_days": "mean width of [p10, p90]",
    "n": "outcomes that are known",
}
"""What the metrics of the families mean; a name that is not here explains itself."""


def card_text(registry: RegistryClient, reference: str, images: Mapping[str, str] | None = None) -> str:
    """The card of the version that ``reference`` names; ``images`` as in ``render``.

    Raises:
        NotFoundError: there is no such version or alias.
    """
    version = registry.resolve(reference)
    world = version.world
    moves, aliases = registry.history(version.model, world=world), registry.aliases(version.model, world)
    return render(version, registry.verdicts(version), moves, aliases, images or {})


def write_card(registry: RegistryClient, version: Version, predictions: pa.Table, settings: Settings) -> Path:
    """Write card and plots of ``version`` into its report folder; the path of the card.

    ``predictions`` are its scored rows, as in ``plots``.

    Raises:
        StateError: the disk refuses.
    """
    # Imported here: matplotlib costs a second, and `models card` in a terminal draws nothing.
    from tradewind_lifecycle.plots import write_plots

    folder = report_folder(settings, version)
    title = f"{version.reference}, {version.world}, {version.facts.get('data_kind', 'unstated')} data"
    images = write_plots(predictions, version.importance, folder, title)
    path = folder / CARD
    write_text(path, card_text(registry, version.reference, {name: image.name for name, image in images.items()}))
    return path


def report_folder(settings: Settings, version: Version) -> Path:
    """Where card and plots of ``version`` stand: ``reports/models/eta@3``."""
    return settings.paths.reports / "models" / version.reference


def render(
    version: Version, verdicts: Sequence[Verdict], moves: Sequence[AliasMove], aliases: Mapping[str, int], images: Mapping[str, str]
) -> str:
    """The card as Markdown.

    ``verdicts`` in the order of recording, ``moves`` of all of the model's aliases in the version's world, ``images`` are paths or URLs by name
    of the plot (``calibration``, ``error_by_day``, ``error_by_state``, ``importance``); absent ones are left out.
    """

    def image(name: str, text: str) -> list[str]:
        return [f"![{text}]({images[name]})"] if name in images else []

    served = [alias for alias, number in aliases.items() if number == version.number]
    blocks = [
        f"# Model card: {version.reference} of world {version.world}",
        _DATA_KINDS.get(str(version.facts.get("data_kind")), _UNSTATED),
        _status(version, verdicts, served),
        "## Purpose",
        f"{version.purpose}\n\nOwner: {version.owner}.",
        "## Data",
        _data(version),
        "## Metrics",
        *_metrics(version),
        *image("error_by_day", "Error of the median by order day, beside the baselines"),
        "## Slices",
        *(_slices(version) or ["No slices were measured."]),
        *image("error_by_state", "Error of the median by destination state"),
        "## Calibration",
        *_calibration(version),
        *image("calibration", "Observed share against the level of each quantile; coverage by day"),
        "## Features",
        *_features(version),
        *image("importance", "Share of the gain by feature"),
        "## Limits",
        "\n".join(f"- {limit}" for limit in version.limits),
        "## Gates",
        _gates(version, verdicts),
        "## Data quality",
        *_quality(version),
        "## Aliases",
        _history(version, moves),
        "## Seals",
        _seals(version),
    ]
    return "\n\n".join(blocks) + "\n"


def markdown_table(header: Sequence[str], lines: Iterable[Sequence[str]], numbers: bool = False) -> str:
    """A Markdown table; with ``numbers``, all columns but the first are aligned right."""
    rule = ["---", *["---:" if numbers else "---"] * (len(header) - 1)]
    return "\n".join(
        "| " + " | ".join(cell.replace("|", "\\|").replace("\n", " ") for cell in row) + " |" for row in (header, rule, *lines)
    )


def _status(version: Version, verdicts: Sequence[Verdict], served: Sequence[str]) -> str:
    last = latest_verdicts(list(verdicts))
    short = [gate for gate in dict.fromkeys([*version.gates, *last]) if gate not in last or not last[gate].passed]
    gates = f"Has not passed: {', '.join(short)}; it may not be served." if short else "Passed all its gates."
    return f"{gates} " + (f"Now {' and '.join(f'`{alias}`' for alias in served)}." if served else "No alias of its world points to it now.")


def _data(version: Version) -> str:
    facts = [(name.replace("_", " "), _fact(value)) for name, value in version.facts.items() if name != "data_kind"]
    known = [("world", version.world), ("known as of", iso(version.as_of)), ("rows measured on", f"{version.rows:,}"), *facts]
    return markdown_table(("fact", "value"), known)


def _fact(value: object) -> str:
    return f"{value:,}" if isinstance(value, int) and not isinstance(value, bool) else str(value)


def _metrics(version: Version) -> list[str]:
    main, names = main_metric(version.metrics), [version.model, *version.baselines]
    columns = [version.metrics, *version.baselines.values()]
    lines = [(f"**{name}**" if name == main else name, *(shown(column.get(name)) for column in columns)) for name in version.metrics]
    blocks = [markdown_table(("metric", *names), lines, numbers=True)]
    for baseline, difference in version.differences.items():
        mean, low, high = (shown(difference.get(name)) for name in (str(main), "low", "high"))
        blocks.append(f"- {main} of {version.model} minus {baseline}: {mean} (95 % interval {low} to {high}; below 0 is better)")
    return [blocks[0], *(["\n".join(blocks[1:])] if blocks[1:] else []), *_meanings(version)]


def _meanings(version: Version) -> list[str]:
    """What the metrics mean, and what parcels without an outcome do to them."""
    meanings = "\n".join(f"- `{name}`: {_MEASURES[name]}" for name in version.metrics if name in _MEASURES)
    under_way = version.facts.get("holdout_under_way")
    unknown = (
        f"{_fact(under_way)} of {version.rows:,} judged parcels had no outcome yet. Those that had arrived stand for them by weight, which "
        "is right while the network's speed is steady; if it slows down after that day, the errors turn out larger for every column."
    )
    return [*([meanings] if meanings else []), *([unknown] if under_way else [])]


def _slices(version: Version) -> list[str]:
    main, blocks = str(main_metric(version.metrics)), []
    for dimension, values in version.slices.items():
        own = [name for name in version.metrics if name != "n"]
        header = (dimension, "n", *own, *(f"{main} of {baseline}" for baseline in version.baselines))
        ranked = sorted(values.items(), key=lambda item: -(item[1].get(version.model, {}).get("n") or 0))
        lines = [
            (
                value,
                *(shown(models.get(version.model, {}).get(name)) for name in ("n", *own)),
                *(shown(models.get(baseline, {}).get(main)) for baseline in version.baselines),
            )
            for value, models in ranked
        ]
        blocks.append(markdown_table(header, lines, numbers=True))
    return blocks


def _calibration(version: Version) -> list[str]:
    if not version.calibration:
        return ["Not measured."]
    lines = [(f"{float(level):.0%}", "–" if share is None else f"{share:.1%}") for level, share in version.calibration.items()]
    return [markdown_table(("level of the quantile", "outcomes at or below it"), lines, numbers=True)]


def _features(version: Version) -> list[str]:
    ranked = sorted(version.importance.items(), key=lambda item: (-item[1], item[0]))
    intro = f"Feature service `{version.feature_service}`, {len(ranked)} features; importance is the share of the total gain."
    return [intro, markdown_table(("feature", "importance"), [(f"`{name}`", f"{share:.1%}") for name, share in ranked], numbers=True)]


def _gates(version: Version, verdicts: Sequence[Verdict]) -> str:
    last = latest_verdicts(list(verdicts))
    lines = []
    for gate in dict.fromkeys([*version.gates, *last]):
        if gate in last:
            verdict = last[gate]
            interval = f" (95 % interval {shown(verdict.interval[0])} to {shown(verdict.interval[1])})" if verdict.interval else ""
            outcome = "passed" if verdict.passed else "**failed**"
            lines.append((gate, verdict.claim, outcome, verdict.reason + interval, iso(verdict.decided_at)))
        else:
            lines.append((gate, "", "**not judged**", "", ""))
    return markdown_table(("gate", "claim", "verdict", "reason", "decided"), lines)


def _quality(version: Version) -> list[str]:
    if not version.quality:
        return ["No claims about its data were recorded."]
    broken = [result for result in version.quality if not result.passed]
    counted = f"{len(version.quality) - len(broken)} of {len(version.quality)} claims about its data held."
    lines = [(r.table, r.claim, str(r.severity), f"{r.failing_rows:,} of {r.rows:,}") for r in broken]
    return [counted, *([markdown_table(("table", "claim", "severity", "failing rows"), lines)] if lines else [])]


def _history(version: Version, moves: Sequence[AliasMove]) -> str:
    own = [move for move in moves if version.number in (move.from_number, move.to_number)]
    if not own:
        return "No alias has pointed to it."
    lines = [(iso(m.moved_at), m.alias, f"{m.from_number or '–'} → {m.to_number}", m.action, m.who, m.run_id or "–", m.why) for m in own]
    return markdown_table(("when", "alias", "moved", "by", "who", "run", "why"), lines)


def _seals(version: Version) -> str:
    tree = "" if version.tree_clean else " (the tree had changes that are not in it)"
    lines = [
        ("bundle", f"`{version.bundle_digest}`"),
        ("training set", f"`{version.training_set_digest}`"),
        ("entity rows", f"`{version.entity_rows_digest}`"),
        *((f"spec of {view}", f"`{digest}`") for view, digest in sorted(version.view_specs.items())),
        ("lock file", f"`{version.lock_digest}`"),
        ("inputs key", f"`{version.inputs_key}`"),
        ("commit", f"`{version.commit or 'unknown'}`{tree}"),
        ("Dagster run", f"`{version.run_id or '–'}`"),
        ("seed", str(version.seed)),
        *((f"parameter {name}", str(value)) for name, value in sorted(version.parameters.items())),
        ("registered", f"{iso(version.created_at)} by {version.created_by}"),
    ]
    return markdown_table(("seal", "value"), lines)
