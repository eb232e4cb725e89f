"""References: how a person or a service names a version, ``eta@3``, ``eta@champion`` or ``eta``."""

import re
from dataclasses import dataclass

from tradewind_contracts.errors import SettingsError

CHAMPION, CHALLENGER = "champion", "challenger"

_MODEL = re.compile(r"[a-z][a-z0-9_]*")
_ALIAS = re.compile(r"[a-z][a-z0-9_-]*")
_NUMBER = re.compile(r"[1-9][0-9]{0,8}")


@dataclass(frozen=True)
class Reference:
    """A model with either a version number or an alias: exactly one of the two is set."""

    model: str
    number: int | None = None
    alias: str | None = None

    def __str__(self) -> str:
        return f"{self.model}@{self.number if self.number is not None else self.alias}"


def parse_reference(text: str) -> Reference:
    """The reference in ``text``; a model alone means its champion.

    Names match whole or not at all: ``eta:1``, ``eta@01`` and ``eta@`` are refused, never completed.

    Raises:
        SettingsError: it is none of the three forms.
    """
    model, at, wanted = text.partition("@")
    if _MODEL.fullmatch(model):
        if not at:
            return Reference(model, alias=CHAMPION)
        if _NUMBER.fullmatch(wanted):
            return Reference(model, number=int(wanted))
        if _ALIAS.fullmatch(wanted):
            return Reference(model, alias=wanted)
    raise SettingsError(f"{text!r} names no version; expected a number (eta@3), an alias (eta@{CHAMPION}) or a model alone (eta)")


def check_alias(alias: str) -> None:
    """Refuse an alias that a reference could not name.

    Raises:
        SettingsError: it is not lower-case letters, digits, ``_`` and ``-`` after a letter.
    """
    if not _ALIAS.fullmatch(alias):
        raise SettingsError(f"alias {alias!r}: expected lower-case letters, digits, _ and - after a letter, such as {CHAMPION}")
