"""One reproduction from end to end: conditions, rebuild, fit, record."""

import time
from collections.abc import Callable

from tradewind_contracts.errors import StateError
from tradewind_contracts.instants import Clock
from tradewind_contracts.settings import Settings
from tradewind_lifecycle.reproducing import rebuilding, refitting
from tradewind_lifecycle.reproducing.checking import Checkout, checks_of, refuse_failed, sealed_of
from tradewind_lifecycle.reproducing.records import Check, Rebuilt, Reproduction, keep
from tradewind_lifecycle.reproducing.scratch import scratch_home, take_sealed
from tradewind_lifecycle.training_sets import SealedSet
from tradewind_registry import RegistryClient, Version


def reproduce(
    settings: Settings,
    reference: str,
    *,
    from_landing: bool = False,
    anyway: bool = False,
    say: Callable[[str], None] = lambda _: None,
    checkout: Checkout | None = None,
) -> Reproduction:
    """Make the version again from its sealed set, with ``from_landing`` first that set from what has landed; the record of it is kept.

    Args:
        settings: the home, the registry, and the world whose aliases ``reference`` may name.
        reference: ``eta@7`` or ``eta@champion``.
        from_landing: build the training set again too. A sealed set that is gone is then not needed, if the digest comes out the same.
        anyway: go on where a condition does not hold; the record lists which.
        say: hears a line now and then.
        checkout: the code that runs; found out by default.

    Raises:
        NotFoundError: no such version.
        StateError: a condition does not hold (commit, tree, lock, packages, landing, sealed set); says which and what to do.
        IntegrityError: the sealed set or the bundle is not what was sealed.
    """
    started = time.perf_counter()
    checkout = checkout or Checkout.present()
    with RegistryClient.open(settings) as registry:
        version = registry.resolve(reference)
        own = settings.model_copy(update={"world": version.world})
        not_held = _conditions(own, version, checkout, from_landing, anyway)
        for check in not_held:
            say(f"differs: {check.name}: {check.said}")
        sealed, rebuilt = sealed_of(own, version), None
        with scratch_home(own, version) as scratch:
            if from_landing:
                found = rebuilding.rebuild(own, scratch, version, say)
                rebuilt = rebuilding.compared(own, version, sealed, found)
                sealed = sealed or _standing_in(version, found, rebuilt)
            elif sealed is not None:
                take_sealed(sealed, scratch)
            refitted = None
            if sealed is not None:
                if from_landing and sealed.digest != (rebuilt.found if rebuilt else ""):
                    take_sealed(sealed, scratch)
                refitted = refitting.refit(scratch, registry, version, sealed, say)
    made = Reproduction(
        reference=version.reference,
        bundle_digest=version.bundle_digest,
        world=version.world,
        at=Clock().now(),
        commit=checkout.commit,
        seconds=round(time.perf_counter() - started, 1),
        not_held=tuple(not_held),
        refitted=refitted,
        rebuilt=rebuilt,
    )
    say(f"kept as {keep(made, own)}")
    return made


def _conditions(settings: Settings, version: Version, checkout: Checkout, from_landing: bool, anyway: bool) -> list[Check]:
    """The conditions that do not hold, refused unless ``anyway``."""
    checks = checks_of(settings, version, checkout, from_landing=from_landing)
    if not any(check.name in ("commit", "lock of packages") and not check.holds for check in checks):
        # Of another commit or lock the key is another: that would be said twice.
        checks.append(refitting.check_inputs(version, refitting.config_of(version)))
    if not anyway:
        refuse_failed(version.reference, checks)
    sealed = next(check for check in checks if check.name == "sealed set")
    if not sealed.holds:
        raise StateError(f"{version.reference}: the sealed set is {sealed.said}; {sealed.todo}")
    return [check for check in checks if not check.holds]


def _standing_in(version: Version, found: SealedSet, rebuilt: Rebuilt) -> SealedSet | None:
    """The rebuilt set in place of a sealed one that is gone: only where it is the very same."""
    return found if rebuilt.outcome == "same" and found.digest == version.training_set_digest else None
