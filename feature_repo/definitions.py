"""Everything that is registered: ``feast apply`` and ``lifecycle.feature_store`` read these lists."""

from feature_repo import categories, lanes, merchants, network, places
from feature_repo.entities import ENTITIES
from feature_repo.on_demand import ON_DEMAND_VIEWS
from feature_repo.services import SERVICES

VIEWS = [*merchants.VIEWS, *categories.VIEWS, *lanes.VIEWS, *places.VIEWS, *network.VIEWS]

__all__ = ["ENTITIES", "ON_DEMAND_VIEWS", "SERVICES", "VIEWS"]
