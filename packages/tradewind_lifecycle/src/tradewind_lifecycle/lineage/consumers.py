"""Who reads: the model registry's versions, with what lineage needs of each."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from tradewind_contracts.settings import Settings
from tradewind_registry.client import RegistryClient
from tradewind_registry.records import Version


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


LOOKED_AT = 200
"""Versions of a model without an alias that are read, the newest. Chosen: nobody asks for older ones, and a row takes milliseconds."""


@dataclass(frozen=True)
class Consumers:
    """The versions of all worlds, those that an alias names first, then the newest first; ``unread``: older ones without an alias."""

    versions: tuple[Consumer, ...]
    unread: int = 0


def consumers(settings: Settings) -> Consumers | None:
    """The versions in the registry that may notice something; None where there is no registry.

    Raises:
        StateError: there is a registry and it can't be read.
    """
    client = RegistryClient.open_if_any(settings)
    if client is None:
        return None
    found: list[Consumer] = []
    unread = 0
    with client:
        for model in client.models():
            summaries = client.summaries(model)
            living = [each for each in summaries if each.aliases]
            others = [each for each in summaries if not each.aliases]
            unread += max(len(others) - LOOKED_AT, 0)
            found += [_consumer(client.resolve(each.reference), each.aliases) for each in (*living, *others[:LOOKED_AT])]
    return Consumers(tuple(sorted(found, key=lambda consumer: not consumer.aliases)), unread)


def _consumer(version: Version, aliases: Iterable[str]) -> Consumer:
    return Consumer(
        reference=version.reference,
        model=version.model,
        world=version.world,
        aliases=tuple(sorted(aliases)),
        feature_service=version.feature_service,
        training_set=version.training_set_digest,
        importance=dict(version.importance),
        view_specs=dict(version.view_specs),
    )


def fields_of(read: Iterable[Consumer]) -> list[str]:
    """The fields of requests that any of the versions takes as they are, in order."""
    return list(dict.fromkeys(field for consumer in read for field in consumer.fields))
