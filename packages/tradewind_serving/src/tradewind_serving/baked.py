"""The version that was baked into a Bento: its bundle, and a note of which version it is."""

from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from tradewind_contracts.errors import IntegrityError
from tradewind_serving.answers import ServedVersion
from tradewind_serving.proving import Sealed

NOTE = "version.json"
BUNDLE = "bundle"


class BakedNote(BaseModel):
    """Which version the folder ``bundle`` beside this note is; ``tradewind_lifecycle.bento`` writes it."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    model: str
    number: int
    digest: str
    world: str
    view_specs: dict[str, str] = {}
    """View → digest of the definition that it was trained on; empty in a Bento built before they were noted: views go by their names."""


def baked_version(folder: Path, world: str) -> tuple[Path, Sealed] | None:
    """The baked bundle's folder and version; None where nothing was baked for ``world`` (a service that runs from the repository,
    or over another world than its Bento was built for).

    Raises:
        IntegrityError: the note can't be read.
    """
    note = folder / NOTE
    if not note.exists():
        return None
    try:
        said = BakedNote.model_validate_json(note.read_text(encoding="utf-8"))
    except ValidationError as error:
        raise IntegrityError(f"{note}: not the note of a baked version ({error.errors()[0]['msg']}); build the Bento again") from error
    if said.world != world:
        return None
    version = ServedVersion(name=said.model, number=said.number, digest=said.digest, source="baked")
    return folder / BUNDLE, Sealed(version, said.view_specs)
