"""Versions of a feature view: which definitions of it stand beside each other, under which names, and what has to be moved for that.

The declared definition has the view's own name. A definition before it that a living model was trained on stays as ``<view>_v<n>``, where
``n`` counts the definitions that the view has had in this world, from 1. Everything here is a function of names and digests: what is
registered, what the online store holds and what is needed are read by :mod:`tradewind_lifecycle.views.evolution`, and a plan that was carried
out by halves is finished by making it again.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from tradewind_contracts.errors import IntegrityError
from tradewind_lifecycle.views.living import Need, Needs

_KEPT_NAME = re.compile(r"(?P<own>.+)_v(?P<number>[1-9][0-9]*)")


@dataclass(frozen=True)
class ViewVersion:
    """One definition of a view, under the name that it stands under now.

    ``own``: the view's own name; ``name`` is that too unless the version was superseded. ``count``: definitions that the view has had.
    ``is_registered``: Feast knows it; otherwise only its rows in the online store are left.
    """

    name: str
    own: str
    digest: str
    number: int = 1
    count: int = 1
    is_registered: bool = True

    @property
    def kept_name(self) -> str:
        """Its name beside its successors."""
        return f"{self.own}_v{self.number}"


@dataclass(frozen=True)
class KeptVersion:
    """A definition that stays under ``name`` though another is declared, and the living models that need it."""

    name: str
    version: ViewVersion
    needs: tuple[Need, ...]


@dataclass(frozen=True)
class VersionPlan:
    """What has to be so, and how the online store gets there.

    ``numbers``: by declared view, its number and how many definitions it has had. ``kept``: by name. ``retired``: definitions that nobody
    needs any more. ``drops``: names in the online store whose rows go. ``moves``: rows that get another name, in this order: from, to,
    digest. ``lost``: needed definitions that are nowhere: view, digest, by whom.
    """

    numbers: Mapping[str, tuple[int, int]]
    kept: Mapping[str, KeptVersion]
    retired: tuple[ViewVersion, ...] = ()
    drops: tuple[str, ...] = ()
    moves: tuple[tuple[str, str, str], ...] = ()
    lost: tuple[tuple[str, str, tuple[Need, ...]], ...] = ()


@dataclass
class _Draft:
    """What :func:`plan_versions` gathers, view by view."""

    numbers: dict[str, tuple[int, int]] = field(default_factory=dict)
    kept: dict[str, KeptVersion] = field(default_factory=dict)
    retired: list[ViewVersion] = field(default_factory=list)


def plan_versions(declared: Mapping[str, str], registered: Iterable[ViewVersion], online: Mapping[str, str], needs: Needs) -> VersionPlan:
    """What to keep, move and let go when ``declared`` (view → digest) becomes what is registered.

    ``registered``: the versions that Feast knows. ``online``: the digest of the rows under each name in the online store, "" where the
    store does not say; then they are of what is registered under that name. ``needs``: of views with rows, not of on-demand views.

    Raises:
        IntegrityError: a declared view has the name under which a version has to be kept.
    """
    known = list(registered)
    digests = {version.name: version.digest for version in known}
    held = {name: digest or digests.get(name, "") for name, digest in online.items()}
    known += _online_only(known, held, needs)
    draft = _Draft()
    for own in sorted({*declared, *(version.own for version in known)}):
        _plan_view(draft, own, declared.get(own), [version for version in known if version.own == own], needs.get(own, {}))
    taken = sorted(set(draft.kept) & set(declared))
    if taken:
        raise IntegrityError(
            f"feature_repo declares {', '.join(taken)}, the name of a version that a living model needs; choose another name"
        )
    standing = dict(declared) | {name: kept.version.digest for name, kept in draft.kept.items()}
    drops, moves = _online_steps(held, standing, {version.own for version in known} | set(declared))
    return VersionPlan(draft.numbers, draft.kept, tuple(draft.retired), drops, moves, _lost(standing, needs))


def _online_only(known: list[ViewVersion], held: Mapping[str, str], needs: Needs) -> list[ViewVersion]:
    """Needed definitions of which only the rows in the online store are left: Feast's registry was lost."""
    registered = {version.digest for version in known}
    owners = {digest: own for own, digests in needs.items() for digest in digests if digest not in registered}
    found: list[ViewVersion] = []
    for name, digest in sorted(held.items()):
        if digest in owners:
            own = owners[digest]
            numbers = [version.number for version in [*known, *found] if version.own == own]
            named = _KEPT_NAME.fullmatch(name)
            number = int(named["number"]) if named and named["own"] == own else max(numbers, default=0) + 1
            found.append(ViewVersion(name, own, digest, number, number, is_registered=False))
    return found


def _plan_view(draft: _Draft, own: str, declared: str | None, versions: list[ViewVersion], needs: Mapping[str, tuple[Need, ...]]) -> None:
    count = max((max(version.number, version.count) for version in versions), default=0)
    if declared is not None:
        same = next((version.number for version in versions if version.digest == declared), None)
        number = same if same is not None else count + 1
        draft.numbers[own] = (number, max(count, number))
    for version in versions:
        if version.digest == declared:
            continue
        if version.digest in needs:
            draft.kept[version.kept_name] = KeptVersion(version.kept_name, version, needs[version.digest])
        else:
            draft.retired.append(version)


def _online_steps(
    held: Mapping[str, str], standing: Mapping[str, str], views: set[str]
) -> tuple[tuple[str, ...], tuple[tuple[str, str, str], ...]]:
    places = {digest: name for name, digest in standing.items()}
    drops: list[str] = []
    moves: list[tuple[str, str, str]] = []
    for name, digest in held.items():
        place = places.get(digest) if digest else None
        if place == name or (not digest and name not in standing):
            continue
        if place is None:
            named = _KEPT_NAME.fullmatch(name)
            if (name in standing and digest) or (named and named["own"] in views and digest):
                drops.append(name)
        elif held.get(place) == digest:
            # Both hold rows of this definition: materializations go to the view's own name, so those are the newer ones.
            drops.append(place if name in views else name)
            moves += [(name, place, digest)] if name in views else []
        else:
            moves.append((name, place, digest))
    # What has the own name of a view makes room first.
    return tuple(sorted(drops)), tuple(sorted(moves, key=lambda move: (move[0] not in views, move)))


def _lost(standing: Mapping[str, str], needs: Needs) -> tuple[tuple[str, str, tuple[Need, ...]], ...]:
    there = set(standing.values())
    return tuple((own, digest, who) for own, digests in sorted(needs.items()) for digest, who in digests.items() if digest not in there)
