"""The contract of a bundle: what a predictor expects, in which order, and the proof that it answers as it did."""

import datetime as dt
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from tradewind_contracts.errors import IntegrityError
from tradewind_contracts.files import write_text

CONTRACT = "contract.json"
GOLDEN_ROWS = "golden_rows.json"
REQUEST = "request"
"""The view of a field that the caller sends."""


class FeatureField(BaseModel):
    """One entry of a model's input vector.

    ``view`` is the feature view that it comes from, or ``request`` (sent by the caller), or the name of an on-demand
    view. ``dtype`` is ``float64``, ``int64`` or ``string``.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    view: str
    name: str
    dtype: str = "float64"

    @property
    def reference(self) -> str:
        """Feast's name of the feature: ``view:name``."""
        return f"{self.view}:{self.name}"

    @property
    def column(self) -> str:
        """Its column in training sets and vectors: ``view__name`` (Feast's full name); what the caller sends keeps its plain name."""
        return self.name if self.view == REQUEST else f"{self.view}__{self.name}"


class BundleContract(BaseModel):
    """``contract.json``: everything about a model that is not its weights."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    family: str
    schema_version: int = 1
    feature_service: str
    features: list[FeatureField]
    quantiles: list[float]
    vocabularies: dict[str, list[str]] = {}
    """For each categorical feature, its known values in code order; a value outside of them is unknown (-1)."""
    as_of: dt.datetime
    parameters: dict[str, object] = {}
    files: list[str]
    """The other files of the bundle, relative to its folder."""

    def write(self, folder: Path) -> None:
        """Write ``contract.json`` into ``folder``."""
        write_text(folder / CONTRACT, self.model_dump_json(indent=2) + "\n")

    @classmethod
    def read(cls, folder: Path) -> "BundleContract":
        """The contract in ``folder``.

        Raises:
            IntegrityError: it is absent, or not a contract.
        """
        path = folder / CONTRACT
        try:
            return cls.model_validate_json(path.read_text(encoding="utf-8"))
        except FileNotFoundError as error:
            raise IntegrityError(f"{path}: absent; a bundle has its contract") from error
        except ValidationError as error:
            raise IntegrityError(f"{path}: not a bundle contract ({error.errors()[0]['msg']})") from error
