"""Leaks: three detectors of features that use the future, and what each can and can't see.

* :mod:`~tradewind_lifecycle.leaks.canary`: known-at holds where training sets are made. Exact.
* :mod:`~tradewind_lifecycle.leaks.rewritten`: a row that was visible never changes, whatever comes later. Exact.
* :mod:`~tradewind_lifecycle.leaks.power`: no feature alone tells what nobody knew. Statistical: it warns.
"""

from tradewind_lifecycle.leaks.canary import check_canary
from tradewind_lifecycle.leaks.checking import check_leaks, check_training_set
from tradewind_lifecycle.leaks.power import check_power
from tradewind_lifecycle.leaks.publications import check_rewritten

__all__ = ["check_canary", "check_leaks", "check_power", "check_rewritten", "check_training_set"]
