"""Feast's registry in one file, written atomically: Feast's own store empties the file before it writes, so a kill would lose it.

``registry_store_type: tradewind_features.registry_file.AtomicFileRegistryStore`` under ``registry:`` in ``feature_store.yaml``.
"""

import uuid
from typing import Any

from feast.infra.registry.file import FileRegistryStore
from google.protobuf.message import DecodeError  # type: ignore[import-untyped]  # protobuf ships no types

from tradewind_contracts.errors import IntegrityError
from tradewind_contracts.files import atomic_file
from tradewind_contracts.instants import Clock


class AtomicFileRegistryStore(FileRegistryStore):  # type: ignore[misc]  # Feast ships no types
    """Feast's file registry; a reader finds the registry before or after a write, never a part of it."""

    def get_registry_proto(self) -> Any:
        """The registry.

        Raises:
            FileNotFoundError: there is none yet (Feast then makes one).
            IntegrityError: the file is not a registry.
        """
        try:
            return super().get_registry_proto()
        except DecodeError as error:
            raise IntegrityError(
                f"{self._filepath}: not a Feast registry ({error}); move it away and apply again (`feast apply`), which writes it anew"
            ) from error

    def _write_registry(self, registry_proto: Any) -> None:
        registry_proto.version_id = str(uuid.uuid4())  # Feast's caches go by it
        registry_proto.last_updated.FromDatetime(Clock().now())
        with atomic_file(self._filepath) as partial:
            partial.write_bytes(registry_proto.SerializeToString())
