"""Features: packed online store, light reader, provider, offline store and request-time transforms.

Import what you need by its module:

* :mod:`tradewind_features.transforms`: request-time functions, plain numpy.
* :mod:`tradewind_features.online.reader`: what services import; neither Feast nor pandas.
* :mod:`tradewind_features.online.store`, :mod:`tradewind_features.offline`, :mod:`tradewind_features.provider`: Feast plugins,
  named by their dotted paths in ``feature_store.yaml``.
* :mod:`tradewind_features.specs`: digests of what a feature view means.
"""
