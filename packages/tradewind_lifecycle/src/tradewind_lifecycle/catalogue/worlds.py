"""The whole catalogue of one world: what is declared, what was measured there, and which models use it."""

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tradewind_contracts.errors import StateError
from tradewind_contracts.instants import iso
from tradewind_contracts.settings import Settings
from tradewind_contracts.world import World
from tradewind_features.online.backend import Standing
from tradewind_lifecycle.catalogue.declared import Catalogue, Feature, View, read_catalogue
from tradewind_lifecycle.catalogue.measured import MeasuredView, measured, online_standing
from tradewind_lifecycle.catalogue.models import ModelVersion, importance_of, model_versions
from tradewind_lifecycle.catalogue.origins import origins


@dataclass(frozen=True)
class WorldCatalogue:
    """The catalogue as seen in ``world``; ``now`` is its clock, None where no such world has landed yet.

    ``online_problem``: why the online store can't be read; empty where it can, or where there is none.
    """

    catalogue: Catalogue
    world: str
    now: dt.datetime | None
    measured: Mapping[str, MeasuredView]
    versions: Sequence[ModelVersion]
    online_problem: str = ""

    @property
    def why_unmeasured(self) -> str:
        """Why nothing is measured; empty where something is."""
        if self.measured:
            return ""
        what = "nothing is published yet" if self.now else "no such world has landed yet"
        return f"world {self.world}: {what}, so this is what is declared and nothing is measured; `make run` fills it"

    @property
    def living(self) -> list[ModelVersion]:
        """The versions that an alias of this world names."""
        return [version for version in self.versions if version.is_living and version.world == self.world]

    def importance(self, view: View) -> float | None:
        """The greatest share that a living model of this world gives to a view; None where none takes it."""
        return importance_of(view.name, self.versions, self.world)

    def to_json(self, view: View) -> dict[str, Any]:
        """All that is known of a view, as plain JSON."""
        return {
            "view": view.name,
            "entity": view.entity,
            "join_key": view.join_key,
            "ttl_hours": view.ttl_hours,
            "description": view.description,
            "grain": view.grain,
            "owner": view.owner,
            "tags": dict(view.tags),
            "dbt_model": view.model,
            "feature_services": list(view.services),
            "reads_views": list(view.inputs),
            "read_by_views": self.catalogue.readers(view),
            "world": self.world,
            "now": iso(self.now) if self.now else None,
            "importance": self.importance(view),
            "models": [
                {"version": v.reference, "world": v.world, "aliases": list(v.aliases), "importance": v.share_of(view.name)}
                for v in self.versions
                if view.name in v.view_specs
            ],
            "measured": self._measured_json(view),
            "features": [self._feature_json(view, feature) for feature in view.features],
        }

    def _measured_json(self, view: View) -> dict[str, Any] | None:
        found = self.measured.get(view.name)
        if found is None:
            return None
        record = found.materialized
        return {
            "rows": found.rows,
            "bytes": found.bytes,
            "first_at": iso(found.first_at) if found.first_at else None,
            "last_at": iso(found.last_at) if found.last_at else None,
            "visible_rows": found.details.visible if found.details else None,
            "entities": found.details.entities if found.details else None,
            "newest_at": iso(found.newest_at) if found.newest_at else None,
            "age_hours": found.age_hours,
            "is_expired": found.is_expired,
            "build_seconds": found.build_seconds,
            "online": {
                "rows": found.online.rows if found.online else None,
                "newest_at": iso(found.online_newest_at) if found.online_newest_at else None,
                "age_hours": found.online_age_hours,
                "is_behind": found.is_behind,
                "materialized_to": record.to_at if record else None,
                "expired": record.expired if record else None,
                "seconds": record.seconds if record else None,
            },
            "older_versions": list(found.older),
        }

    def _feature_json(self, view: View, feature: Feature) -> dict[str, Any]:
        made, found = origins(self.catalogue, view, feature), self.measured.get(view.name)
        details = found.details if found else None
        return {
            "name": feature.name,
            "type": feature.type,
            "description": feature.description,
            "made_of": list(made.values) if made else None,
            "counts_rows_of": list(made.counted) if made else None,
            "chosen_by": list(made.conditions) if made else None,
            "rows_depend_on": list(made.rows) if made else None,
            "null_share_newest": details.null_newest.get(feature.name) if details else None,
            "null_share": details.null_all.get(feature.name) if details else None,
            "importance": {v.reference: v.importance.get(feature.column) for v in self.living},
        }


def look(settings: Settings, only: View | None = None, *, details: bool = True) -> WorldCatalogue:
    """The catalogue of the world that ``settings`` mean; measures every view, or ``only`` that one, without
    ``details`` only what needs not all rows. Without a world: what is declared.

    Raises:
        StateError: a generated file, the model registry or something published can't be read.
        IntegrityError: what is published is damaged.
    """
    catalogue = read_catalogue()
    file = settings.paths.world_file
    standing: dict[str, Standing] = {}
    problem = ""
    try:
        standing = online_standing(settings)
    except StateError as error:
        # All else can be told without it; what is wrong is said.
        problem = str(error)
    return WorldCatalogue(
        catalogue=catalogue,
        world=settings.world_name,
        now=World.read(file).clock.now() if file.exists() else None,
        measured=measured(settings, catalogue.views if only is None else [only], standing, details=details),
        versions=model_versions(settings),
        online_problem=problem,
    )
