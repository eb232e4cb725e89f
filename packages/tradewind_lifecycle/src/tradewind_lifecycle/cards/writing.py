"""Cards as text, and as files: ``reports/models/eta@3/`` holds card.md with its plots beside it, and card.html."""

from pathlib import Path

from tradewind_contracts.files import write_text
from tradewind_contracts.instants import iso
from tradewind_contracts.settings import Settings
from tradewind_lifecycle.cards.contents import card_of
from tradewind_lifecycle.cards.judged import GATE_PLOT
from tradewind_lifecycle.cards.known import Known, known_of
from tradewind_lifecycle.cards.markdown import markdown
from tradewind_lifecycle.cards.page import page
from tradewind_lifecycle.plots.evidence import draw, evidence_of
from tradewind_lifecycle.plots.versions import plots_of
from tradewind_registry import RegistryClient, Version

CARD, PAGE = "card.md", "card.html"


def card_text(registry: RegistryClient, reference: str, settings: Settings | None = None) -> str:
    """The card of the version that ``reference`` names, as Markdown without plots; with ``settings`` also the reproductions in their home.

    Raises:
        NotFoundError: there is no such version or alias.
    """
    return markdown(card_of(known_of(registry, registry.resolve(reference), settings)))


def card_page(registry: RegistryClient, reference: str, settings: Settings | None = None) -> str:
    """The same as one HTML page, plots inside.

    Raises:
        NotFoundError: there is no such version or alias.
    """
    return _page(known_of(registry, registry.resolve(reference), settings))


def card_plots(known: Known, *, alone: bool = False) -> dict[str, str]:
    """Every plot of a card as SVG by name: of the version (``calibration``, ``error_by_day`` …) and of each judged gate (``gate-<name>``)."""
    gates = {
        GATE_PLOT + each.gate: draw(evidence_of(each.verdict), each.gate, alone=alone)
        for each in known.judgements
        if each.verdict is not None
    }
    return plots_of(known.version, alone=alone) | gates


def write_card(registry: RegistryClient, version: Version, settings: Settings) -> Path:
    """Write both forms of the card, and its plots, into the version's report folder; the path of the Markdown, beside which the page stands.

    Raises:
        StateError: the disk refuses.
    """
    known, folder = known_of(registry, version, settings), report_folder(settings, version)
    files = {name: folder / f"{name.replace('/', '-')}.svg" for name in card_plots(known)}
    for name, svg in card_plots(known, alone=True).items():
        write_text(files[name], svg + "\n")
    write_text(folder / CARD, markdown(card_of(known), {name: path.name.replace(" ", "%20") for name, path in files.items()}))
    write_text(folder / PAGE, _page(known))
    return folder / CARD


def report_folder(settings: Settings, version: Version) -> Path:
    """Where card and plots of ``version`` stand: ``reports/models/eta@3``."""
    return settings.paths.reports / "models" / version.reference


def _page(known: Known) -> str:
    return page(card_of(known), card_plots(known), f"at {iso(known.at.replace(microsecond=0))}")
