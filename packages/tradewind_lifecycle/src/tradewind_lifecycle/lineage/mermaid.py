"""Flowcharts in Mermaid's language: names are escaped, ids are ours, so that no name can break a chart."""

from collections.abc import Iterable, Mapping

from tradewind_lifecycle.lineage.noticed import How, Impact
from tradewind_lifecycle.lineage.things import Lineage

MOST = 500
"""Arrows that Mermaid draws as it comes (its ``maxEdges``)."""
_ARROWS: Mapping[How | None, str] = {None: "-->", "value": "-->", "condition": "-.->", "rows": "-.->"}


def flowchart(labels: Mapping[str, str], arrows: Iterable[tuple[str, str, How | None]], about: str = "") -> str:
    """A chart from left to right: ``labels`` of the nodes by their key, ``arrows`` (from, to, how); ``about`` becomes a comment on top."""
    ids = {key: f"n{number}" for number, key in enumerate(labels)}
    lines = ["flowchart LR"]
    lines += [f"    %% {line}" for line in about.splitlines()]
    lines += [f'    {ids[key]}["{escaped(label)}"]' for key, label in labels.items()]
    for source, target, how in arrows:
        said = f"|{how}| " if how in ("condition", "rows") else " "
        lines.append(f"    {ids[source]} {_ARROWS[how]}{said}{ids[target]}")
    return "\n".join(lines) + "\n"


def escaped(text: str) -> str:
    """Text that stands between quotes in a chart: what could end it, or be read as markup, as Mermaid's entity codes."""
    codes = {
        "#": "#35;",
        "%": "#37;",
        '"': "#quot;",
        "<": "#lt;",
        ">": "#gt;",
        "`": "#96;",
        "\\": "#92;",
        "&": "#amp;",
        "\n": " ",
        "\r": " ",
    }
    return "".join(codes.get(letter, letter) for letter in text)


def lineage_chart(lineage: Lineage) -> str:
    """The chart of a version's lineage as it is given; fold it before for one that can be read."""
    labels = {thing.id: f"{thing.kind}: {thing.name}" for thing in lineage.things}
    return flowchart(labels, [(link.source, link.target, link.how) for link in lineage.links], "\n".join((lineage.said, *lineage.notes)))


def impact_chart(impact: Impact) -> str:
    """The chart of an impact: from what was asked about by views and models to what follows them."""
    labels = {"asked": impact.asked}
    arrows: dict[tuple[str, str], How | None] = {}
    for view in impact.views:
        labels[f"view:{view.name}"] = f"{view.name}: {len(view.features)} of {view.features_count} features"
        arrows["asked", f"view:{view.name}"] = view.how
    for version in impact.versions:
        labels[f"version:{version.reference}"] = f"{version.reference} ({', '.join(version.aliases)} of {version.world})"
        read = {feature.column.partition("__")[0] for feature in version.features if "__" in feature.column}
        for view in impact.views:
            if view.name in read:
                arrows[f"view:{view.name}", f"version:{version.reference}"] = None
        own = [*version.label, *version.others, *(feature for feature in version.features if "__" not in feature.column)]
        if own:
            labels["label"] = "label and training rows"
            arrows["asked", "label"] = own[0].how
            arrows["label", f"version:{version.reference}"] = None
    for reader in (*impact.services, *impact.nightly):
        labels[f"reader:{reader.name}"] = reader.name if "/" in reader.name else f"service {reader.name}"
        arrows[f"version:{reader.version}", f"reader:{reader.name}"] = None
    return flowchart(labels, [(source, target, how) for (source, target), how in arrows.items()], "\n".join((impact.said, *impact.notes)))
