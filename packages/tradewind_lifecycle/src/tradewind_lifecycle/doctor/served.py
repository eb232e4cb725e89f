"""What services stand on: features in the store by the definitions that living models were trained on, a Bento, and who answers now."""

import http.client
import json
import time
from collections.abc import Iterator
from typing import Any

from tradewind_contracts.errors import TradewindError
from tradewind_features.online.assembly import ON_DEMAND
from tradewind_features.online.reader import OnlineReader
from tradewind_lifecycle.bento import SERVICE
from tradewind_lifecycle.doctor.examination import Examination
from tradewind_lifecycle.doctor.findings import Finding, Severity
from tradewind_registry.records import Version

FOLLOWS_WITHIN_SECONDS = 6.0
"""What a service is given to follow an alias before it counts as staying behind; it follows within 5 s."""

_ASK_SECONDS = 1.0


def check_features(exam: Examination) -> Iterator[Finding]:
    """The online store is there and has each view of each living model, by the definition that the model was trained on."""
    living = exam.living()
    if not living:
        return
    yield from _feast_registry(exam)
    reader = OnlineReader(exam.settings.online_location)
    try:
        held = reader.views()
    except TradewindError as error:
        yield Finding(
            "features",
            Severity.CRITICAL,
            str(error),
            f"online store of world {exam.settings.world_name}",
            "no service of this world starts, and those that run answer by fallbacks",
            f"{exam.command('features', 'materialize')} fills it from what is published",
        )
        return
    finally:
        reader.close()
    digests = {spec.spec_digest for spec in held.values()}
    for alias, version in living:
        missing = [
            view
            for view, digest in sorted(version.view_specs.items())
            if view not in ON_DEMAND and digest not in digests and not (view in held and not held[view].spec_digest)
        ]
        if missing:
            yield _missing(exam, alias, version, missing)
    exam.looked.append("the online store and the definitions that living models need")


def check_bento(exam: Examination) -> Iterator[Finding]:
    """The Bento of the world carries the champion: what a service starts with where the registry is out of reach."""
    champion = next((version for alias, version in exam.living() if alias == f"{SERVICE}@champion"), None)
    if champion is None:
        return
    noted = exam.settings.paths.served_bento
    tag = noted.read_text(encoding="utf-8").strip() if noted.exists() else ""
    note = exam.settings.paths.bentos / "bentos" / SERVICE / tag / "src" / "baked" / "version.json"
    if not tag or not note.exists():
        said = "there is no Bento" if not tag else f"the Bento {SERVICE}:{tag} is absent"
        carries: dict[str, Any] = {}
    else:
        carries = json.loads(note.read_text(encoding="utf-8"))
        said = f"the Bento {SERVICE}:{tag} carries {carries.get('model')}@{carries.get('number')}, the champion is {champion.reference}"
    if carries.get("digest") != champion.bundle_digest:
        yield Finding(
            "bento",
            Severity.WARNING,
            said,
            str(note.parents[2] if tag else noted),
            "were the registry out of reach, a service that starts would answer with that, or not at all",
            f"{exam.run_command} builds it with the champion",
        )
    exam.looked.append("the Bento")


def check_service(exam: Examination) -> Iterator[Finding]:
    """Where a service of this world answers on its port: it serves what the alias names, and follows it."""
    champion = next((version for alias, version in exam.living() if alias == f"{SERVICE}@champion"), None)
    health = _health(exam)
    if champion is None or health is None or health.get("world") != exam.settings.world_name:
        return
    until = time.monotonic() + FOLLOWS_WITHIN_SECONDS
    while _served(health) != champion.bundle_digest and time.monotonic() < until:
        time.sleep(0.5)
        health = _health(exam) or {}
    where = f"http://{exam.settings.host}:{exam.settings.port}"
    model = health.get("model", {})
    if health.get("refused") or _served(health) != champion.bundle_digest or model.get("source") == "baked":
        yield Finding(
            "service",
            Severity.CRITICAL,
            f"the service answers with {model.get('name')}@{model.get('number')} from {model.get('source')}; the champion is {champion.reference}"
            + (f"; it says: {health['refused']}" if health.get("refused") else ""),
            where,
            "customers get answers of a version that nobody means to be served",
            f"mend what it says; else roll back to what it serves, or restart it ({exam.command('serve')})",
        )
    exam.looked.append(f"the service at {where}")


def _feast_registry(exam: Examination) -> Iterator[Finding]:
    path = exam.settings.paths.feast_registry
    if not path.exists() or path.stat().st_size == 0:
        yield Finding(
            "features",
            Severity.WARNING,
            "there is no Feast registry",
            str(path),
            "nothing can be trained, and the online store can't be filled; services go on with what it holds",
            f"{exam.run_command} applies feature_repo again",
        )
    elif exam.deep:
        yield from _stale_registry(exam)


def _stale_registry(exam: Examination) -> Iterator[Finding]:
    from tradewind_lifecycle.feature_store import applied_specs

    try:
        digests = set(applied_specs(exam.settings).digests.values())
    except TradewindError as error:
        yield Finding(
            "features",
            Severity.WARNING,
            str(error),
            str(exam.settings.paths.feast_registry),
            "nothing can be trained, and the online store can't be filled; services go on with what it holds",
            f"move the file away; {exam.run_command} applies feature_repo again",
        )
        return
    exam.looked.append("Feast's registry")
    for alias, version in exam.living():
        missing = [view for view, digest in sorted(version.view_specs.items()) if digest not in digests]
        if missing:
            yield _missing(exam, alias, version, missing)


def _missing(exam: Examination, alias: str, version: Version, views: list[str]) -> Finding:
    return Finding(
        "features",
        Severity.CRITICAL,
        f"{version.reference} ({alias}) was trained on definitions of {', '.join(views)} that are not served",
        f"world {exam.settings.world_name}",
        "a service refuses it, or gives it values that mean something else",
        f"{exam.command('features', 'versions')} says which definitions stand; {exam.run_command} keeps those that living models need",
    )


def _health(exam: Examination) -> dict[str, Any] | None:
    connection = http.client.HTTPConnection(exam.settings.host, exam.settings.port, timeout=_ASK_SECONDS)
    try:
        connection.request("GET", "/health")
        found = json.loads(connection.getresponse().read())
    except (OSError, http.client.HTTPException, ValueError):
        return None  # nobody answers there, or somebody else does: that is no fault of this world
    finally:
        connection.close()
    return found if isinstance(found, dict) else None


def _served(health: dict[str, Any]) -> str:
    return str(health.get("model", {}).get("digest", ""))
