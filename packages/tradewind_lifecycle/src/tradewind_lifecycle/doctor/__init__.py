"""What is wrong with a world and its registry, why it matters, and how to mend it: what `tradewind doctor` says.

A check is a function that looks at one thing and gives findings; a finding that can be mended carries the deed. Nothing is changed unless
a mend is asked for, each mend is whole or not at all, and none deletes what anybody can still want.
"""

from tradewind_lifecycle.doctor.examining import Diagnosis, diagnose
from tradewind_lifecycle.doctor.findings import Finding, Severity
from tradewind_lifecycle.doctor.mending import Mended, mend
from tradewind_lifecycle.doctor.telling import as_json, as_text, worlds_as_json
from tradewind_lifecycle.doctor.worlds import source_of, worlds_to_look_at

__all__ = [
    "Diagnosis",
    "Finding",
    "Mended",
    "Severity",
    "as_json",
    "as_text",
    "diagnose",
    "mend",
    "source_of",
    "worlds_as_json",
    "worlds_to_look_at",
]
