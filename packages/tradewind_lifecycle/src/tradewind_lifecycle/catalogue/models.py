"""Which models use a view or a feature, and how much it means to them: what the registry's versions say of their inputs."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from tradewind_contracts.settings import Settings
from tradewind_registry.client import RegistryClient


@dataclass(frozen=True)
class ModelVersion:
    """One version of a model: the world that it was made in, the aliases of that world which name it, and what it reads.

    ``importance``: by column of the training set (``view__feature``, or a field of the request), share of the total gain, 0 to 1.
    ``view_specs``: digest of each view's spec as it was when the version was trained.
    """

    reference: str
    world: str
    aliases: tuple[str, ...]
    feature_service: str
    importance: dict[str, float]
    view_specs: dict[str, str]

    @property
    def is_living(self) -> bool:
        """Whether an alias names it."""
        return bool(self.aliases)

    @property
    def title(self) -> str:
        """Its name with its aliases, such as ``eta@1 (champion of olist)``."""
        return f"{self.reference} ({', '.join(self.aliases) or 'no alias'} of {self.world})"

    def share_of(self, view: str) -> float | None:
        """The importance of all features of ``view`` together; None where it takes none of them."""
        shares = [share for column, share in self.importance.items() if column.startswith(f"{view}__")]
        return sum(shares) if shares else None


def model_versions(settings: Settings) -> list[ModelVersion]:
    """Every version in the registry, of all worlds, the newest first; none where nothing was ever registered.

    Raises:
        StateError: there is a registry and it can't be read.
    """
    client = RegistryClient.open_if_any(settings)
    if client is None:
        return []
    with client:
        found = []
        for model in client.models():
            versions = client.versions(model)
            aliases = {world: client.aliases(model, world) for world in {version.world for version in versions}}
            found += [_version(version, aliases[version.world]) for version in reversed(versions)]
    return found


def importance_of(view: str, versions: Iterable[ModelVersion], world: str) -> float | None:
    """What a view means to the living models of ``world``: the greatest share that one of them gives it; None where none takes it."""
    shares = [version.share_of(view) for version in versions if version.is_living and version.world == world]
    return max((share for share in shares if share is not None), default=None)


def _version(version: Any, aliases: dict[str, int]) -> ModelVersion:
    return ModelVersion(
        reference=version.reference,
        world=version.world,
        aliases=tuple(sorted(alias for alias, number in aliases.items() if number == version.number)),
        feature_service=version.feature_service,
        importance=dict(version.importance),
        view_specs=dict(version.view_specs),
    )
