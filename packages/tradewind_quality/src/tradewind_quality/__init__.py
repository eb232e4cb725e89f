"""Quality: Great Expectations suites derived from the table declarations, and claims written by hand.

``check(stage, tables, context)`` evaluates the suites of a stage (``landing``, ``marts``, ``features``,
``training_set``) on Arrow tables and returns one ``CheckResult`` per claim. Great Expectations is loaded by the first
evaluation (4 CPU seconds), not by this import.
"""

from tradewind_quality.claims import Claim, Context, Expectation, Sight, Suite
from tradewind_quality.derived import suite_for
from tradewind_quality.stages import STAGES, Stage, check, check_declared, columns_needed, suites_of

__all__ = [
    "STAGES",
    "Claim",
    "Context",
    "Expectation",
    "Sight",
    "Stage",
    "Suite",
    "check",
    "check_declared",
    "columns_needed",
    "suite_for",
    "suites_of",
]
