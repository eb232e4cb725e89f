"""Where a feature comes from, in words: landing columns by how they are used, and the tables between."""

from dataclasses import dataclass

from tradewind_lifecycle.catalogue.declared import Catalogue, Feature, View
from tradewind_lifecycle.lineage import LANDING, REQUEST, ROWS, Use


@dataclass(frozen=True)
class Origins:
    """The landing columns of a feature (``reviews.score``; fields of a request: ``request.price``) by how they are used.

    ``counted``: tables of which it takes in how many rows there are. What enters the value is not said again as a condition.
    """

    values: tuple[str, ...]
    conditions: tuple[str, ...]
    rows: tuple[str, ...]
    counted: tuple[str, ...]

    @property
    def made_of(self) -> str:
        """What enters the value; of a count, whose rows it counts."""
        return ", ".join(self.values) or (f"rows of {', '.join(self.counted)}" if self.counted else "nothing that lands")


def origins(catalogue: Catalogue, view: View, feature: Feature) -> Origins | None:
    """The origins of a feature; None where the generated lineage does not know it yet."""
    sources = catalogue.sources(view, feature)
    if sources is None:
        return None
    named = {use: tuple(_short(name) for name, how in sources.items() if how is use and not _is_rows(name)) for use in Use}
    counted = tuple(name.split(".")[1] for name, use in sources.items() if _is_rows(name) and use is not Use.ROWS)
    return Origins(named[Use.VALUE], named[Use.CONDITION], named[Use.ROWS], counted)


def shared_conditions(catalogue: Catalogue, view: View) -> tuple[str, ...]:
    """The columns that choose what every feature of a view is made of, but enter none."""
    every = [found for feature in view.features if (found := origins(catalogue, view, feature)) is not None]
    if not every:
        return ()
    return tuple(name for name in every[0].conditions if all(name in found.conditions for found in every))


def tables_between(catalogue: Catalogue, view: View) -> dict[str, tuple[str, ...]]:
    """The tables that a view is made of by schema, the landing ones first."""
    found: dict[str, set[str]] = {}
    for feature in view.features:
        node = f"{view.table}.{feature.name}"
        for name in catalogue.lineage.upstream(node) if node in catalogue.lineage.nodes else ():
            schema, table, _ = name.split(".", 2)
            if f"{schema}.{table}" != view.table:
                found.setdefault(schema, set()).add(table)
    order = (LANDING, REQUEST, "staging", "intermediate", "marts", "features")
    return {schema: tuple(sorted(found[schema])) for schema in order if schema in found}


def _is_rows(name: str) -> bool:
    return name.endswith(f".{ROWS}")


def _short(name: str) -> str:
    schema, table, column = name.split(".", 2)
    return f"{REQUEST}.{column}" if schema == REQUEST else f"{table}.{column}"
