"""Models: training set, fit, version, champion, nightly scores."""
