"""Reproducing a version: from its sealed set the same bundle, from what has landed the same training set; with a record of what was found."""

from tradewind_lifecycle.reproducing.checking import checks_of, refuse_failed
from tradewind_lifecycle.reproducing.proving import reproduce
from tradewind_lifecycle.reproducing.records import Check, Rebuilt, Refitted, Reproduction, read_reproductions

__all__ = ["Check", "Rebuilt", "Refitted", "Reproduction", "checks_of", "read_reproductions", "refuse_failed", "reproduce"]
