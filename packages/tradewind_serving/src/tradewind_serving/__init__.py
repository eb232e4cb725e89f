"""Serving: what a service needs at run time."""
