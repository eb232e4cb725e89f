"""Parity: vectors that a service was given, derived again offline for the same instant, are the same.

:func:`record_served` keeps a sample of vectors at the end of each materialization; :func:`compare` derives the newest of them again, and
:func:`check_parity` puts what it found as claims.
"""

from tradewind_lifecycle.parity.comparing import check_parity, compare
from tradewind_lifecycle.parity.records import has_served, has_served_before, record_served
from tradewind_lifecycle.parity.report import SUITE, FeatureParity, ParityReport, results_of

__all__ = [
    "SUITE",
    "FeatureParity",
    "ParityReport",
    "check_parity",
    "compare",
    "has_served",
    "has_served_before",
    "record_served",
    "results_of",
]
