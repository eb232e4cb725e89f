"""Writes what the graph reads instead of importing models: the gates of each family. Views are written by ``tradewind_lifecycle``; `make docs` calls both."""

import json
from pathlib import Path

from tradewind_contracts.files import write_text

GATES = Path(__file__).parent / "generated" / "gates.json"
MONITORS = GATES.with_name("monitors.json")


def gates_text() -> str:
    """Names and claims of each family's gates, as they are declared beside the family."""
    from tradewind_lifecycle.gating.families import families, gates_of

    found = {family: [{"name": gate.name, "claim": gate.claim} for gate in gates_of(family)] for family in families()}
    return json.dumps(found, indent=2) + "\n"


def write_gates() -> Path:
    """Write the gates anew; a contract test holds the file fresh."""
    write_text(GATES, gates_text())
    return GATES


def monitors_text() -> str:
    """Names and claims of each family's monitors, and whether they are of drift or of live errors."""
    from tradewind_models.eta import monitors

    kinds = {"drift": monitors.DRIFT_MONITORS, "live": monitors.LIVE_MONITORS}
    found = {"eta": [{"name": gate.name, "claim": gate.claim, "of": kind} for kind, gates in kinds.items() for gate in gates]}
    return json.dumps(found, indent=2) + "\n"


def write_monitors() -> Path:
    """Write the monitors anew; a contract test holds the file fresh."""
    write_text(MONITORS, monitors_text())
    return MONITORS
