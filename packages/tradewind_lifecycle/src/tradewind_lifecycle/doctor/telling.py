"""What a person, or a program, reads of a diagnosis."""

import json
from collections.abc import Sequence
from typing import Any

from tradewind_lifecycle.doctor.examining import Diagnosis
from tradewind_lifecycle.doctor.findings import Finding, Severity
from tradewind_lifecycle.doctor.mending import Mended

_WORST_FIRST = list(Severity)


def as_text(found: Diagnosis) -> str:
    """The findings, the worst first, each with why and how; a clean world in a line."""
    looked = ", ".join(found.looked)
    faults = sorted(found.findings, key=lambda finding: _WORST_FIRST.index(finding.severity))
    blocks = [_block(finding) for finding in faults]
    if found.is_clean:
        return "\n\n".join([*blocks, f"world {found.world}: nothing is wrong; looked at {looked}"])
    count = sum(finding.severity != "note" for finding in faults)
    mendable = sum(finding.is_mendable for finding in faults)
    summed = f"world {found.world}: {count} finding{'s' if count != 1 else ''}, {mendable} of them mended by `--mend`; looked at {looked}"
    return "\n\n".join([*blocks, summed])


def as_json(found: Diagnosis, mended: Mended | None = None) -> str:
    """The same for a program."""
    return json.dumps(_document(found, mended), indent=2, ensure_ascii=False)


def worlds_as_json(each: Sequence[tuple[Diagnosis, Mended | None]]) -> str:
    """Several worlds for a program: ``clean`` of all of them, and under ``worlds`` what ``as_json`` says of each."""
    documents = [_document(found, mended) for found, mended in each]
    return json.dumps({"clean": all(found.is_clean for found, _ in each), "worlds": documents}, indent=2, ensure_ascii=False)


def _document(found: Diagnosis, mended: Mended | None) -> dict[str, Any]:
    document: dict[str, Any] = {
        "world": found.world,
        "home": found.home,
        "clean": found.is_clean,
        "looked_at": list(found.looked),
        "findings": [
            {
                "check": finding.check,
                "severity": finding.severity.value,
                "what": finding.what,
                "where": finding.where,
                "why": finding.why,
                "how": finding.how,
                "mendable": finding.is_mendable,
            }
            for finding in found.findings
        ],
    }
    if mended is not None:
        document |= {"mended": list(mended.done), "refused": list(mended.refused)}
    return document


def _block(finding: Finding) -> str:
    lines = (
        f"{finding.severity.upper()}: {finding.what}",
        f"  where: {finding.where}",
        f"  why it matters: {finding.why}",
        f"  how to mend: {finding.how}",
    )
    return "\n".join(lines)
