"""The sections of a card: purpose, data, metrics, slices, calibration, features, limits, quality, seals."""

from collections.abc import Iterable

from tradewind_contracts.instants import iso
from tradewind_lifecycle.cards.blocks import (
    Block,
    Bullets,
    Card,
    Code,
    Figure,
    Paragraph,
    Section,
    Strong,
    Table,
    Word,
    instant,
    sentences,
    words,
)
from tradewind_lifecycle.cards.judged import gates, history, overrules, reproductions, status
from tradewind_lifecycle.cards.known import Known
from tradewind_lifecycle.plots.days import BY_DAY
from tradewind_registry import Version, main_metric
from tradewind_registry.tables import shown

_DATA_KINDS: dict[str, tuple[Word, ...]] = {
    "real": ("These numbers were measured on ", Strong("real"), " data, not on simulated parcels."),
    "simulated": (
        "These numbers were measured on ",
        Strong("simulated"),
        " data: they show that the code finds a planted truth. They prove the code, never the method, and say nothing about any real marketplace.",
    ),
}
_UNSTATED: tuple[Word, ...] = ("Whether the data is real or simulated was not stated when it was registered: treat the numbers with care.",)

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


def card_of(known: Known) -> Card:
    """The content of a version's card."""
    version = known.version
    sections = (
        Section("Purpose", (words(version.purpose), words(f"Owner: {version.owner}."))),
        Section("Data", (_data(version),)),
        Section("Metrics", tuple(_metrics(version))),
        Section("Slices", tuple(_slices(version)) or (words("No slices were measured."),)),
        Section("Calibration", tuple(_calibration(version))),
        Section("Features", tuple(_features(version))),
        Section("Limits", (sentences(version.limits),) if version.limits else (words("None were stated."),)),
        Section("Gates", tuple(gates(known))),
        Section("Overrules", tuple(overrules(known))),
        Section("Data quality", tuple(_quality(version))),
        Section("Aliases", tuple(history(known))),
        Section("Reproductions", tuple(reproductions(known))),
        Section("Seals", (_seals(version),)),
    )
    lead = (Paragraph(_DATA_KINDS.get(str(version.facts.get("data_kind")), _UNSTATED)), *status(known))
    return Card(f"Model card: {version.reference} of world {version.world}", lead, sections)


def _data(version: Version) -> Table:
    facts = [
        (name.replace("_", " "), _fact(value))
        for name, value in version.facts.items()
        if name != "data_kind" and not isinstance(value, dict | list)
    ]
    rows: list[tuple[Word, ...]] = [
        ("world", version.world),
        ("known as of", iso(version.as_of)),
        ("rows measured on", f"{version.rows:,}"),
        *facts,
    ]
    return Table(("fact", "value"), tuple(rows))


def _fact(value: object) -> Word:
    if isinstance(value, int) and not isinstance(value, bool):
        return f"{value:,}"
    text = str(value)
    return Code(text) if len(text) == 64 and text.isalnum() else text


def _metrics(version: Version) -> Iterable[Block]:
    main = main_metric(version.metrics)
    header = ["metric", version.model, *(["95 % interval"] if version.intervals else []), *version.baselines]
    rows: list[tuple[Word, ...]] = []
    for name, value in version.metrics.items():
        interval = [_interval(version, name)] if version.intervals else []
        baselines = [shown(found.get(name)) for found in version.baselines.values()]
        rows.append((Strong(name) if name == main else name, shown(value), *interval, *baselines))
    yield Table(tuple(header), tuple(rows), numbers=True)
    if version.intervals:
        yield words("Intervals are bootstrapped over whole order days: parcels of one day share its luck.")
    yield Figure("metrics", f"{main} of {version.model} beside the baselines'")
    lines = []
    for baseline, difference in version.differences.items():
        mean, low, high = (shown(difference.get(name)) for name in (str(main), "low", "high"))
        lines.append(f"{main} of {version.model} minus {baseline}: {mean} (95 % interval {low} to {high}; below 0 is better)")
    if lines:
        yield sentences(lines)
    meanings = tuple((Code(name), f": {_MEASURES[name]}") for name in version.metrics if name in _MEASURES)
    if meanings:
        yield Bullets(meanings)
    under_way = version.facts.get("holdout_under_way")
    if under_way:
        yield words(
            f"{under_way:,} of {version.rows:,} judged parcels had no outcome yet. Those that had arrived stand for them by weight, which "
            "is right while the network's speed is steady; if it slows down after that day, the errors turn out larger for every column."
        )
    if version.facts.get(BY_DAY):
        yield Figure("error_by_day", "Error of the median by order day, beside the baselines; bias, coverage and parcels")


