"""Registry: versions, aliases, history, audit and content-addressed bundles.

``Registry`` writes, ``RegistryClient`` only reads (for services). The package's README has an example.
"""

from tradewind_registry.client import RegistryClient
from tradewind_registry.errors import ConflictError, GateError, WorldError
from tradewind_registry.records import AliasMove, AuditEntry, Version, VersionDraft, VersionSummary, latest_verdicts, main_metric
from tradewind_registry.references import CHAMPION, Reference, parse_reference
from tradewind_registry.registry import ANYWHERE, Registry

__all__ = [
    "ANYWHERE",
    "CHAMPION",
    "AliasMove",
    "AuditEntry",
    "ConflictError",
    "GateError",
    "Reference",
    "Registry",
    "RegistryClient",
    "Version",
    "VersionDraft",
    "VersionSummary",
    "WorldError",
    "latest_verdicts",
    "main_metric",
    "parse_reference",
]
