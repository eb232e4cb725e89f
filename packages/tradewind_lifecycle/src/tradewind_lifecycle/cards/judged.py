"""What was decided about a version: its gates, each with its plot, overrules, aliases, reproductions."""

from collections.abc import Iterable

from tradewind_contracts.verdicts import Verdict
from tradewind_lifecycle.cards.blocks import Block, Code, Figure, Figures, Paragraph, Strong, Table, Word, instant, words
from tradewind_lifecycle.cards.known import Known
from tradewind_lifecycle.reproducing.views import verdict_of
from tradewind_registry import Judgement, Overrule
from tradewind_registry.tables import shown

GATE_PLOT = "gate-"
"""What the name of a gate's plot begins with."""


def status(known: Known) -> Iterable[Block]:
    """Whether it may be served now, on whose word, and what points to it."""
    version = known.version
    short = [judgement.gate for judgement in known.judgements if not judgement.holds(known.at)]
    overruled = [each for judgement in known.judgements if (each := judgement.stands_on(known.at)) is not None]
    served = [alias for alias, number in known.aliases.items() if number == version.number]
    if short or not known.judgements:
        said = f"Has not passed: {', '.join(short) or 'nobody judged it'}; it may not be served."
    elif overruled:
        said = "May be served on a person's word: " + "; ".join(f"{each.gate} until {instant(each.expires_at)}" for each in overruled) + "."
    else:
        said = "Passed all its gates."
    parts: list[Word] = [said, " "]
    if served:
        parts.append("Now ")
        for place, alias in enumerate(served):
            parts += [" and ", Code(alias)] if place else [Code(alias)]
        parts.append(".")
    else:
        parts.append("No alias of its world points to it now.")
    yield Paragraph(tuple(parts), "bad" if short or not known.judgements else "good")


def gates(known: Known) -> Iterable[Block]:
    """A row and a plot for each gate."""
    yield Table(("gate", "verdict", "value", "threshold", "reason", "decided"), tuple(_row(each, known) for each in known.judgements))
    judged = [(each, each.verdict) for each in known.judgements if each.verdict is not None]
    if judged:
        yield Table(("gate", "claim"), tuple((each.gate, verdict.claim) for each, verdict in judged), folded="What each gate claims")
        yield Figures(tuple(Figure(GATE_PLOT + each.gate, _caption(each, known)) for each, _ in judged))


def overrules(known: Known) -> Iterable[Block]:
    """Every overrule of the version, the last ones first; expired ones are marked, and those of verdicts that no longer count."""
    if not known.overrules:
        yield words("Nobody has overruled a gate of it.")
        return
    counting = {each.overrule.verdict_id for each in known.judgements if each.overrule is not None}
    rows = tuple(
        (each.gate, each.who, each.why, instant(each.recorded_at), instant(each.expires_at), _state(each, known, counting))
        for each in reversed(known.overrules)
    )
    yield Table(("gate", "who", "why", "recorded", "until", "state"), rows)


def history(known: Known) -> Iterable[Block]:
    """The moves of aliases from and to the version."""
    own = [move for move in known.moves if known.version.number in (move.from_number, move.to_number)]
    if not own:
        yield words("No alias has pointed to it.")
        return
    rows = tuple(
        (instant(m.moved_at), m.alias, f"{m.from_number or '–'} → {m.to_number}", m.action, m.who, m.run_id or "–", m.why) for m in own
    )
    yield Table(("when", "alias", "moved", "by", "who", "run", "why"), rows)


def reproductions(known: Known) -> Iterable[Block]:
    """What came of making it again, the last attempt first."""
    if not known.reproductions:
        yield words("Nobody has made it again here; ", Code(f"tradewind models reproduce {known.version.reference}"), " does.")
        return
    rows = tuple(
        (
            instant(each.at),
            Strong("not reproduced") if each.outcome == "other" else "reproduced",
            verdict_of(each),
            Code(each.commit[:12]) if each.commit else "–",
            ", ".join(check.name for check in each.not_held) or "all held",
        )
        for each in reversed(known.reproductions)
    )
    yield Table(("when", "outcome", "what was found", "at commit", "conditions that did not hold"), rows)


def _row(judgement: Judgement, known: Known) -> tuple[Word, ...]:
    verdict = judgement.verdict
    if verdict is None:
        return (judgement.gate, Strong("not judged"), "", "", "", "")
    value = "not measured" if verdict.value is None else shown(verdict.value)
    return (
        judgement.gate,
        _outcome(judgement, known),
        value,
        shown(verdict.threshold),
        verdict.reason + _interval(verdict),
        instant(verdict.decided_at),
    )


def _outcome(judgement: Judgement, known: Known) -> Word:
    if judgement.verdict is None:
        return Strong("not judged")
    if judgement.verdict.passed:
        return "passed"
    if judgement.overrule is None:
        return Strong("failed")
    until = instant(judgement.overrule.expires_at)
    return Strong(f"failed; its overrule expired {until}" if judgement.overrule.is_over(known.at) else f"failed, overruled until {until}")


def _caption(judgement: Judgement, known: Known) -> str:
    outcome = _outcome(judgement, known)
    reason = judgement.verdict.reason if judgement.verdict is not None else ""
    return f"{judgement.gate}: {outcome.text if isinstance(outcome, Strong) else outcome}. {reason}"


def _interval(verdict: Verdict) -> str:
    if verdict.interval is None:
        return ""
    return f" (95 % interval {shown(verdict.interval[0])} to {shown(verdict.interval[1])})"


def _state(overrule: Overrule, known: Known, counting: set[int]) -> Word:
    if overrule.is_over(known.at):
        return Strong("expired")
    return "in force" if overrule.verdict_id in counting else "of an earlier verdict: counts no more"