def _interval(version: Version, name: str) -> str:
    ends = version.intervals.get(name, {})
    if ends.get("low") is None or ends.get("high") is None:
        return "–"
    return f"{shown(ends['low'])} to {shown(ends['high'])}"


def _slices(version: Version) -> Iterable[Block]:
    main = str(main_metric(version.metrics))
    for dimension, values in version.slices.items():
        own = [name for name in version.metrics if name != "n"]
        header = (dimension, "n", *own, *(f"{main} of {baseline}" for baseline in version.baselines))
        ranked = sorted(values.items(), key=lambda item: -(item[1].get(version.model, {}).get("n") or 0))
        rows = tuple(
            (
                value,
                *(shown(models.get(version.model, {}).get(name)) for name in ("n", *own)),
                *(shown(models.get(baseline, {}).get(main)) for baseline in version.baselines),
            )
            for value, models in ranked
        )
        yield Figure(f"error_by_{dimension}", f"{main} by {dimension.replace('_', ' ')}, the worst on top; in brackets the outcomes")
        yield Table(header, rows, numbers=True, folded=f"All {len(rows)} values of {dimension.replace('_', ' ')}")


def _calibration(version: Version) -> Iterable[Block]:
    if not version.calibration:
        yield words("Not measured.")
        return
    rows = tuple((f"{float(level):.0%}", "–" if share is None else f"{share:.1%}") for level, share in version.calibration.items())
    yield Table(("level of the quantile", "outcomes at or below it"), rows, numbers=True)
    yield Figure("calibration", "Share of outcomes at or below each quantile, against its level")


def _features(version: Version) -> Iterable[Block]:
    ranked = sorted(version.importance.items(), key=lambda item: (-item[1], item[0]))
    service = Code(version.feature_service)
    yield words("Feature service ", service, f", {len(ranked)} features; importance is the share of the total gain.")
    if ranked:
        yield Figure("importance", "Share of the gain by feature")
        rows = tuple((Code(name), f"{share:.1%}") for name, share in ranked)
        yield Table(("feature", "importance"), rows, numbers=True, folded=f"All {len(ranked)} features")


def _quality(version: Version) -> Iterable[Block]:
    if not version.quality:
        yield words("No claims about its data were recorded.")
        return
    broken = [result for result in version.quality if not result.passed]
    yield words(f"{len(version.quality) - len(broken)} of {len(version.quality)} claims about its data held.")
    rows = tuple((r.table, r.claim, str(r.severity), f"{r.failing_rows:,} of {r.rows:,}") for r in broken)
    if rows:
        yield Table(("table", "claim", "severity", "failing rows"), rows)


def _seals(version: Version) -> Table:
    tree = "" if version.tree_clean else " (the tree had changes that are not in it)"
    rows: list[tuple[Word, ...]] = [
        ("bundle", Code(version.bundle_digest)),
        ("training set", Code(version.training_set_digest)),
        ("entity rows", Code(version.entity_rows_digest)),
        *((f"spec of {view}", Code(digest)) for view, digest in sorted(version.view_specs.items())),
        ("lock file", Code(version.lock_digest)),
        ("inputs key", Code(version.inputs_key)),
        ("commit", Code(version.commit) if version.commit and not tree else f"{version.commit or 'unknown'}{tree}"),
        ("Dagster run", Code(version.run_id) if version.run_id else "–"),
        ("seed", str(version.seed)),
        *((f"parameter {name}", str(value)) for name, value in sorted(version.parameters.items())),
        ("registered", f"{instant(version.created_at)} by {version.created_by}"),
    ]
    return Table(("seal", "value"), tuple(rows))
