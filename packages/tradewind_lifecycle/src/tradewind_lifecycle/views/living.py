"""Who still needs which definition of a feature view, by what it was trained on: the models that aliases of the world name, and those
that a rollback of an alias would return to. At three in the morning nobody trains anew.
"""

import contextlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from tradewind_contracts.errors import NotFoundError
from tradewind_contracts.settings import Settings
from tradewind_registry import moves
from tradewind_registry.client import RegistryClient


@dataclass(frozen=True, order=True)
class Need:
    """A living model: its version and the alias that names it, or ``rollback of <alias>``."""

    reference: str
    alias: str

    def __str__(self) -> str:
        return f"{self.reference} ({self.alias})"


Needs = Mapping[str, Mapping[str, tuple[Need, ...]]]
"""By view (the name it had when the model was trained), by digest of its spec: who needs it. On-demand views are among them."""


def living_needs(settings: Settings) -> Needs:
    """What the aliases of the settings' world and their next rollbacks need; nothing where no model was ever registered.

    Raises:
        StateError: there is a registry and it can't be read: then nobody knows what is needed.
    """
    client = RegistryClient.open_if_any(settings)
    if client is None:
        return {}
    needs: dict[str, dict[str, list[Need]]] = {}
    with client:
        for model in client.models():
            for number, alias in _living(client, model):
                version = client.resolve(f"{model}@{number}")
                for view, digest in version.view_specs.items():
                    needs.setdefault(view, {}).setdefault(digest, []).append(Need(version.reference, alias))
    return {view: {digest: tuple(sorted(who)) for digest, who in digests.items()} for view, digests in needs.items()}


def _living(client: RegistryClient, model: str) -> Iterator[tuple[int, str]]:
    for alias, number in client.aliases(model).items():
        yield number, alias
        with contextlib.suppress(NotFoundError):  # it has pointed to one version from the start
            yield moves.previous(client.history(model, alias), model, alias)[1], f"rollback of {alias}"
