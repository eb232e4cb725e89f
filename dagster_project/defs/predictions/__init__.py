"""Predictions: the log of what services answered, landed back as a source."""
