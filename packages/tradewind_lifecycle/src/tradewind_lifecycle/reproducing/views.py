"""A reproduction in words, for a terminal and for the card."""

from collections.abc import Iterator

from tradewind_lifecycle.reproducing.checking import shown
from tradewind_lifecycle.reproducing.records import TOLERANCE, Rebuilt, Refitted, Reproduction


def text_of(made: Reproduction) -> str:
    """All that a reproduction found, the verdict first."""
    return "\n".join(_lines(made))


def verdict_of(made: Reproduction) -> str:
    """The verdict in one sentence, such as ``same bundle digest; same training-set digest``."""
    parts = [part for part in (_of_fit(made.refitted), _of_rebuild(made.rebuilt)) if part]
    return "; ".join(parts)


def _lines(made: Reproduction) -> Iterator[str]:
    word = {"same": "reproduced", "equal": "reproduced, but not to the byte", "other": "NOT reproduced"}[made.outcome]
    yield f"{made.reference} of world {made.world}: {word}: {verdict_of(made)} ({made.seconds:.0f} s)"
    if made.not_held:
        yield "conditions that did not hold (--anyway):"
        yield shown(check.model_copy(update={"todo": ""}) for check in made.not_held)
    if made.rebuilt is not None:
        yield from _rebuilt(made.rebuilt)
    if made.refitted is not None:
        yield from _refitted(made.refitted)


def _rebuilt(rebuilt: Rebuilt) -> Iterator[str]:
    yield f"training set {rebuilt.expected} sealed"
    yield f"             {rebuilt.found} rebuilt from the landing, {rebuilt.row_count:,} rows"
    yield from (f"  {fact}" for fact in rebuilt.facts)
    if rebuilt.outcome != "same":
        yield from (f"  {line}" for line in rebuilt.rows or ("all rows are equal",) if rebuilt.rows or rebuilt.outcome == "equal")
    yield from (f"  note: {note}" for note in rebuilt.notes)


def _refitted(refitted: Refitted) -> Iterator[str]:
    yield f"bundle       {refitted.expected} registered"
    yield f"             {refitted.found} fitted again on {refitted.rows:,} sealed rows"
    yield from (f"  {name}: {what}" for name, what in refitted.files.items())
    yield from (f"  metric {metric}" for metric in refitted.metrics)
    if refitted.largest_difference is not None:
        yield f"  largest difference of predictions: {refitted.largest_difference:.3g} days (tolerance {TOLERANCE:g})"


def _of_fit(refitted: Refitted | None) -> str:
    if refitted is None:
        return "no fit was made, since the sealed set is gone"
    if refitted.outcome == "same":
        return "the same bundle digest"
    if refitted.outcome == "equal":
        return f"another bundle digest, predictions and metrics equal within {TOLERANCE:g}"
    if refitted.largest_difference is None:
        return "another bundle, whose predictions can't be compared" if refitted.files else "the same bundle digest, other metrics"
    return f"another bundle, predictions up to {refitted.largest_difference:.3g} days apart"


def _of_rebuild(rebuilt: Rebuilt | None) -> str:
    if rebuilt is None:
        return ""
    words = {"same": "the same training-set digest", "equal": "another training-set digest, all rows equal"}
    return words.get(rebuilt.outcome, "another training set")
