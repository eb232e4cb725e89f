"""The input of a model, as its contract lists it: from feature views in the online store, on-demand views and the request.

There is no list of features here: the contract in the bundle says what is needed, the online store says by which key a view
is kept, and what can't be filled is found when a version is proven, not when somebody asks. The assembling is
:mod:`tradewind_features.online.assembly`'s, which parity checks against training sets.
"""

from collections.abc import Mapping

from tradewind_contracts.bundle import REQUEST, BundleContract
from tradewind_contracts.errors import IntegrityError, NotFoundError
from tradewind_features.online.assembly import AS_NAMED, ON_DEMAND, PLACES, Assembler, Parcels, Vector
from tradewind_features.online.reader import OnlineReader
from tradewind_serving.parcels import REQUEST_COLUMNS
from tradewind_serving.view_names import NOT_SEALED, names_in_store, stands_as_named


class Vectorizer:
    """Fills contracts from one world's online store. Safe to share between threads, as its reader is.

    ``view_specs``: view → digest of the definition that the version was trained on; its rows are found by it, under whatever name.
    """

    def __init__(self, reader: OnlineReader, zone: str) -> None:
        self._reader = reader
        self._assembler = Assembler(reader, zone)

    def check(self, contract: BundleContract, view_specs: Mapping[str, str] = NOT_SEALED) -> None:
        """Refuse a contract that can't be filled.

        Raises:
            IntegrityError: names the fields and what is missing for them, or the views whose rows are of another definition.
            StateError: there is no online store.
        """
        names = self._names(contract, view_specs)
        not_sent = [f.reference for f in contract.features if f.view == REQUEST and f.name not in REQUEST_COLUMNS]
        absent = sorted({*self._assembler.missing(contract.features, names), *not_sent})
        if absent:
            held = ", ".join(self._assembler.held()) or "no view"
            raise IntegrityError(f"the service can't fill {', '.join(absent)}; the online store serves {held}")

    def assemble(self, contract: BundleContract, parcels: Parcels, view_specs: Mapping[str, str] = NOT_SEALED) -> Vector:
        """The columns of ``contract`` for ``parcels``; values of views that are absent or expired are NaN.

        A row is expired when it is older than its view's time to live at that parcel's order.

        Raises:
            IntegrityError: the rows of a view's definition have left the store.
            StateError, NotFoundError: the online store can't be read.
        """
        names = self._names(contract, view_specs)
        while True:
            failed: NotFoundError | KeyError | None = None
            try:
                vector = self._assembler.assemble(contract.features, parcels, names)
            except (NotFoundError, KeyError) as error:  # a view or column that was there when its name was looked up
                failed = error
            # Rows may get another name between two reads of one answer: it counts only if they stood still.
            before, names = names, self._names(contract, view_specs)
            if names == before:
                if failed is not None:
                    raise failed
                return vector

    def _names(self, contract: BundleContract, view_specs: Mapping[str, str]) -> Mapping[str, str]:
        held = self._reader.views()
        stored = {view: digest for view, digest in view_specs.items() if view not in ON_DEMAND}
        if stands_as_named(stored, held):
            return AS_NAMED
        needed = {feature.view for feature in contract.features} | {view for view, _ in PLACES}
        return names_in_store(needed, stored, held)
