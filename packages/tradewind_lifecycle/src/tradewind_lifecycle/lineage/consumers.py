"""Who reads: the model registry's versions, with what lineage needs of each."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from tradewind_contracts.settings import Settings
from tradewind_registry.client import RegistryClient


@dataclass(frozen=True)
class Consumer:
    """One version of a model: its world, the aliases of that world that name it, and what it was made of.

    ``importance``: by column of its vector (``view__feature``, or a field of the request), share of the gain, 0 to 1.
    ``view_specs``: digest of each view's definition as it was then.
    """

    reference: str
    model: str
    world: str
    aliases: tuple[str, ...]
    feature_service: str
    training_set: str
    importance: Mapping[str, float]
    view_specs: Mapping[str, str]

    @property
    def fields(self) -> list[str]:
        """The columns of its vector that a caller gives, and training takes from the label's table."""
        return [column for column in self.importance if "__" not in column]


def consumers(settings: Settings) -> list[Consumer] | None:
    """Every version in the registry, of all worlds: those that an alias names first, then the newest first; None where there is no registry.

    Raises:
        StateError: there is a registry and it can't be read.
    """
    client = RegistryClient.open_if_any(settings)
    if client is None:
        return None
    found: list[Consumer] = []
    with client:
        for model in client.models():
            versions = client.versions(model)
            aliases = {world: client.aliases(model, world) for world in {version.world for version in versions}}
            found += [
                Consumer(
                    reference=version.reference,
                    model=model,
                    world=version.world,
                    aliases=tuple(sorted(alias for alias, number in aliases[version.world].items() if number == version.number)),
                    feature_service=version.feature_service,
                    training_set=version.training_set_digest,
                    importance=dict(version.importance),
                    view_specs=dict(version.view_specs),
                )
                for version in reversed(versions)
            ]
    return sorted(found, key=lambda consumer: not consumer.aliases)


def fields_of(read: Iterable[Consumer]) -> list[str]:
    """The fields of requests that any of the versions takes as they are, in order."""
    return list(dict.fromkeys(field for consumer in read for field in consumer.fields))
