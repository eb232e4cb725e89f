"""The records of a version's lineage: things and the links between them, as they go to the tree, to Mermaid, to JSON and back."""

from collections import deque
from collections.abc import Iterable, Mapping
from functools import cached_property

from pydantic import BaseModel, ConfigDict

from tradewind_lifecycle.lineage.graph import Use
from tradewind_lifecycle.lineage.noticed import How, how
from tradewind_lifecycle.lineage.ways import ways_along

Fact = str | int | float | bool | None
LANDED = "landing table"
"""The kind of things that a folded lineage ends with."""


class Thing(BaseModel):
    """Something in a lineage: ``id`` is unique, ``kind`` in words (``feature view``), ``facts`` what is known of it, plain values."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str
    kind: str
    name: str
    facts: dict[str, Fact] = {}


class Link(BaseModel):
    """``target`` is made of ``source``, or follows it; ``how`` the source is used, empty where it is taken whole."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    source: str
    target: str
    how: How | None = None


class Lineage(BaseModel):
    """All that a version (``root``) is made of, back to the files that landed, and what follows it.

    ``said``: where the columns' graph is from; ``notes``: what is not known, or differs from what is shown.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    root: str
    world: str
    things: tuple[Thing, ...]
    links: tuple[Link, ...]
    said: str
    notes: tuple[str, ...] = ()

    @cached_property
    def by_id(self) -> dict[str, Thing]:
        """Each thing by its id."""
        return {thing.id: thing for thing in self.things}

    @cached_property
    def made_of(self) -> dict[str, dict[str, How | None]]:
        """By target: its sources, in order."""
        found: dict[str, dict[str, How | None]] = {}
        for link in self.links:
            found.setdefault(link.target, {})[link.source] = link.how
        return found

    @cached_property
    def followed_by(self) -> dict[str, dict[str, How | None]]:
        """By source: its targets, in order."""
        found: dict[str, dict[str, How | None]] = {}
        for link in self.links:
            found.setdefault(link.source, {})[link.target] = link.how
        return found

    def steps_up(self) -> dict[str, int]:
        """Every thing that the root is made of, and how many steps back it is; the root itself at 0."""
        return _steps({target: list(sources) for target, sources in self.made_of.items()}, self.root)

    def steps_down(self) -> dict[str, int]:
        """Every thing that follows the root, and after how many steps; the root itself at 0."""
        return _steps({source: list(targets) for source, targets in self.followed_by.items()}, self.root)

    def landed_under(self, thing: str) -> dict[str, How]:
        """The landing tables that a thing is made of, and how."""
        uses: dict[str, dict[str, Use]] = self._uses
        ways = ways_along(uses, [thing])
        return {name: how(use) for name, use in ways.uses.items() if self.by_id[name].kind == LANDED}

    @cached_property
    def _uses(self) -> dict[str, dict[str, Use]]:
        return {target: {s: Use[(said or "value").upper()] for s, said in sources.items()} for target, sources in self.made_of.items()}

    def folded(self, depth: int) -> "Lineage":
        """The lineage with what is further back than ``depth`` steps folded: what stands there is said to be made of landing tables."""
        up, down = self.steps_up(), self.steps_down()
        kept = {thing for thing, steps in up.items() if steps <= depth} | set(down)
        edge = [thing for thing in kept if up.get(thing) == depth and any(source not in kept for source in self.made_of.get(thing, {}))]
        links = [link for link in self.links if link.source in kept and link.target in kept]
        for thing in sorted(edge):
            found = self.landed_under(thing)
            links += [Link(source=table, target=thing, how=said) for table, said in sorted(found.items()) if table not in kept]
        landed = {link.source for link in links} - kept
        links += [link for link in self.links if link.target in landed]
        kept |= landed | {link.source for link in links if link.target in landed}
        things = tuple(thing for thing in self.things if thing.id in kept)
        return self.model_copy(update={"things": things, "links": tuple(dict.fromkeys(links))})

    def without(self, kinds: Iterable[str]) -> "Lineage":
        """The lineage without things of ``kinds``."""
        left_out = set(kinds)
        kept = {thing.id for thing in self.things if thing.kind not in left_out}
        things = tuple(thing for thing in self.things if thing.id in kept)
        return self.model_copy(
            update={"things": things, "links": tuple(link for link in self.links if link.source in kept and link.target in kept)}
        )


def _steps(ahead: Mapping[str, list[str]], start: str) -> dict[str, int]:
    found = {start: 0}
    waiting = deque([start])
    while waiting:
        thing = waiting.popleft()
        for other in ahead.get(thing, ()):
            if other not in found:
                found[other] = found[thing] + 1
                waiting.append(other)
    return found
