"""The third verb: the model as open files (LightGBM text and JSON), with golden rows as proof. Never pickle."""

import datetime as dt
import json
from pathlib import Path
from typing import Any

import numpy as np

from tradewind_contracts.bundle import GOLDEN_ROWS, BundleContract
from tradewind_contracts.files import write_text
from tradewind_models.eta.calibration import CalibrationTable
from tradewind_models.eta.config import EtaConfig
from tradewind_models.eta.frame import Columns
from tradewind_models.eta.model import EtaModel
from tradewind_models.eta.predictor import FAMILY, golden_columns, load, tree_file


def bundle(model: EtaModel, folder: Path) -> None:
    """Write ``model`` into ``folder`` (which exists): contract.json, golden rows, one text file per quantile and fold.

    Equal models give equal bytes.
    """
    config = model.config
    names = []
    for quantile, ensemble in zip(config.quantiles, model.ensembles, strict=True):
        for fold, booster in enumerate(ensemble):
            names.append(tree_file(quantile, fold))
            write_text(folder / names[-1], booster.model_to_string())
    BundleContract(
        family=FAMILY,
        feature_service=config.service,
        features=list(config.features),
        quantiles=list(config.quantiles),
        vocabularies={name: list(values) for name, values in model.vocabularies.items()},
        as_of=_instant(model.fitted_at),
        parameters={"config": config.model_dump(mode="json"), "calibration": _calibration(model.calibration)},
        files=[GOLDEN_ROWS, *names],
    ).write(folder)
    golden = {"columns": _json_columns(model.golden), "quantile_days": model.predict(model.golden).tolist()}
    write_text(folder / GOLDEN_ROWS, json.dumps(golden, indent=1, sort_keys=True, allow_nan=False) + "\n")


def read(folder: Path) -> EtaModel:
    """The model of a bundle again, to evaluate it or to recalibrate it; answers are as the predictor's.

    Raises:
        IntegrityError: the bundle is not what it was (see ``predictor.load``).
    """
    predictor = load(folder)
    parameters: dict[str, Any] = predictor.contract.parameters
    table = dict(parameters["calibration"])
    table["factors"] = tuple(table["factors"])
    return EtaModel(
        config=EtaConfig.model_validate(parameters["config"]),
        vocabularies={name: tuple(values) for name, values in predictor.contract.vocabularies.items()},
        ensembles=predictor.ensembles,
        fitted_at=np.datetime64(predictor.contract.as_of.replace(tzinfo=None), "us"),
        calibration=CalibrationTable(**{name: table[name] for name in ("day", "factors", "events", "flow")}),
        golden=golden_columns(folder),
    )


def _calibration(table: CalibrationTable) -> dict[str, object]:
    return {
        "day": table.day,
        "at": f"{table.at}Z",
        "factors": [float(factor) for factor in table.factors],
        "events": float(table.events),
        "flow": float(table.flow),
    }


def _instant(value: np.datetime64) -> dt.datetime:
    instant: dt.datetime = value.astype("datetime64[us]").item()
    return instant.replace(tzinfo=dt.UTC)


def _json_columns(columns: Columns) -> dict[str, list[float | str | None]]:
    return {name: [None if value is None or value != value else value for value in values.tolist()] for name, values in columns.items()}
