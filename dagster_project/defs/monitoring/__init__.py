"""Monitoring: what was served, watched; the sensor that proposes a retrain."""
