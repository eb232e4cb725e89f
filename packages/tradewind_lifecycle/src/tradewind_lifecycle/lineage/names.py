"""What a person may ask about: a column, a table, a feature view, a feature, a field of a request; and what was meant where nothing has that name."""

import difflib
from collections.abc import Iterable
from dataclasses import dataclass

from tradewind_contracts.errors import NotFoundError
from tradewind_lifecycle.catalogue.declared import Catalogue
from tradewind_lifecycle.lineage.graph import REQUEST, ROWS, ColumnGraph

_SHOWN = 5


@dataclass(frozen=True)
class Asked:
    """What was asked about: its whole name, what it is, and the columns that stand for it, none where only models know the field."""

    name: str
    kind: str
    columns: tuple[str, ...]


def asked(name: str, catalogue: Catalogue, graph: ColumnGraph, fields: Iterable[str] = ()) -> Asked:
    """What ``name`` means: ``landing.orders.promised_at``, ``landing.orders``, ``marts.fct_parcels.is_late``, a view, ``view:feature`` or
    ``view__feature``, ``request.price``. The schema, and of a request its source, may be left out where nothing else has the name.

    ``fields``: those that a caller gives and that models take as they are.

    Raises:
        NotFoundError: nothing has that name, or several have; says which are near.
    """
    plain = name.strip().lower()
    found = _column(plain, graph) or _table(plain, graph) or _declared(plain, catalogue, graph) or _field(plain, graph, fields)
    if found is not None:
        return found
    ends = _ending_with(plain, [*graph.nodes, *graph.tables])
    if len(ends) == 1:
        return asked(ends[0], catalogue, graph, fields)
    if ends:
        raise NotFoundError(f"{name!r} may be several; say which: {', '.join(ends[:_SHOWN])}{', …' if len(ends) > _SHOWN else ''}")
    raise NotFoundError(f"nothing is called {name!r}{_near(plain, catalogue, graph)}")


def _column(name: str, graph: ColumnGraph) -> Asked | None:
    if name not in graph.nodes:
        return None
    if name.endswith(f".{ROWS}"):
        return Asked(name, "rows", (name,))
    return Asked(name, "field of a request" if name.startswith(f"{REQUEST}.") else "column", (name,))


def _table(name: str, graph: ColumnGraph) -> Asked | None:
    if name not in graph.tables:
        return None
    rows = f"{name}.{ROWS}"
    return Asked(name, "table", (*graph.columns_of(name), *((rows,) if rows in graph.nodes else ())))


def _declared(name: str, catalogue: Catalogue, graph: ColumnGraph) -> Asked | None:
    """A view or a feature; a feature's name alone is left to the columns."""
    view_name, _, feature_name = name.replace("__", ":", 1).partition(":")
    view = next((view for view in catalogue.views if view.name == view_name), None)
    if view is None:
        return None
    if not feature_name:
        return Asked(view.name, "feature view", tuple(graph.columns_of(view.table)))
    feature = next((feature for feature in view.features if feature.name == feature_name), None)
    return Asked(feature.reference, "feature", (f"{view.table}.{feature.name}",)) if feature else None


def _field(name: str, graph: ColumnGraph, fields: Iterable[str]) -> Asked | None:
    """``request.<field>``: of whichever source asks for it, or one that only models take."""
    schema, _, field = name.rpartition(".")
    if schema != REQUEST:
        return None
    nodes = tuple(node for node in graph.nodes if node.startswith(f"{REQUEST}.") and node.rpartition(".")[2] == field)
    return Asked(name, "field of a request", nodes) if nodes or field in set(fields) else None


def _ending_with(name: str, names: Iterable[str]) -> list[str]:
    """The names that end with ``name``, from a landing table if there is one: everything else is made of those."""
    ends = [whole for whole in names if whole.endswith(f".{name}") and not whole.endswith(f".{ROWS}")]
    landed = [whole for whole in ends if whole.startswith("landing.") and whole.count(".") == name.count(".") + 1]
    return landed if len(landed) == 1 and "." in name else ends


def _near(name: str, catalogue: Catalogue, graph: ColumnGraph) -> str:
    features = [feature.reference for view in catalogue.views for feature in view.features]
    whole = [*graph.tables, *(node for node in graph.nodes if not node.endswith(f".{ROWS}")), *(v.name for v in catalogue.views), *features]
    table = name.rpartition(".")[0]
    own = graph.columns_of(table)
    if own:
        # The table is right: its columns are what is near.
        found = difflib.get_close_matches(name, own, n=_SHOWN, cutoff=0.0)
    else:
        found = difflib.get_close_matches(name, whole, n=_SHOWN, cutoff=0.6)
    if found:
        return f"; did you mean {', '.join(found)}?"
    return "; `tradewind features search` finds features by words, and docs/catalogue has every table"
