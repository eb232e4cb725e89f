"""Rows pushed one by one: the log that later training sets read, and how a record gets into it before it is served.

* :mod:`tradewind_features.pushing.listing`: which files of a log count; the standard library alone.
* :mod:`tradewind_features.pushing.log`: append, merge, erase; Arrow.
* :mod:`tradewind_features.pushing.records`: what a record must be, and when it was known.
* :mod:`tradewind_features.pushing.contradictions`: records that can't all be right.
* :mod:`tradewind_features.pushing.intake`: how one that Feast hands over gets in.
* :mod:`tradewind_features.pushing.erasing`: one entity out of everything.
"""
