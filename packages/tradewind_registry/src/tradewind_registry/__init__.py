"""Registry: versions, aliases, history, audit and content-addressed bundles.

``Registry`` writes, ``RegistryClient`` only reads (for services). The package's README has an example.
"""

from tradewind_registry.client import RegistryClient
from tradewind_registry.errors import ConflictError, GateError, WorldError
from tradewind_registry.judging import LONGEST_OVERRULE
from tradewind_registry.moving import ANYWHERE
from tradewind_registry.records import (
    AliasMove,
    AuditEntry,
    ExpiredOverrule,
    Judgement,
    Overrule,
    Version,
    VersionDraft,
    VersionSummary,
    latest_verdicts,
    main_metric,
)
from tradewind_registry.references import CHAMPION, Reference, parse_reference
from tradewind_registry.registry import Registry

__all__ = [
    "ANYWHERE",
    "CHAMPION",
    "LONGEST_OVERRULE",
    "AliasMove",
    "AuditEntry",
    "ConflictError",
    "ExpiredOverrule",
    "GateError",
    "Judgement",
    "Overrule",
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
