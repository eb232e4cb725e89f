"""Entities: what features describe. One join key each; keys of a parcel are built by ``tradewind_features.keys``."""

from feast import Entity, ValueType


def _entity(name: str, join_key: str, description: str) -> Entity:
    return Entity(name=name, join_keys=[join_key], value_type=ValueType.STRING, description=description, owner="logistics")


merchant = _entity("merchant", "merchant_id", "A seller of the marketplace.")
category = _entity("category", "category", "A product category: that of a parcel's heaviest item.")
postal_area = _entity("postal_area", "postal_area_id", "A five-digit postal prefix; of a parcel: its destination.")
destination_prefix = _entity("destination_prefix", "destination_prefix_id", "The first three digits of a destination.")
destination_state = _entity("destination_state", "destination_state", "The state that a parcel goes to.")
state_lane = _entity("state_lane", "state_lane_id", "From a state to a state, such as SP-RJ.")
prefix_lane = _entity("prefix_lane", "prefix_lane_id", "From a two-digit postal prefix to another, such as 13-22.")
network = _entity("network", "network_id", "The whole network; its one key is `all`.")

ENTITIES = [merchant, category, postal_area, destination_prefix, destination_state, state_lane, prefix_lane, network]
