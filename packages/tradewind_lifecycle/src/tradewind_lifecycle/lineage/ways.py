"""What a column reaches, or is made of, and one way there: what a person follows to see why."""

from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from tradewind_lifecycle.lineage.graph import ColumnGraph, Use


@dataclass(frozen=True)
class Ways:
    """The columns that ``starts`` lead to, by name: how each is reached (the best of all ways), and a way of just that use.

    The starts themselves are left out, even where one leads to another.
    """

    starts: tuple[str, ...]
    uses: Mapping[str, Use]
    _before: Mapping[str, str]

    def way(self, node: str) -> tuple[str, ...]:
        """The columns from a start to ``node``, both among them; a start alone is its own way."""
        found = [node]
        while (before := self._before.get(found[-1])) is not None:
            found.append(before)
        return tuple(reversed(found))

    def use(self, node: str) -> Use | None:
        """How ``node`` is reached; a start by its value; None where it is not."""
        return Use.VALUE if node in self.starts else self.uses.get(node)


def downstream(graph: ColumnGraph, starts: Iterable[str]) -> Ways:
    """All that is made of ``starts``."""
    return ways_along(graph.outputs, starts)


def upstream(graph: ColumnGraph, starts: Iterable[str]) -> Ways:
    """All that ``starts`` are made of; a way begins at the start."""
    return ways_along(graph.inputs, starts)


def ways_along(steps: Mapping[str, Mapping[str, Use]], starts: Iterable[str]) -> Ways:
    """All that ``steps`` lead to from ``starts``: ``steps[node][other]`` is how the one is used for the other."""
    first = tuple(dict.fromkeys(starts))
    uses: dict[str, Use] = {}
    before: dict[str, str] = {}
    for least in reversed(Use):
        # Over steps of at least this use, breadth first: what is found now and was not before is reached by just this use.
        waiting, seen = deque(first), set(first)
        while waiting:
            node = waiting.popleft()
            for other in (name for name, use in steps.get(node, {}).items() if use >= least and name not in seen):
                seen.add(other)
                waiting.append(other)
                if other not in uses:
                    uses[other], before[other] = least, node
    return Ways(first, uses, before)
