"""Request-time functions: plain, vectorised numpy, called alike by the on-demand feature views and by the services.

All take arrays of shape [n] (or scalars that broadcast) and give arrays of shape [n]; what is not known is NaN.
"""

from tradewind_features.transforms.geography import haversine_km
from tradewind_features.transforms.local_time import local_hour, local_weekday
from tradewind_features.transforms.parcel_request import PARCEL_REQUEST_FEATURES, parcel_request
from tradewind_features.transforms.ratios import log_ratio

__all__ = ["PARCEL_REQUEST_FEATURES", "haversine_km", "local_hour", "local_weekday", "log_ratio", "parcel_request"]
