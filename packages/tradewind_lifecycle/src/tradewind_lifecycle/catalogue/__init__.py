"""The catalogue of features: what they are and where they come from, and what they are worth and cost in a world."""

from tradewind_lifecycle.catalogue.declared import Catalogue, Feature, FeatureServiceSpec, View, read_catalogue

__all__ = ["Catalogue", "Feature", "FeatureServiceSpec", "View", "read_catalogue"]
