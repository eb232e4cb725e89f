"""Which rows a version is answered from: each view of its contract by the digest of the definition that it was trained on.

A view that was redefined under a living model stands in the online store twice: the new definition under the view's name, the one before
under another (``<view>_v<n>``). A version names digests, so it goes on reading its own rows, and its successor reads the new ones.
"""

from collections.abc import Iterable, Mapping
from types import MappingProxyType

from tradewind_contracts.errors import IntegrityError
from tradewind_features.online.backend import ViewSpec

NOT_SEALED: Mapping[str, str] = MappingProxyType({})
"""The view digests of a version that has none: every view by its name."""


def stands_as_named(view_specs: Mapping[str, str], held: Mapping[str, ViewSpec]) -> bool:
    """Whether every view of ``view_specs`` (view → digest) stands in the store under its own name, as it was.

    A store that does not say what its rows are (spec digest "", made before digests were kept) is taken by name.
    """
    return all((spec := held.get(view)) is not None and spec.spec_digest in (digest, "") for view, digest in view_specs.items())


def names_in_store(needed: Iterable[str], view_specs: Mapping[str, str], held: Mapping[str, ViewSpec]) -> dict[str, str]:
    """The name in the store of each ``needed`` view that stands there under another name than its own.

    ``view_specs``: view → digest of its definition, as the version's row in the registry says; a view that is not in it goes by its name.

    Raises:
        IntegrityError: the store has rows of a needed view, and none of the definition that the version was trained on.
    """
    places = {spec.spec_digest: name for name, spec in held.items() if spec.spec_digest}
    names, absent = {}, []
    for view in sorted(set(needed) & view_specs.keys()):
        digest, spec = view_specs[view], held.get(view)
        place = places.get(digest)
        if place is not None:
            names[view] = place
        elif spec is None or spec.spec_digest:
            absent.append(f"{view} as of {digest[:12]} (under that name: {spec.spec_digest[:12] if spec else 'nothing'})")
    if absent:
        raise IntegrityError(
            f"the online store has no rows of {'; '.join(absent)}, which this version was trained on; train and promote a version on what is there"
        )
    return {view: name for view, name in names.items() if name != view}
