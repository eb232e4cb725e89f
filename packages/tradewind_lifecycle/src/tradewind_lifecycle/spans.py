"""Which days a version is fitted on and which it is judged on."""

import datetime as dt

from tradewind_lifecycle.training_sets import SealedSet

HOLDOUT_AGE = dt.timedelta(days=45)
"""The trees know what was known this long before as_of. Chosen: the youngest judged orders are then 15 days old, and most arrived."""
HOLDOUT_SPAN = dt.timedelta(days=30)
"""Orders of this many days from the cut are judged."""


def cut_of(as_of: dt.datetime) -> dt.datetime:
    """The instant whose knowledge the trees of a version hold."""
    return as_of - HOLDOUT_AGE


def as_of_of(sealed: SealedSet) -> dt.datetime:
    """The instant at which a sealed training set was cut (UTC)."""
    return dt.datetime.fromisoformat(str(sealed.facts["as_of"]))
