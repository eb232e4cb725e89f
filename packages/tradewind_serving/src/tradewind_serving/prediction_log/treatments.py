"""What the prediction log does with one field of a request. It is declared beside the field, in the request's form."""

import enum
from dataclasses import dataclass

from tradewind_contracts.tables import PersonalData, table


class Treatment(enum.StrEnum):
    """What of a field gets into the log."""

    KEPT = "kept"
    """As it was sent."""
    AREA = "kept as area"
    """Of a postal code, the postal area: its first five digits."""
    TOTAL = "kept as totals"
    """Of a list of items: weight, volume, units, and the category of the heaviest."""
    HASHED = "hashed"
    """HMAC-SHA256 under the log's key; without a key it is dropped."""
    DROPPED = "dropped"
    """Nothing."""


@dataclass(frozen=True)
class Logged:
    """How a field is logged: under which column (or entry of ``numbers``, ``texts``), and how.

    ``of`` names the landing column that the field is a value of, as ``table.column``: its class of personal data is the field's. A field
    that is none of the landing's says nothing about a person.
    """

    column: str
    treatment: Treatment = Treatment.KEPT
    of: str = ""

    @property
    def personal(self) -> PersonalData:
        """How near the field comes to a natural person, as the landing tables class it.

        Raises:
            NotFoundError: no such table or column is declared.
        """
        if not self.of:
            return PersonalData.NONE
        name, _, column = self.of.partition(".")
        return table(name).column(column).personal
