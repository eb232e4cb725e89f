"""Model cards: what a version is, what it was measured at and what it must not be used for, from the registry's rows alone.

One content (:mod:`~tradewind_lifecycle.cards.contents`), two forms: Markdown with plots as files beside it, and one HTML page that needs nothing from elsewhere.
"""

from tradewind_lifecycle.cards.known import Known, known_of
from tradewind_lifecycle.cards.markdown import markdown, markdown_table
from tradewind_lifecycle.cards.page import page
from tradewind_lifecycle.cards.writing import CARD, PAGE, card_page, card_plots, card_text, report_folder, write_card

__all__ = [
    "CARD",
    "PAGE",
    "Known",
    "card_page",
    "card_plots",
    "card_text",
    "known_of",
    "markdown",
    "markdown_table",
    "page",
    "report_folder",
    "write_card",
]
