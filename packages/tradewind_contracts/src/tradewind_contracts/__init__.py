"""Contracts: table declarations, names, units, ids, clock, settings, and the forms that packages hand each other."""
