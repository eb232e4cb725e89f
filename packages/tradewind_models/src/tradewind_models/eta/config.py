"""The knobs of the ETA family. Every default was chosen on as_of 2017-07 … 2018-03 of the public Olist data."""

from pydantic import BaseModel, ConfigDict, model_validator

from tradewind_contracts.bundle import FeatureField
from tradewind_models.eta.features import FEATURES, SCALE_FEATURES, SERVICE

QUANTILES = (0.1, 0.5, 0.9)
"""Of days from purchase to delivery, in the order of every answer: p10, p50, p90."""


class TreesConfig(BaseModel):
    """LightGBM's knobs, the same for each quantile (Ke et al. 2017, "LightGBM", NeurIPS)."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    rounds: int = 150
    num_leaves: int = 15
    learning_rate: float = 0.07
    min_data_in_leaf: int = 50
    feature_fraction: float = 0.6
    bagging_fraction: float = 0.8
    lambda_l2: float = 5.0


class CensoringConfig(BaseModel):
    """Inverse probability of censoring weights for parcels ordered in the last ``window_days`` before the fit."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    enabled: bool = True
    window_days: float = 42.0
    """Chosen: nearly all parcels arrive within six weeks, so that older orders need no weight."""
    floor: float = 0.05
    """Smallest probability that is divided by: no parcel counts for more than twenty."""


class LevelConfig(BaseModel):
    """The network's speed by order day, which the trees' target is divided by.

    Without it the trees learn the days by whatever tells them apart, and of the newest days only the fast parcels are
    known. ``window_days`` ahead of the order day are looked at, never beyond the fit's instant; at the end of the data
    at least ``least_days``.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    enabled: bool = True
    window_days: int = 14
    least_days: int = 7
    scale_features: tuple[str, ...] = SCALE_FEATURES
    """Columns of the small first model that makes parcels comparable: what no calendar day can be read from."""
    scale_rounds: int = 60


class CalibrationConfig(BaseModel):
    """The one rule by which the answer follows each day, for all months.

    Factor of quantile a at day t, with C(w, q) the q-quantile of the period life table (durations divided by the frozen
    trees' quantile a) of the w days before t::

        C(shape, level_a) * (C(level, 0.5) / C(shape, 0.5)) ** level_share * flow(t) ** flow_exponent

    ``flow`` is parcels handed over divided by parcels delivered in the ``flow_days`` before t: above one the network fills.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    enabled: bool = True
    levels: tuple[float, ...] = QUANTILES
    shape_window_days: int = 91
    level_window_days: int = 14
    level_share: float = 0.8
    flow_days: int = 14
    flow_exponent: float = 0.4
    least_events: int = 50
    """Windows with fewer deliveries say nothing: the factor stays 1."""


class EtaConfig(BaseModel):
    """All that decides a fit besides the rows."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    service: str = SERVICE
    features: tuple[FeatureField, ...] = FEATURES
    quantiles: tuple[float, ...] = QUANTILES
    trees: TreesConfig = TreesConfig()
    censoring: CensoringConfig = CensoringConfig()
    level: LevelConfig = LevelConfig()
    calibration: CalibrationConfig = CalibrationConfig()
    cold_share: float = 0.06
    """Share of training rows that lose one whole view (every eighth of them all views), so that cold rows are learnt."""
    least_category_rows: int = 30
    """Categories with fewer training rows are unknown to the model."""
    shortest_days: float = 0.3
    """Durations are raised to this before the logarithm: chosen, below the fastest honest delivery."""
    folds: int = 2
    """Each quantile has this many tree ensembles, each blind to one fold; the answer is their geometric mean. Delivered
    history is standardised by the ensembles blind to it: durations divided by what was fitted to them look too regular."""
    seed: int = 7

    @model_validator(mode="after")
    def _consistent(self) -> "EtaConfig":
        columns = {field.column for field in self.features}
        if len(columns) != len(self.features):
            raise ValueError("a feature is named twice")
        missing = [name for name in self.level.scale_features if name not in columns]
        if missing:
            raise ValueError(f"scale_features {missing} are not among the features")
        if self.folds < 1:
            raise ValueError("folds is at least 1")
        if list(self.quantiles) != sorted(set(self.quantiles)) or len(self.calibration.levels) != len(self.quantiles):
            raise ValueError("quantiles ascend, each with its calibration level")
        return self

    @property
    def median_index(self) -> int:
        """Position of the median among the quantiles."""
        return self.quantiles.index(0.5)
