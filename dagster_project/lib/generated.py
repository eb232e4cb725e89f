"""What the graph knows of feature views and gates without importing Feast or a model: files that are generated from them."""

import functools
import json
from pathlib import Path
from typing import Any

GENERATED = Path(__file__).resolve().parents[1] / "generated"
FAMILY = "eta"
SERVICE = "eta_v1"


@functools.cache
def views() -> list[dict[str, Any]]:
    """The feature views: name, dbt model, entity, ttl, description, owner, columns."""
    found: list[dict[str, Any]] = _read("feature_views.json")["views"]
    return found


@functools.cache
def on_demand_views() -> list[dict[str, Any]]:
    """The views that are computed at request time."""
    found: list[dict[str, Any]] = _read("feature_views.json")["on_demand_views"]
    return found


def service_views(service: str = SERVICE) -> list[str]:
    """The names of the views in a feature service."""
    services = {item["name"]: item for item in _read("feature_views.json")["services"]}
    found: list[str] = services[service]["views"]
    return found


@functools.cache
def gates(family: str = FAMILY) -> list[dict[str, str]]:
    """The gates of a family: name and claim."""
    found: list[dict[str, str]] = _read("gates.json")[family]
    return found


@functools.cache
def monitors(family: str = FAMILY) -> list[dict[str, str]]:
    """The monitors of a family: name, claim, and whether they are ``of`` drift or live errors."""
    found: list[dict[str, str]] = _read("monitors.json")[family]
    return found


def _read(name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((GENERATED / name).read_text(encoding="utf-8"))
    return found
