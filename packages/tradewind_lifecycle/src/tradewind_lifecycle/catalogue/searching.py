"""Finding views and features by words: in their names, descriptions, landing columns and owners."""

import difflib
import re
from collections.abc import Mapping
from dataclasses import dataclass

from tradewind_lifecycle.catalogue.declared import Catalogue, Feature, View
from tradewind_lifecycle.catalogue.origins import origins

WEIGHTS: Mapping[str, float] = {"name": 4.0, "meaning": 2.0, "view": 1.5, "made of": 1.5, "owner": 1.0, "chosen by": 0.5}
"""What a word counts for by where it is found. Chosen: a name says more than a description, and that more than a source column."""
_NEAR = 0.82
"""Likeness (difflib's ratio) from which another word counts, at half. Chosen: ``reveiw`` finds ``review``, ``state`` doesn't find ``stale``."""


@dataclass(frozen=True)
class Found:
    """A view, or one of its features, with the places where the words were found; ``score`` orders them."""

    view: View
    feature: Feature | None
    score: float
    places: tuple[str, ...]

    @property
    def reference(self) -> str:
        """What `show` takes."""
        return self.feature.reference if self.feature else self.view.name


def search(catalogue: Catalogue, words: str) -> list[Found]:
    """What has all of ``words`` somewhere, the best first; words are found by their beginning, case and order play no part."""
    wanted = _words(words)
    found = [_judged(view, None, _view_texts(view), wanted) for view in catalogue.views]
    for view in catalogue.views:
        found += [_judged(view, feature, _feature_texts(catalogue, view, feature), wanted) for feature in view.features]
    return sorted((each for each in found if each is not None), key=lambda each: (-each.score, each.reference))


def _judged(view: View, feature: Feature | None, texts: Mapping[str, str], wanted: list[str]) -> Found | None:
    score, places = 0.0, []
    there = {place: _words(text) for place, text in texts.items()}
    for word in wanted:
        worth = {place: WEIGHTS[place] * likeness for place, words in there.items() if (likeness := _likeness(word, words))}
        if not worth:
            return None
        score += max(worth.values()) + 0.1 * sum(worth.values())
        places.append(max(worth, key=lambda place: worth[place]))
    if not wanted or (feature is not None and set(places) == {"view"}):
        # Of a view that has all the words, the view itself is what was looked for.
        return None
    return Found(view, feature, score, tuple(dict.fromkeys(places)))


def _likeness(word: str, words: list[str]) -> float:
    """1 for the word itself, less for one that begins with it, half for one that is nearly it."""
    if word in words:
        return 1.0
    if any(other.startswith(word) for other in words if len(word) > 2):
        return 0.8
    return 0.5 if difflib.get_close_matches(word, words, n=1, cutoff=_NEAR) else 0.0


def _view_texts(view: View) -> dict[str, str]:
    tags = " ".join(value for name, value in view.tags.items() if name != "model")
    return {
        "name": f"{view.name} {view.model}",
        "meaning": f"{view.description} {view.grain} {tags}",
        "view": view.entity,
        "owner": view.owner,
    }


def _feature_texts(catalogue: Catalogue, view: View, feature: Feature) -> dict[str, str]:
    made = origins(catalogue, view, feature)
    return {
        "name": feature.name,
        "meaning": feature.description,
        "view": f"{view.name} {view.entity}",
        "made of": " ".join((*made.values, *made.counted)) if made else "",
        "chosen by": " ".join(made.conditions) if made else "",
    }


def _words(text: str) -> list[str]:
    return re.findall(r"[a-z0-9]+", text.lower())
