"""Gates: what a family declared (``tradewind_contracts.gates``) is measured here, for any family, and recorded as verdicts.

* :mod:`~tradewind_lifecycle.gating.evaluations`: kinds that read the family's evaluation, and the champion's beside it.
* :mod:`~tradewind_lifecycle.gating.claims`: kinds that count failed claims: quality, parity, leaks.
* :mod:`~tradewind_lifecycle.gating.bundles`: kinds that open the bundle: golden rows, latency, size.
* :mod:`~tradewind_lifecycle.gating.champion`: the champion judged on a candidate's holdout.
* :mod:`~tradewind_lifecycle.gating.judging`: every kind by its measure; :mod:`~tradewind_lifecycle.gating.running`: all gates of a version.
"""

from tradewind_lifecycle.gating.judging import judge_all
from tradewind_lifecycle.gating.measurements import Measurements
from tradewind_lifecycle.gating.running import run_gates

__all__ = ["Measurements", "judge_all", "run_gates"]
