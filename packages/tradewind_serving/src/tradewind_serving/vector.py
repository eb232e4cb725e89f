"""The input of a model, as its contract lists it: from feature views in the online store, on-demand views and the request.

There is no list of features here: the contract in the bundle says what is needed, the online store says by which key a view
is kept, and what can't be filled is found when a version is proven, not when somebody asks. The assembling is
:mod:`tradewind_features.online.assembly`'s, which parity checks against training sets.
"""

from collections.abc import Mapping

from tradewind_contracts.bundle import REQUEST, BundleContract
from tradewind_contracts.errors import IntegrityError
from tradewind_features.online.assembly import AS_NAMED, Assembler, Parcels, Vector
from tradewind_features.online.reader import OnlineReader
from tradewind_serving.parcels import REQUEST_COLUMNS


class Vectorizer:
    """Fills contracts from one world's online store. Safe to share between threads, as its reader is.

    ``names``: a view of the contract → its name in the store, where that holds several versions of the view.
    """

    def __init__(self, reader: OnlineReader, zone: str) -> None:
        self._assembler = Assembler(reader, zone)

    def check(self, contract: BundleContract, names: Mapping[str, str] = AS_NAMED) -> None:
        """Refuse a contract that can't be filled.

        Raises:
            IntegrityError: names the fields and what is missing for them.
            StateError: there is no online store.
        """
        not_sent = [f.reference for f in contract.features if f.view == REQUEST and f.name not in REQUEST_COLUMNS]
        absent = sorted({*self._assembler.missing(contract.features, names), *not_sent})
        if absent:
            held = ", ".join(self._assembler.held()) or "no view"
            raise IntegrityError(f"the service can't fill {', '.join(absent)}; the online store serves {held}")

    def assemble(self, contract: BundleContract, parcels: Parcels, names: Mapping[str, str] = AS_NAMED) -> Vector:
        """The columns of ``contract`` for ``parcels``; values of views that are absent or expired are NaN.

        A row is expired when it is older than its view's time to live at that parcel's order.

        Raises:
            StateError, NotFoundError: the online store can't be read.
        """
        return self._assembler.assemble(contract.features, parcels, names)
