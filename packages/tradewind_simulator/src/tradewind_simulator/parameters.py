"""All parameters of a world, and the presets. Each mechanism's stand in its own module, with their sources."""

import datetime as dt
import math
from collections.abc import Iterator
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from tradewind_contracts.errors import NotFoundError, SettingsError
from tradewind_simulator.dirt import DirtParameters
from tradewind_simulator.eta_law import EtaLawParameters
from tradewind_simulator.mechanisms.commerce.catalogue import CatalogueParameters
from tradewind_simulator.mechanisms.commerce.demand import DemandParameters
from tradewind_simulator.mechanisms.commerce.ordering import OrderingParameters
from tradewind_simulator.mechanisms.commerce.pricing import PricingParameters
from tradewind_simulator.mechanisms.commerce.stock import StockParameters
from tradewind_simulator.mechanisms.commerce.traffic import TrafficParameters
from tradewind_simulator.mechanisms.delivery.claims import ClaimsParameters
from tradewind_simulator.mechanisms.delivery.handling import HandlingParameters
from tradewind_simulator.mechanisms.delivery.last_mile import LastMileParameters
from tradewind_simulator.mechanisms.delivery.promises import PromisesParameters
from tradewind_simulator.mechanisms.delivery.receipt import ReceiptParameters
from tradewind_simulator.mechanisms.delivery.reviews import ReviewsParameters
from tradewind_simulator.mechanisms.growth.creators import CreatorsParameters
from tradewind_simulator.mechanisms.growth.merchants import MerchantsParameters
from tradewind_simulator.mechanisms.places.addresses import AddressesParameters
from tradewind_simulator.mechanisms.places.calendar import CalendarParameters
from tradewind_simulator.mechanisms.places.geography import GeographyParameters
from tradewind_simulator.mechanisms.places.network import NetworkParameters
from tradewind_simulator.mechanisms.places.weather import WeatherParameters
from tradewind_simulator.mechanisms.transport.scans import ScansParameters
from tradewind_simulator.mechanisms.transport.staffing import StaffingParameters
from tradewind_simulator.mechanisms.transport.transport import TransportParameters

COUNTRY, CURRENCY = "BR", "BRL"
MOST_DAYS = 3_650

PRESETS: dict[str, dict[str, Any]] = {
    "tiny": {"days": 60, "orders_per_day": 40.0, "eta_law": {"share": 0.2}},
    "small": {"days": 365, "orders_per_day": 150.0, "eta_law": {"share": 0.1}},
    "large": {"days": 365, "orders_per_day": 2_600.0, "eta_law": {"share": 0.006}},
}
"""For tests; for `make run`, as many orders in a year as Olist had; about a million parcels."""


class Parameters(BaseModel):
    """What a world is a function of, besides the levers and the code. Nothing but the end depends on ``days``."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    seed: int = Field(default=7, ge=0, lt=2**63, description="Seed of all streams.")
    first_day: dt.date = Field(default=dt.date(2024, 1, 1), ge=dt.date(1990, 1, 1), le=dt.date(2040, 1, 1), description="First local day.")
    days: int = Field(default=365, ge=1, le=MOST_DAYS, description="Local days to simulate.")
    orders_per_day: float = Field(default=600.0, ge=5, le=20_000, description="Mean orders of an average day at the start.")
    zone: str = Field(default="America/Sao_Paulo", description="Zone of the world's local days (IANA).")

    geography: GeographyParameters = GeographyParameters()
    calendar: CalendarParameters = CalendarParameters()
    weather: WeatherParameters = WeatherParameters()
    network: NetworkParameters = NetworkParameters()
    addresses: AddressesParameters = AddressesParameters()
    merchants: MerchantsParameters = MerchantsParameters()
    creators: CreatorsParameters = CreatorsParameters()
    catalogue: CatalogueParameters = CatalogueParameters()
    pricing: PricingParameters = PricingParameters()
    traffic: TrafficParameters = TrafficParameters()
    demand: DemandParameters = DemandParameters()
    stock: StockParameters = StockParameters()
    ordering: OrderingParameters = OrderingParameters()
    promises: PromisesParameters = PromisesParameters()
    handling: HandlingParameters = HandlingParameters()
    staffing: StaffingParameters = StaffingParameters()
    transport: TransportParameters = TransportParameters()
    scans: ScansParameters = ScansParameters()
    last_mile: LastMileParameters = LastMileParameters()
    receipt: ReceiptParameters = ReceiptParameters()
    claims: ClaimsParameters = ClaimsParameters()
    reviews: ReviewsParameters = ReviewsParameters()
    dirt: DirtParameters = DirtParameters()
    eta_law: EtaLawParameters = EtaLawParameters()

    @field_validator("zone")
    @classmethod
    def _zone_is_known(cls, zone: str) -> str:
        try:
            ZoneInfo(zone)
        except (ZoneInfoNotFoundError, ValueError) as error:
            raise ValueError(f"no such zone ({error})") from error
        return zone

    @model_validator(mode="after")
    def _numbers_are_finite(self) -> "Parameters":
        # Bounds hold off most, but log odds and the like have none.
        for name, value in _numbers(self):
            if not math.isfinite(value):
                raise ValueError(f"{name} is {value}; expected a finite number")
        return self


def _numbers(model: BaseModel, prefix: str = "") -> Iterator[tuple[str, float]]:
    for name in type(model).model_fields:
        value = getattr(model, name)
        if isinstance(value, BaseModel):
            yield from _numbers(value, f"{prefix}{name}.")
        elif isinstance(value, float):
            yield prefix + name, value


def preset(name: str, **changes: Any) -> Parameters:
    """The preset ``name`` with ``changes`` to it; changes that are None are left out.

    Raises:
        NotFoundError: there is no such preset.
        SettingsError: a value can't be used; the message names the parameter.
    """
    if name not in PRESETS:
        raise NotFoundError(f"no preset {name!r}; there are: {', '.join(PRESETS)}")
    try:
        return Parameters(**{**PRESETS[name], **{key: value for key, value in changes.items() if value is not None}})
    except ValidationError as error:
        first = error.errors()[0]
        where = "".join(f"{part}." for part in first["loc"])[:-1]
        said = first["msg"].removeprefix("Value error, ").replace("Input should be", "expected a value")
        # What is wrong with several together names them; the whole of them would be no help.
        found = "" if isinstance(first["input"], dict | BaseModel) else f" (found: {first['input']!r})"
        raise SettingsError(f"simulate: {where}{': ' if where else ''}{said}{found}") from error
